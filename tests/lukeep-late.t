#!/bin/bash
# Services that are late: they work on while systemd stops the rest of the host, and save then. There is no way back at that point.
. "$(dirname "$0")/lukeep-machine.bash"

# to_systemd STATUS: an update up to where systemd has been asked to shut the system down; its systemctl exits with this, or shows what is
# in late.show
to_systemd() {
	# shellcheck disable=SC2016 # for the shell within
	printf '#!/bin/sh\n[ "$1" = show ] || exit %s\ncat %s/late.show\n' "$1" "$machine" >"$machine/bin/systemctl"
	chmod +x "$machine/bin/systemctl"
	lukeep update --kernel "$machine/image" --initrd "$machine/initrd" --reuse-cmdline
	is $? "${2:-0}" "the update is handed to systemd"
	rm "$machine/bin/systemctl"
}

# enter [SERVICE...]: the next kernel, with the units of these
enter() {
	"$out/lukeep-machine" "$machine" reboot
	until_true "kernel 2 runs" kernel_is 2
	boot_systemd "$@"
}

# Two services, the second of which is late.
one_late() {
	by_signal early 'save-timeout = 20'
	by_signal guest 'save-timeout = 20' 'late = yes' "$@"
	boot_systemd early guest
	until_true "the early one runs" has early 1
	until_true "the late one runs" has guest 1
}

saves_late() {
	one_late
	to_systemd 0
	is "$(of_service early state)" saved "the early one has saved"
	is "$(of_service guest state)" running "the late one works"
	ok "systemd has the late one save" lukeep late
	is "$(of_service guest state)" saved "it has saved"
	ok "its step is told" says 'save and stop the late services: '
	ok "asked once more, there is nothing to do" lukeep late
	enter early guest
	at_work early 12
	at_work guest 12
}

only_late() {
	by_command guest 'save-timeout = 20' 'late = yes'
	boot_systemd guest
	until_true "it runs" has guest 1
	to_systemd 0
	is "$(of_service guest state)" running "it works"
	ok "systemd has it save" lukeep late
	enter guest
	at_work guest 12
}

# The order counts among the late ones.
late_in_order() {
	one_late 'order = 2'
	by_signal second 'late = yes' 'order = 1'
	lukeep reload
	become "$out/lukeep-unit" "$machine" second "$out/agent/lukeep" --config-dir "$conf" --run-dir "$run" >>"$log" 2>&1 &
	disown
	until_true "the second late one runs" has second 1
	mood second late
	to_systemd 0
	lukeep late &
	local client=$!
	until_true "the one of the lower order is told to save" state_is second saving
	is "$(of_service guest state)" running "the other one works on"
	mood second
	wait "$client"
	is $? 0 "both have saved"
	is "$(of_service guest state)" saved "the other one, too"
}

cannot_save() {
	one_late 'if-lost = hold'
	mood guest deaf
	to_systemd 0
	hurry guest 20
	ok "systemd goes on" lukeep late
	ok "who is lost is told" says 'guest: it has not saved, and systemd is about to enter the next kernel: what it had is lost'
	is "$(of_service early state)" saved "the other one has saved"
	until_true "the lost one is stopped" state_is guest down
	mood guest
	enter early guest
	at_work early 12
	until_true "what it had is lost" state_is guest lost
}

# lost_in_next SERVICE: the next kernel has nothing of it, and knows that
lost_in_next() {
	: >"$log"
	enter early "$1"
	until_true "$1 is started afresh" started_again "$1"
	ok "$1: it is told why" logged "$1: what it had in kernel 6.12.0-test-1 is lost"
	never "$1: no session is taken for another program's" logged 'nothing of lukeep is in it'
}

started_again() {
	[ "$(started "$1")" = 2 ]
}

keeper_dies() {
	one_late
	mood guest late
	to_systemd 0
	lukeep late &
	local client=$!
	until_true "it is told to save" state_is guest saving
	kill -9 "$(keeper guest)"
	wait "$client"
	is $? 0 "systemd goes on"
	ok "it is told" logged 'guest: its keeper has ended'
	ok "and what that means" logged 'guest: it has not saved, and systemd is about to enter the next kernel'
	mood guest
	lost_in_next guest
	at_work early 12
}

keeper_dies_before() {
	one_late
	to_systemd 0
	kill -9 "$(keeper guest)"
	until_true "what that means is told" logged 'guest: it has not saved, and systemd is about to enter the next kernel'
	ok "systemd goes on" lukeep late
	lost_in_next guest
	at_work early 12
}

