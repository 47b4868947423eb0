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
vm hugetlb-cma --with "/selftests=$selftests" --mem 4G --append 'nokaslr hugetlb_cma=1G'
# two_nodes SIZE: of memory each
two_nodes() {
	nodes=(-object "memory-backend-ram,id=m0,size=$1" -object "memory-backend-ram,id=m1,size=$1"
		-numa 'node,memdev=m0,cpus=0' -numa 'node,memdev=m1,cpus=1')
}
# A plain kernel has no nodes, and no memory that fails.
if [ "$FLAVOUR" != plain ]; then
	two_nodes 1G
	vm hugetlb-numa --with "/selftests=$selftests" --mem 2G --smp 2,sockets=2 --append 'hugepages=0:8,1:8' -- "${nodes[@]}"
	two_nodes 3G
	vm hugetlb-numa-gigantic --with "/selftests=$selftests" --mem 6G --smp 2,sockets=2 \
		--append 'nokaslr hugepagesz=1G hugepages=0:1,1:2' -- "${nodes[@]}"
	vm hugetlb-poison --with "/selftests=$selftests" --mem 4G --append 'nokaslr hugepagesz=1G hugepages=1'
	vm hugetlb-poison --with "/selftests=$selftests" --mem 4G --append 'nokaslr hugepagesz=1G hugepages=1 unretrieved=1'
fi
done_testing
