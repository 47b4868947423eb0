#!/bin/bash
# Sessions, files and memfds over four updates in a row, A to B to A to B to A.
# flavours: default debug arm64-default
# tier-all: arm64-16k arm64-64k arm64-debug
. "$(dirname "$0")/lib.bash"

# A device whose interrupts go through the ITS on arm64.
vm update --with "/selftests=$selftests" -- -device virtio-serial-pci
done_testing
