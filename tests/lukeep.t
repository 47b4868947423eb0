#!/bin/bash
# lukeep: services keep their memory over updates in a row, and go back to work when an update fails.
# flavours: default
. "$(dirname "$0")/lib.bash"
read -ra tools < <("$root/scripts/guest-tools")
options=()
for tool in "${tools[@]}" "/bin/jq=$(command -v jq)"; do
	options+=(--with "$tool")
done
vm lukeep "${options[@]}" --timeout 900
vm lukeep-lost "${options[@]}"
vm lukeep-shutdown --with /lib/systemd/systemd-shutdown "${options[@]}"
ok "systemd killed the others" grep -q 'Sending SIGKILL to remaining processes' "$build/logs/lukeep-shutdown.log"
done_testing
