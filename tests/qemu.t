#!/bin/bash
# Virtual machines of stock QEMU over updates of their host: guests that notice a pause, and nothing else.
# flavours: default
. "$(dirname "$0")/lib.bash"
read -ra tools < <("$root/scripts/guest-tools" qemu)
# The host's clock counts its instructions: on one that runs against the clock of a busy host of its own, timers leave no time
# for anything else.
options=(--mem 2G --timeout 1200 --accel nested --peer 10.0.2.100)
for tool in "${tools[@]}" "/bin/jq=$(command -v jq)"; do
	options+=(--with "$tool")
done
vm qemu "${options[@]}" -- -icount shift=0
vm qemu-several "${options[@]}" -- -icount shift=0
done_testing
