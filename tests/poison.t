#!/bin/bash
# Memory that fails: what is lost of memfds, and that the next kernel keeps off it.
# flavours: default
# tier-all: debug
. "$(dirname "$0")/lib.bash"

# The kernel must not come to lie by chance on the page that fails.
vm poison --with "/selftests=$selftests" --append 'nokaslr kho_scratch=128M,16M,64M hugepages=8'
done_testing
