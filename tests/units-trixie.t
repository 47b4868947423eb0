#!/bin/bash
# lukeep's units under the systemd of Debian 13, and what only that does: a unit's file descriptors stay when its keeper is killed.
# flavours: default
# tier: all
. "$(dirname "$0")/lib.bash"
export RELEASE=trixie
programs=$("$root/scripts/vm/guest-root")
read -ra tools < <("$root/scripts/vm/guest-tools")
options=()
for tool in "${tools[@]}" "/bin/jq=${programs%/}/usr/bin/jq" "/=$("$root/scripts/vm/systemd-root")" "/=$root/tests/guest/units"; do
	options+=(--with "$tool")
done
for name in units-store units-trixie; do
	vm $name "${options[@]}" --timeout 3600 --append "rdinit=/lib/systemd/systemd systemd.show_status=no"
done
done_testing