# Each order has its time; nothing hangs when no keeper answers.
keepers_stuck() {
	by_signal early 'save-timeout = 20'
	by_signal guest 'save-timeout = 20' 'late = yes'
	by_signal second 'save-timeout = 20' 'late = yes' 'order = 1'
	boot_systemd early guest second
	until_true "the early one runs" has early 1
	until_true "the first late one runs" has guest 1
	until_true "the second late one runs" has second 1
	local keepers
	keepers="$(keeper guest) $(keeper second)"
	to_systemd 0
	# shellcheck disable=SC2086 # two of them
	kill -STOP $keepers
	echo 20 >"$machine/faster.$agent"
	ok "systemd goes on" lukeep late
	ok "the first one is given up" logged 'guest: its keeper does not answer'
	ok "and the second one" logged 'second: its keeper does not answer'
	rm "$machine/faster.$agent"
	lost_in_next guest
	at_work early 12
}

# So it is if the next kernel cannot tell at once.
known_later() {
	one_late
	local keeper
	keeper=$(keeper guest)
	to_systemd 0
	kill -STOP "$keeper"
	echo 20 >"$machine/faster.$agent"
	ok "systemd goes on" lukeep late
	rm "$machine/faster.$agent"
	: >"$log"
	# That there is no state it is told, and then nothing for some time.
	fault retrieve-fd.guest ENOMEM 1
	enter early guest
	until_true "it is tried again" logged 'guest: cannot retrieve memfd lukeep.begun'
	never "it is not taken for another program's" logged 'nothing of lukeep is in it'
	echo 10 >"$machine/faster"
	fault retrieve-fd.guest
	until_true "it is started afresh" started_again guest
	rm "$machine/faster"
}

# A keeper that saves after all, when the agent has given up on it.
saves_after_all() {
	one_late
	mood guest late
	to_systemd 0
	fault preserve.guest hang
	lukeep late &
	local client=$!
	until_true "it is told to save" state_is guest saving
	echo 20 >"$machine/faster.$agent"
	mood guest
	until_true "its keeper hangs" some_call preserve hangs
	wait "$client"
	is $? 0 "systemd goes on"
	rm "$machine/faster.$agent"
	never "it is not said to be lost" logged 'guest: it has not saved'
	fault preserve.guest
	until_true "all of it is preserved" logged 'guest: .* are preserved'
	enter early guest
	at_work guest 12
}

# What could not save is stopped in its own manner, however long that may take.
stops_slowly() {
	one_late 'stop-timeout = 90'
	mood guest deaf
	to_systemd 0
	# Its keeper needs 11 s, and has told of the save by 2 s. The agent waits for 7 s, and then for 17 s.
	hurry guest 10
	echo 7 >"$machine/faster.$agent"
	ok "systemd goes on" lukeep late
	never "its keeper is not given up" logged 'its keeper does not answer'
	until_true "it is stopped" state_is guest down
}

# Systemd asks, and an operator before it.
asked_twice() {
	one_late
	mood guest late
	to_systemd 0
	lukeep late &
	local first=$! second
	until_true "it is told to save" state_is guest saving
	lukeep late &
	second=$!
	ok "the agent answers" agent_is updating
	is "$(of_service guest state)" saving "it is still saving"
	mood guest
	wait "$first"
	is $? 0 "who asked first is told when it has saved"
	wait "$second"
	is $? 0 "and who asked then"
	is "$(of_service guest state)" saved "it has saved"
}

# Who asks before there is anything to wait for takes nothing from the update.
asked_early() {
	one_late
	mood early late
	lukeep update --kernel "$machine/image" --initrd "$machine/initrd" --reuse-cmdline &
	local update=$!
	until_true "the early one is told to save" state_is early saving
	ok "there is nothing to wait for" lukeep late
	lukeep cancel &
	local cancel=$!
	until_true "the agent hears of that" logged 'it is called off as you asked'
	mood early
	wait "$cancel"
	is $? 0 "the update is called off"
	wait "$update"
	is $? 3 "who asked for the update is told"
	at_work early 11
}

# Systemd may begin to stop units before systemctl has exited.
asked_at_once() {
	one_late
	# shellcheck disable=SC2016 # for the shell within
	printf '#!/bin/sh\n[ "$1" = show ] || until [ -e %s/go ]; do sleep 0.1; done\n' "$machine" >"$machine/bin/systemctl"
	chmod +x "$machine/bin/systemctl"
	lukeep update --kernel "$machine/image" --initrd "$machine/initrd" --reuse-cmdline &
	local update=$! late
	until_true "systemd is asked" jumping
	lukeep late &
	late=$!
	ok "the agent answers" agent_is updating
	ok "and once more" agent_is updating
	touch "$machine/go"
	wait "$update"
	is $? 0 "the update is handed to systemd"
	wait "$late"
	is $? 0 "systemd goes on"
	is "$(of_service guest state)" saved "it has saved"
	rm "$machine/bin/systemctl" "$machine/go"
	enter early guest
	at_work guest 12
}

