#!/bin/bash
# lukeep: a service keeps its memory over updates in a row, and goes back to work when an update fails.
# flavours: default
. "$(dirname "$0")/lib.bash"
read -ra tools < <("$root/scripts/guest-tools")
options=()
for tool in "${tools[@]}"; do
	options+=(--with "$tool")
done
vm lukeep "${options[@]}"
done_testing
