#!/bin/bash
# nginx, with a download in progress, and PostgreSQL, in the middle of a transaction, go on over an update, their clients outside.
# flavours: criu
# tier: all
. "$(dirname "$0")/process.bash"
mib=64
read -r http sql < <(free_ports 2)
program process-peers.py 127.0.0.1 "$http" "$sql" $mib >"$tmp/peers" 2>&1
vm_outside process-services "$http:80,$sql:5432" --append "rdinit=/tests/disk.sh mib=$mib"
is "$(cat "$tmp/peers")" "both have what they should" "a download and a transaction have come to their end"
is "$(python3 "$root/tests/programs/process-packets.py" "$tmp/packets" 80 2>&1 | grep reset)" "" "nobody resets a connection of nginx"
is "$(python3 "$root/tests/programs/process-packets.py" "$tmp/packets" 5432 2>&1 | grep reset)" "" "nor one of PostgreSQL"
done_testing
