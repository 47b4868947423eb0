#!/bin/bash
# A virtual machine of stock QEMU over updates of its host: a guest that notices a pause, and nothing else.
# flavours: default
# tier: all
. "$(dirname "$0")/lib.bash"
# Its RAM is of huge pages.
vm_with_machines qemu --append hugepages=48
vm_with_machines qemu-thp
done_testing
