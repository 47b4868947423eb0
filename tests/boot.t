#!/bin/bash
# Either kernel boots, and is replaced by the other with kexec -s.
# flavours: default
. "$(dirname "$0")/lib.bash"
vm boot
done_testing
