#!/bin/bash
# Kernels that take over on machines of various kinds, and with parameters that claim memory early.
# flavours: default arm64-default
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
[ "$ARCH" = arm64 ] || vm gigantic --with "/selftests=$selftests" --mem 9G --append 'nokaslr kho_scratch=16M,3G,16M'
# Nodes differ from kernel to kernel: two, none, or made up ones, of which the two real ones give room for three.
sizes=kho_scratch=64M,256M,64M
[ "$ARCH" = arm64 ] || machine numa-off "$sizes numa_2=off numa_3=fake=4 want_nodes_1=2 want_nodes_2=1 want_nodes_3=3" \
	--mem 6G --smp 2,sockets=2 -- "${two_nodes[@]}"
[ "$ARCH" = arm64 ] || machine numa-on "$sizes numa=off numa_2=fake=4 numa_3=on want_nodes_1=1 want_nodes_2=3 want_nodes_3=2" \
	--mem 6G --smp 2,sockets=2 -- "${two_nodes[@]}"
# Most of it for programs alone.
[ "$ARCH" = arm64 ] || machine movable 'kernelcore=768M' --mem 4G
# Little memory, and that far apart.
high=(-object 'memory-backend-ram,id=ram,size=900G,reserve=off' -machine memory-backend=ram)
[ "$ARCH" = arm64 ] || machine high "nokaslr memmap=exactmap memmap=639K@0 memmap=1023M@1M memmap=2G@890G" --mem 900G -- "${high[@]}"
[ "$ARCH" = arm64 ] || vm added --with "/selftests=$selftests" --append 'mem=768M'
[ "$ARCH" = arm64 ] || vm crowded --with "/selftests=$selftests" --mem 2G --append 'mem=768M'
# A processor that starts kernels at EL2 and cannot run them there.
[ "$ARCH" != arm64 ] || machine el2 'want_el2=1' -- -machine 'virtualization=on' -cpu cortex-a72
done_testing
