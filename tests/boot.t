#!/bin/bash
# Either kernel boots, and is replaced by the other with kexec -s.
# flavours: default
# tier-all: arm64-default arm64-16k arm64-64k
. "$(dirname "$0")/lib.bash"
vm boot
done_testing
