#!/bin/bash
# lukeep's units under systemd, over two live updates, the second into a kernel without an agent, and an ordinary reboot.
# flavours: default
# tier-all: host
. "$(dirname "$0")/lib.bash"
read -ra tools < <("$root/scripts/vm/guest-tools")
options=()
for tool in "${tools[@]}" "/bin/jq=$(command -v jq)" "/=$("$root/scripts/vm/systemd-root")" "/=$root/tests/guest/units"; do
	options+=(--with "$tool")
done
vm units "${options[@]}" --timeout 3600 --append "rdinit=/lib/systemd/systemd systemd.show_status=no"
done_testing
