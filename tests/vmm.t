#!/bin/bash
# A virtual machine over two updates of its host, A to B to A.
# flavours: default
. "$(dirname "$0")/lib.bash"

# The clock counts instructions, as in vm_with_machines(): a host that is kept from its processor for a while may take its TSC
# for far too slow, and its guest is told of a clock that goes back.
vm vmm --with "/selftests=$selftests" --accel nested -- -icount shift=0
done_testing
