#!/bin/bash
# Memfds of huge pages over updates, and the pools that they come from.
# flavours: default
# tier-all: plain
. "$(dirname "$0")/lib.bash"

# Gigantic pages need memory that is aligned to them; the kernel must not lie in it.
pools='hugepagesz=2M hugepages=64 hugepagesz=1G hugepages=2'
vm hugetlb --with "/selftests=$selftests" --mem 6G --append "nokaslr $pools"
# At random the kernel may come to lie so that there is no room for scratch memory.
vm hugetlb-scratch --with "/selftests=$selftests" --mem 2G --append 'nokaslr kho_scratch=16M,1200M,16M hugepages=8'
vm hugetlb-damage --with "/selftests=$selftests" --append 'hugepages=16'
vm hugetlb-monitor --with "/selftests=$selftests"
done_testing
