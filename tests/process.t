#!/bin/bash
# Services that know nothing of live updates go on over four of them: redis, with a client outside the host, whose TCP connection is
# never reset, and a program with threads, timers and a pty.
# flavours: criu
# tier: all
. "$(dirname "$0")/lib.bash"
disk=$("$root/scripts/vm/disk") || exit
tmp=$(mktemp -d)
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
python3 "$root/tests/programs/process-client.py" 127.0.0.1 "$port" "$tmp/client" &
client=$!
trap 'kill $client 2>/dev/null; rm -rf "$tmp"' EXIT
vm process-update --mem 2G --timeout 1800 --append "rdinit=/tests/disk.sh keys=${KEYS:-1000000}" -- -cpu max,-erms \
	-drive "file=$disk,if=virtio,format=raw,snapshot=on" \
	-netdev "user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:$port-10.0.2.15:6379" -device virtio-net-pci,netdev=net,romfile= \
	-object "filter-dump,id=dump,netdev=net,file=$tmp/packets"
is "$(python3 "$root/tests/programs/process-packets.py" "$tmp/packets" 6379 2>"$tmp/silent")" "" "one connection, without a reset"
say "# its peers were $(cat "$tmp/silent")"
read -r answers longest _ < <(tail -n 2 "$tmp/client")
say "# the client got $answers answers, and waited for one for $longest s at most"
done_testing
