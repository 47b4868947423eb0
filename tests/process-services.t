#!/bin/bash
# nginx, with a download in progress, and PostgreSQL, in the middle of a transaction, go on over an update, their clients outside.
# flavours: criu
# tier: all
. "$(dirname "$0")/lib.bash"
disk=$("$root/scripts/vm/disk") || exit
tmp=$(mktemp -d)
mib=64
read -r http sql < <(python3 -c 'import socket
s, t = socket.socket(), socket.socket()
s.bind(("127.0.0.1", 0))
t.bind(("127.0.0.1", 0))
print(s.getsockname()[1], t.getsockname()[1])')
python3 "$root/tests/programs/process-peers.py" 127.0.0.1 "$http" "$sql" $mib >"$tmp/peers" 2>&1 &
peers=$!
trap 'kill $peers 2>/dev/null; rm -rf "$tmp"' EXIT
vm process-services --mem 2G --timeout 1800 --append "rdinit=/tests/disk.sh mib=$mib" -- -cpu max,-erms \
	-drive "file=$disk,if=virtio,format=raw,snapshot=on" \
	-netdev "user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:$http-10.0.2.15:80,hostfwd=tcp:127.0.0.1:$sql-10.0.2.15:5432" \
	-device virtio-net-pci,netdev=net,romfile= -object "filter-dump,id=dump,netdev=net,file=$tmp/packets"
is "$(cat "$tmp/peers")" "both have what they should" "a download and a transaction have come to their end"
is "$(python3 "$root/tests/programs/process-packets.py" "$tmp/packets" 80 2>&1 | grep reset)" "" "nobody resets a connection of nginx"
is "$(python3 "$root/tests/programs/process-packets.py" "$tmp/packets" 5432 2>&1 | grep reset)" "" "nor one of PostgreSQL"
done_testing
