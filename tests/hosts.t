#!/bin/bash
# What users of other kernels reported trouble with: machines, and parameters that differ between the kernels.
# tier: all
. "$(dirname "$0")/lib.bash"

# host CASE PARAMETERS [VM-OPTION]...
host() {
	vm "hosts-$1" --with "/selftests=$selftests" --append "test=hosts case=$1 $2" "${@:3}"
}

two_nodes=(-object 'memory-backend-ram,id=m0,size=2G' -object 'memory-backend-ram,id=m1,size=2G'
	-numa 'node,memdev=m0,cpus=0' -numa 'node,memdev=m1,cpus=1')

host full 'nokaslr kho_scratch=16M,900M,16M' --mem 2G
# Tables of 128 MiB make zones grow before all their struct pages are initialised.
host grown 'slub_debug=FZPU dhash_entries=33554432' --mem 4G --smp 2,sockets=2 -- "${two_nodes[@]}"
host numa '' --mem 4G --smp 2,sockets=2 -- "${two_nodes[@]}"
done_testing