jumping() {
	[ "$(status .agent.jumping)" = true ]
}

# Before systemd has been asked, or when it refuses, all is as ever.
called_off() {
	one_late
	ok "without an update there is nothing to wait for" lukeep late
	to_systemd 1 3
	at_work early 11
	is "$(of_service guest state), $(started guest)" "running, 1" "the late one has never been away"
	ok "there is nothing to wait for" lukeep late
	is "$(of_service guest state)" running "it works"
}

# late_unit LOADED ACTIVE: what systemd has to show of lukeep-late.service
late_unit() {
	printf 'LoadState=%s\nActiveState=%s\n' "$1" "$2" >"$machine/late.show"
}

# Without the unit nobody would have it save.
no_unit() {
	one_late
	late_unit loaded inactive
	to_systemd 0 1
	ok "it is said why the update is refused" says 'guest is late, and lukeep-late.service, by which it saves, is not active'
	late_unit masked active
	to_systemd 0 1
	is "$(of_service early state), $(of_service guest state)" "running, running" "no service has been away"
	late_unit loaded active
	to_systemd 0
	is "$(of_service early state)" saved "with the unit the update goes on"
}

# Nor when it is stopped while the others save.
unit_stops() {
	one_late
	late_unit loaded active
	mkdir "$conf/before-update.d"
	printf '#!/bin/sh\nprintf "LoadState=loaded\\nActiveState=inactive\\n" >%s/late.show\n' "$machine" >"$conf/before-update.d/stop"
	chmod +x "$conf/before-update.d/stop"
	to_systemd 0 3
	ok "it is said why the update is called off" says 'guest is late, and lukeep-late.service, by which it saves, is not active'
	at_work early 11
	at_work guest 1
}

# It takes a moment to see that, in which the limit may be reached.
limit_reached() {
	one_late
	# shellcheck disable=SC2016 # for the shell within
	printf '#!/bin/sh\n[ "$1" != show ] || [ ! -e %s/slow ] || sleep 1.5\n' "$machine" >"$machine/bin/systemctl"
	chmod +x "$machine/bin/systemctl"
	mkdir "$conf/before-update.d"
	printf '#!/bin/sh\n>%s/slow\n' "$machine" >"$conf/before-update.d/slow"
	chmod +x "$conf/before-update.d/slow"
	lukeep update --kernel "$machine/image" --initrd "$machine/initrd" --reuse-cmdline --max-pause 1
	is $? 3 "the update is called off"
	ok "it says why" says 'have been away for 1 s, which is the limit that you gave'
	rm "$machine/bin/systemctl" "$machine/slow"
	at_work early 11
}

# Systemd does not have to answer.
no_answer() {
	one_late
	to_systemd 0
	ok "it is said what is taken to be" says 'systemd does not say whether lukeep-late.service is active'
}

# Without systemd, and with --now, it saves with the others.
not_by_systemd() {
	one_late
	jumps
	boot_systemd early guest
	at_work early 12
	at_work guest 12
	rm "$machine/systemd"
}

no_agent() {
	ok "without an agent there is nothing to wait for" lukeep late
}

# A tmpfs is made read-only before systemd stops the rest, and CRIU needs the rest.
not_possible() {
	printf '[service]\nstart = true\nlate = yes\n[tmpfs]\npath = /run/x\nsize = 1M\n' >"$conf/files.conf"
	printf '[service]\nstart = true\nlate = yes\n[process]\nimages = /run/x\n' >"$conf/process.conf"
	(become "$out/agent/lukeep" check --config-dir "$conf") >"$said" 2>&1
	ok "a service with a tmpfs cannot be late" says 'files.conf: a service with a tmpfs, .* cannot be late'
	ok "one of processes cannot either" says 'process.conf: .* cannot be late'
}

scenario saves_late only_late late_in_order cannot_save stops_slowly keeper_dies keeper_dies_before keepers_stuck known_later saves_after_all asked_twice asked_early asked_at_once
scenario called_off no_unit unit_stops limit_reached no_answer not_by_systemd no_agent not_possible
done_testing
