#!/bin/bash
# What users of other kernels reported trouble with: machines, and parameters that differ between the kernels.
# flavours: host
# tier: all
. "$(dirname "$0")/lib.bash"

# host CASE PARAMETERS [VM-OPTION]...
host() {
	vm "hosts-host-$1" --with "/selftests=$selftests" --append "test=hosts case=$1 $2" "${@:3}"
}

two_nodes=(-object 'memory-backend-ram,id=m0,size=2G' -object 'memory-backend-ram,id=m1,size=2G'
	-numa 'node,memdev=m0,cpus=0' -numa 'node,memdev=m1,cpus=1')

host levels '' --accel tcg
# Tables of 128 MiB make zones grow before their struct pages are initialised.
host grown 'slub_debug=FZPU page_owner=on dhash_entries=33554432' --mem 4G --smp 2,sockets=2 -- "${two_nodes[@]}"
# Half of memory is scratch memory, and the kernel is not in its middle.
host pool 'nokaslr kho_scratch=16M,700M,16M' --mem 1536M
# Each takes a large part of memory, one after the other, in each kernel.
host large 'kfence.sample_interval=100 crashkernel=256M hugepagesz=1G hugepages=1 kho_scratch=64M,128M,128M' --mem 6G
done_testing
