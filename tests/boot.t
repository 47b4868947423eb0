#!/bin/bash
# Either kernel boots, and is replaced by the other with kexec -s.
# flavours: default arm64-default
# tier-all: arm64-64k
. "$(dirname "$0")/lib.bash"
vm boot
done_testing
