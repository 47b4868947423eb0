#!/bin/bash
# A service whose memory CRIU dumps into pipes, without a copy, goes on over two updates: redis, with a client outside the host.
# flavours: criu
# tier: all
. "$(dirname "$0")/process.bash"
port=$(free_ports 1)
program process-client.py 127.0.0.1 "$port" "$tmp/client"
vm_outside process-pipes "$port:6379" --append rdinit=/tests/disk.sh
is "$(python3 "$root/tests/programs/process-packets.py" "$tmp/packets" 6379 2>/dev/null)" "" "one connection, without a reset"
done_testing
