#!/bin/bash
# Kernels that take over on machines of various kinds, and with parameters that claim memory early.
# flavours: default
# tier-all: arm64-default
. "$(dirname "$0")/lib.bash"

# machine NAME PARAMETERS [VM-OPTION]...
machine() {
	vm "kho-boot-$1" --with "/selftests=$selftests" --append "test=kho-boot $2" "${@:3}"
}

two_nodes=(-object 'memory-backend-ram,id=m0,size=2G' -object 'memory-backend-ram,id=m1,size=4G'
	-numa 'node,memdev=m0,cpus=0' -numa 'node,memdev=m1,cpus=1')

machine nokaslr 'nokaslr kho_scratch=300%'
machine early 'crashkernel=64M hugepages=16 want_crash=67108864 want_hugepages=16'
machine sizes 'kho_scratch=32M,64M,32M want_sizes=0x2000000,0x4000000,0x2000000,'
# At random the kernel may come to lie so that no gigantic page is left, with or without a handover.
machine numa 'nokaslr hugepagesz=1G hugepages=1 crashkernel=64M want_nodes=2 want_gigantic=1 want_crash=67108864 memmap_above=4G' \
	--mem 6G --smp 2,sockets=2 -- "${two_nodes[@]}"
machine small 'want_cpus=1' --smp 1 --mem 512M
# A kernel at random in the middle of little memory leaves no 512 MiB in one piece.
machine zero 'nokaslr kho_bootmem=0,512M,0 want_sizes=0x20000000,'
done_testing
