#!/bin/bash
# Memfds of huge pages over updates, on machines with nodes, with an area of CMA for them, or with memory that fails.
# flavours: default
# tier: all
. "$(dirname "$0")/lib.bash"

# two_nodes SIZE: of memory each
two_nodes() {
	nodes=(-object "memory-backend-ram,id=m0,size=$1" -object "memory-backend-ram,id=m1,size=$1"
		-numa 'node,memdev=m0,cpus=0' -numa 'node,memdev=m1,cpus=1')
}

two_nodes 1G
vm hugetlb-numa --with "/selftests=$selftests" --mem 2G --smp 2,sockets=2 --append 'hugepages=0:8,1:8' -- "${nodes[@]}"
two_nodes 3G
vm hugetlb-numa-gigantic --with "/selftests=$selftests" --mem 6G --smp 2,sockets=2 \
	--append 'nokaslr hugepagesz=1G hugepages=0:1,1:2' -- "${nodes[@]}"
vm hugetlb-poison --with "/selftests=$selftests" --mem 4G --append 'nokaslr hugepagesz=1G hugepages=1'
vm hugetlb-poison --with "/selftests=$selftests" --mem 4G --append 'nokaslr hugepagesz=1G hugepages=1 unretrieved=1'
vm hugetlb-cma --with "/selftests=$selftests" --mem 4G --append 'nokaslr hugetlb_cma=1G'
done_testing
