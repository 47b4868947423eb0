#!/bin/bash
# Services that know nothing of live updates go on over four of them: redis, with a client outside the host, whose TCP connection is
# never reset, and a program with threads, timers and a pty.
# flavours: criu
# tier: all
. "$(dirname "$0")/process.bash"
port=$(free_ports 1)
program process-client.py 127.0.0.1 "$port" "$tmp/client"
vm_outside process-update "$port:6379" --append "rdinit=/tests/disk.sh keys=${KEYS:-1000000}"
is "$(python3 "$root/tests/programs/process-packets.py" "$tmp/packets" 6379 2>"$tmp/silent")" "" "one connection, without a reset"
say "# its peers were $(cat "$tmp/silent")"
read -r answers longest _ < <(tail -n 2 "$tmp/client")
say "# the client got $answers answers, and waited for one for $longest s at most"
done_testing
