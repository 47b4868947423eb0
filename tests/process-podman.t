#!/bin/bash
# A container of podman goes on over two updates: redis, with a client outside the host, whose TCP connection is never reset. One that
# cannot be dumped calls the update off.
# flavours: criu
# tier: all
. "$(dirname "$0")/process.bash" podman
port=$(free_ports 1)
program process-client.py 127.0.0.1 "$port" "$tmp/client"
vm_outside process-podman "$port:6379" --append rdinit=/tests/disk.sh
is "$(python3 "$root/tests/programs/process-packets.py" "$tmp/packets" 6379 2>"$tmp/silent")" "" "one connection, without a reset"
say "# its peers were $(cat "$tmp/silent")"
done_testing
