#!/bin/bash
# A service by CRIU on Debian 12: redis, with a client outside, goes on over three updates, by Debian 12's CRIU, when that has been replaced
# by Debian 13's, and by the latter.
# flavours: criu
# tier: all
. "$(dirname "$0")/process.bash" bookworm
port=$(free_ports 1)
program process-client.py 127.0.0.1 "$port" "$tmp/client"
vm_outside process-bookworm "$port:6379" --append rdinit=/tests/disk.sh
is "$(python3 "$root/tests/programs/process-packets.py" "$tmp/packets" 6379 2>/dev/null)" "" "one connection, without a reset"
done_testing
