#!/bin/bash
# lukeep: services keep their memory over updates in a row, and go back to work when an update fails.
# flavours: default
. "$(dirname "$0")/lib.bash"
read -ra tools < <("$root/scripts/vm/guest-tools")
options=()
for tool in "${tools[@]}" "/bin/jq=$(command -v jq)"; do
	options+=(--with "$tool")
done
is "$(awk '/^\[/ { section = $1 } /^SurviveFinalKillSignal=/ { print section }' "$root/tools/liveupdate/lukeep.service")" "[Unit]" \
	"systemd is told in the right section to spare the agent"
vm lukeep "${options[@]}" --timeout 3600
vm lukeep-lost "${options[@]}"
vm lukeep-thp "${options[@]}"
# The initramfs of the next kernel is twice that of this one: too large, but not with the size of scratch memory that it is told.
vm lukeep-scratch "${options[@]}" --append kho_scratch=16M,64M,32M
would_do=$(sed -n 's/^# would do: //p' "$build/logs/lukeep-scratch$suffix.report")
vm lukeep-scratch "${options[@]}" --append "kho_scratch=$would_do fits=yes"
vm lukeep-shutdown --with /lib/systemd/systemd-shutdown "${options[@]}"
ok "systemd killed the others" grep -q 'Sending SIGKILL to remaining processes' "$build/logs/lukeep-shutdown$suffix.log"
done_testing
