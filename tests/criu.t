#!/bin/bash
# CRIU of Debian 13, unmodified, and what lukeep-criu makes of it: services are dumped, and restored in the same kernel.
# flavours: criu
# tier: all
. "$(dirname "$0")/lib.bash"
disk=$("$root/scripts/vm/disk") || exit
vm criu --append rdinit=/tests/disk.sh -- -drive "file=$disk,if=virtio,format=raw,snapshot=on" -cpu max,-erms
done_testing
