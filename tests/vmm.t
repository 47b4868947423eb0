#!/bin/bash
# A virtual machine over two updates of its host, A to B to A.
# flavours: default
. "$(dirname "$0")/lib.bash"

# With a thread for each emulated processor QEMU now and then brings a host down when its guest runs, update or not.
vm vmm --with "/selftests=$selftests" --accel tcg,thread=single
done_testing
