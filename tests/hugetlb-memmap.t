#!/bin/bash
# Gigantic pages that have few struct pages become other memory, on a kernel that looks at each page.
# flavours: debug
# tier: all
. "$(dirname "$0")/lib.bash"

vm hugetlb-memmap --with "/selftests=$selftests" --mem 4G --append 'nokaslr kho_scratch=16M,256M,16M hugepagesz=1G hugepages=1'
done_testing
