#!/bin/bash
# As kho-boot.t, on machines of less common kinds: with nodes, with much memory, or with memory far apart.
# flavours: default arm64-default
# tier: all
. "$(dirname "$0")/lib.bash"

# machine NAME PARAMETERS [VM-OPTION]...
machine() {
	vm "kho-boot-$1" --with "/selftests=$selftests" --append "test=kho-boot $2" "${@:3}"
}

two_nodes=(-object 'memory-backend-ram,id=m0,size=2G' -object 'memory-backend-ram,id=m1,size=4G'
	-numa 'node,memdev=m0,cpus=0' -numa 'node,memdev=m1,cpus=1')

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
