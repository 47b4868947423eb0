#!/bin/bash
# The test module for KHO over three updates; on a plain machine, on one where two nodes meet in the midst of what could be
# a block of the largest order, and on one with a hole between them.
# flavours: default debug
. "$(dirname "$0")/lib.bash"

# Tables sized by free memory would come out smaller where much is preserved.
tables='dhash_entries=65536 ihash_entries=65536 mhash_entries=4096 mphash_entries=4096 thash_entries=16384'

# machine NAME PARAMETERS [VM-OPTION]...
machine() {
	vm "kho-module-$1" --append "test=kho-module $tables $2" "${@:3}"
}

# nodes SIZE SIZE: options of QEMU. The processors are on the second node and take memory above 4 GiB first, so that next
# to nothing is in use where the nodes meet.
nodes() {
	echo --mem 4G -- -object "memory-backend-ram,id=m0,size=$1" -object "memory-backend-ram,id=m1,size=$2" \
		-numa node,memdev=m0 -numa node,memdev=m1,cpus=0-1
}

machine plain ''
# The debug kernel uses memory in other places.
if [ "$FLAVOUR" = default ]; then
	# What a kernel allocates early on it takes from the end of a node. Here QEMU put the initramfs there, of 15 MiB, which
	# is free once it is unpacked.
	# shellcheck disable=SC2046 # lists of words
	machine adjacent 'want_crossing=1' $(nodes 3066M 1030M)
	# shellcheck disable=SC2046
	machine hole "want_edges=1 memmap=2M\$2046M" $(nodes 2046M 2050M)
fi
done_testing
