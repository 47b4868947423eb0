#!/bin/bash
# Containers of podman go on over two updates: redis, with a client outside the host, whose TCP connection is never reset, with the
# network of the host and behind a bridge of podman's, where another container is connected with it. One that cannot be dumped calls the
# update off.
# flavours: criu
# tier: all
. "$(dirname "$0")/process.bash" podman
read -r port behind <<<"$(free_ports 2)"
program process-client.py 127.0.0.1 "$port" "$tmp/client"
program process-client.py 127.0.0.1 "$behind" "$tmp/behind"
vm_outside process-podman "$port:6379,$behind:6380" --append rdinit=/tests/disk.sh
for port in 6379 6380; do
	is "$(python3 "$root/tests/programs/process-packets.py" "$tmp/packets" $port 2>"$tmp/silent")" "" "port $port: one connection, without a reset"
	say "# its peers were $(cat "$tmp/silent")"
done
done_testing
