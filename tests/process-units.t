#!/bin/bash
# A service by CRIU under the systemd of Debian 13: redis, with a client outside, whose TCP connection is never reset.
# flavours: criu
# tier: all
. "$(dirname "$0")/lib.bash"
disk=$("$root/scripts/vm/disk") || exit
tmp=$(mktemp -d)
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
python3 "$root/tests/programs/process-client.py" 127.0.0.1 "$port" "$tmp/client" &
client=$!
trap 'kill $client 2>/dev/null; rm -rf "$tmp"' EXIT
units=/on-disk/etc/systemd/system
words='rdinit=/tests/disk.sh first=/usr/lib/systemd/systemd systemd.unit=multi-user.target systemd.show_status=no'
words="$words systemd.default_timeout_start_sec=600"
for unit in lukeep process-network test; do words="$words systemd.wants=$unit.service"; done
for unit in systemd-logind.service systemd-modules-load.service getty.target; do words="$words systemd.mask=$unit"; done
vm process-units --with "$units/process-network.service=$root/tests/guest/process-network.service" \
	--with "$units/test.service=$root/tests/guest/units/etc/systemd/system/test.service" \
	--mem 2G --timeout 1800 --append "$words" -- -cpu max,-erms -drive "file=$disk,if=virtio,format=raw,snapshot=on" \
	-netdev "user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:$port-10.0.2.15:6379" -device virtio-net-pci,netdev=net,romfile= \
	-object "filter-dump,id=dump,netdev=net,file=$tmp/packets"
is "$(python3 "$root/tests/programs/process-packets.py" "$tmp/packets" 6379 2>/dev/null)" "" "one connection, without a reset"
done_testing
