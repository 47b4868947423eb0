#!/bin/bash
# The test module for KHO over three updates; on a plain machine, on one where nodes meet in the midst of what could be a
# block of the largest order, and on one with a hole between them.
# flavours: default debug
. "$(dirname "$0")/lib.bash"

# machine NAME PARAMETERS [VM-OPTION]...
machine() {
	vm "kho-module-$1" --append "test=kho-module $2" "${@:3}"
}

# nodes MIB...: options of QEMU. The processors are on the last node and take its memory first, so that next to nothing is
# in use where others meet.
nodes() {
	local mib total=0 n=0 options=()

	for mib; do
		total=$((total + mib))
		options+=(-object "memory-backend-ram,id=m$n,size=${mib}M" -numa "node,memdev=m$n$([ $n -lt $(($# - 1)) ] || echo ,cpus=0-1)")
		n=$((n + 1))
	done
	echo --mem "${total}M" -- "${options[@]}"
}

# The debug kernel uses memory in other places; and what it watches for leaks it watches elsewhere, too, at a boot less.
if [ "$FLAVOUR" = debug ]; then
	machine plain 'want_low=1 kmemleak=off'
else
	machine plain 'want_low=1'
	# shellcheck disable=SC2046 # lists of words
	machine adjacent 'want_crossing=1' $(nodes 1534 1532 1030)
	# shellcheck disable=SC2046
	machine hole "want_edges=1 memmap=2M\$2046M" $(nodes 2046 2050)
	# What the first and the third kernel, without nodes, have in one piece is on two nodes of the second and fourth.
	# shellcheck disable=SC2046
	machine other-nodes "numa=off numa_2=on numa_3=off numa_4=on folio_at=$((1532 << 20)) want_split=1" $(nodes 1534 2562)
fi
done_testing
