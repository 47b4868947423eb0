#!/bin/bash
# lukeep on this host, with a shim: services that are urgent are told to save last, and are the first that resume.
# flavours: none
# shellcheck disable=SC2016 # patterns
. "$(dirname "$0")/lukeep-machine.bash"

# Scenarios that fail as yet.
not_yet=''

# declare_urgent NAME ORDER: a service that is ready when it has told what it has
declare_urgent() {
	by_signal "$1" "order = $2" "ready-command = test -e $machine/$1.has"
}

three_services() {
	declare_urgent low 0
	declare_urgent high 2
	declare_urgent mid 1
	boot
	for name in low mid high; do
		until_true "$name runs" state_is $name running
	done
}

# Those who wait for their turn do not answer, and are asked for a shorter time. The turn itself comes when it does, or after 60 s.
ask_shortly() {
	export LUKEEP_FASTER=3
}

# in_order TEXT: the services, as they have said so
in_order() {
	sed -n "s/^lukeep: \([a-z]*\): $1.*/\1/p" "$log" | tr '\n' ' '
}

resumes() {
	three_services
	is "$(in_order 'at work')" "high mid low " "they were started in their order"
	jumps
	mood high slow
	: >"$log"
	boot
	ask_shortly
	until_true "the most urgent one is not ready yet" state_is high starting
	until_true "the others wait" state_is low silent
	never "neither was started" grep -q ^resume "$machine/mid.log" "$machine/low.log"
	mood high
	for name in low mid high; do
		at_work $name 12
		until_true "$name is ready" state_is $name running
	done
	is "$(in_order 'at work')" "high mid low " "they were resumed in their order"
}

# What cannot be at work, or is killed, is not waited for.
not_there() {
	three_services
	jumps
	mood high stumbles
	mood mid slow
	boot
	ask_shortly
	until_true "the most urgent one has ended" state_is high down
	until_true "the next one is started" state_is mid starting
	until_true "the last one waits" state_is low silent
	kill -9 "$(keeper mid)"
	until_true "its keeper is killed" state_is mid gone
	at_work low 12
}

# Nor for ever.
never_ready() {
	three_services
	jumps
	mood high slow
	echo 20 >"$machine/faster"
	boot
	at_work mid 12
	ok "it says so" logged 'mid: it does not wait any longer than 60 s for services of a higher order'
	at_work low 12
	ok "the urgent one is waited for" state_is high starting
	mood high
	at_work high 12
}

# Under systemd the units say that.
by_units() {
	declare_urgent low 0
	declare_urgent high 2
	declare_urgent mid 1
	echo nonsense >"$conf/broken.conf"
	mkdir -p "$machine/units"
	ln -sf "$out/agent/lukeep" "$machine/bin/lukeep-generator"
	(become unshare --mount sh -c "mount -t tmpfs etc /etc && cp -r $conf /etc/lukeep && exec lukeep-generator $machine/units") >"$said" 2>&1
	is $? 0 "there are units"
	is "$(cat "$said")" "" "nothing is said of a declaration that is wrong"
	is "$(cat "$machine/units/lukeep@low.service.d/order.conf")" "[Unit]
After=lukeep@high.service
After=lukeep@mid.service" "the one that is least urgent is started after both"
	is "$(cat "$machine/units/lukeep@mid.service.d/order.conf")" "[Unit]
After=lukeep@high.service" "the next one after the most urgent one"
	never "that waits for none" test -e "$machine/units/lukeep@high.service.d"
}

scenario resumes not_there never_ready by_units
done_testing
