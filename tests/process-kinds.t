#!/bin/bash
# A program with open files of many kinds goes on over an update, with all of them; with those that CRIU does not dump there is none.
# flavours: criu
# tier: all
. "$(dirname "$0")/lib.bash"
disk=$("$root/scripts/vm/disk") || exit
vm process-kinds --timeout 3000 --mem 1G --append rdinit=/tests/disk.sh -- -drive "file=$disk,if=virtio,format=raw,snapshot=on" -cpu max,-erms
done_testing
