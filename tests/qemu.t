#!/bin/bash
# A virtual machine of stock QEMU over updates of its host: a guest that notices a pause, and nothing else.
# flavours: default
# tier: all
. "$(dirname "$0")/lib.bash"
vm_with_machines qemu
done_testing
