#!/bin/bash
# A virtual machine over two updates of its host, A to B to A.
# flavours: default
. "$(dirname "$0")/lib.bash"

vm vmm --with "/selftests=$selftests" --accel nested
done_testing
