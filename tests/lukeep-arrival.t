#!/bin/bash
# lukeep on this host, with a shim: what came in from the previous kernel is not lost while that kernel's memory is there.
# flavours: none
# shellcheck disable=SC2016,SC2119 # patterns, and options of functions
. "$(dirname "$0")/lukeep-machine.bash"

# Scenarios that fail as yet.
not_yet=''

# waits CALL ERRNO TEXT: on arrival a call fails for a while
waits() {
	one_service 'if-lost = start'
	jumps
	fault "$1" "$2"
	echo 10 >"$machine/faster"
	boot
	until_true "it is tried again" some_call "$1" "$2" 2
	[ "$1" != open ] || sleep 1.2	# longer than the device may be busy for one call
	never "the service is not started meanwhile" has signal 2
	never "and is not lost" state_is signal lost
	until_true "it says why it waits" logged "signal: .*$3"
	fault "$1"
	at_work signal 12
	rm "$machine/faster"
	jumps
	boot
	at_work signal 123
}

waiting_is_shown() {
	one_service
	jumps
	fault retrieve ENOMEM
	boot
	until_true "it is tried again" some_call retrieve ENOMEM 2
	ok "the status tells that it waits" is_waiting signal
	fault retrieve
	echo 10 >"$machine/faster"
	at_work signal 12
}

# is_waiting NAME: not stopped or hung
is_waiting() {
	case $(of_service "$1" state) in
	starting | held) ;;
	*)	return 1 ;;
	esac
}

open_EBUSY() { waits open EBUSY 'Device or resource busy'; }
open_EMFILE() { waits open EMFILE 'Too many open files'; }
open_ENOMEM() { waits open ENOMEM 'Cannot allocate memory'; }
retrieve_ENOMEM() { waits retrieve ENOMEM 'Cannot allocate memory'; }
retrieve_EMFILE() { waits retrieve EMFILE 'Too many open files'; }
retrieve_fd_ENOMEM() { waits retrieve-fd ENOMEM 'Cannot allocate memory'; }
retrieve_fd_EMFILE() { waits retrieve-fd EMFILE 'Too many open files'; }

# nothing_in CALL: only what is not there is lost
nothing_in() {
	one_service
	jumps
	fault "$1" ENOENT
	boot
	until_true "the service starts afresh" has signal 2
	ok "it says that what it had is lost" logged 'signal: what it had in kernel 6.12.0-test-1 is lost'
}

no_session() { nothing_in retrieve; }

# Without what a keeper hands over the session is another program's.
no_state() {
	one_service
	jumps
	fault retrieve-fd ENOENT
	boot
	until_true "the service is held" state_is signal held
	ok "it says why" logged 'signal: a session of this name came in, but nothing of lukeep is in it: it is left alone'
	never "the session is not finished" some_call finish ok
	never "and nothing is said to be lost" logged 'is lost'
	lukeep reload
	until_true "a reload does not change that" state_is signal held
	fault retrieve-fd
	ok "the service can be stopped" lukeep stop signal
	ok "which gives the session up" some_call finish ok
	ok "it can be started" lukeep reload
	until_true "it starts afresh" has signal 2
}

no_device() {
	fault open ENOENT
	one_service
	never "nothing was lost" logged 'is lost'
}

cold_boot() {
	one_service
	never "nothing was lost" logged 'is lost'
}

lost_and_held() {
	one_service 'if-lost = hold'
	jumps
	fault retrieve ENOENT
	boot
	until_true "it is lost, and not started" state_is signal lost
	never "it does not run" has signal 2
	ok "a reload starts it afresh" lukeep reload
	until_true "it runs" has signal 2
}

# What is declared must be what the service was started with: edit PATTERN, and compare it before an update.
edit() {
	sed -i "$1" "$conf/signal.conf"
}

# compared EDIT
compared() {
	two_services
	cp "$conf/signal.conf" "$machine/before"
	edit "$1"
	update --dry-run
	is $? 1 "a dry run finds what was edited"
	ok "it names the service" says signal
	update
	is $? 1 "an update does, too"
	ok "it says at which step" says 'failed at the step "check the services"'
	at_work signal 1
	at_work command 1
	cp "$machine/before" "$conf/signal.conf"
	jumps
	boot
	at_work signal 12
	at_work command 12
}

rename_memory='s/memfd memory/memfd renamed/'
add_saved='$a [memfd more]\nkind = save'
add_memory='$a [memfd more]\nkind = memory'
other_kind='/memfd memory/,$ { s/kind = save/kind = memory/; }'

memory_renamed_before() { compared "$rename_memory"; }
saved_added_before() { compared "$add_saved"; }
kind_changed_before() { compared "$other_kind"; }

# held_until_corrected EDIT: in the next kernel
held_until_corrected() {
	one_service "${@:2}"
	cp "$conf/signal.conf" "$machine/before"
	jumps
	edit "$1"
	boot
	until_true "the service is held" state_is signal held
	never "it does not run on empty memory" grep -q '^resume memory= ' "$machine/signal.log"
	is "$(started signal)" 1 "it is not started afresh"
	cp "$machine/before" "$conf/signal.conf"
	ok "the declaration is read again" lukeep reload
	at_work signal 12
	jumps
	boot
	at_work signal 123
}

memory_renamed() { held_until_corrected "$rename_memory"; }
memory_renamed_hold() { held_until_corrected "$rename_memory" 'if-lost = hold'; }
saved_added() { held_until_corrected "$add_saved"; }
memory_added() { held_until_corrected "$add_memory"; }

# The declaration is broken, or gone, in the next kernel.
broken_declaration() {
	two_services
	cp "$conf/signal.conf" "$machine/before"
	jumps
	edit '$a nonsense'
	boot
	at_work command 12
	cp "$machine/before" "$conf/signal.conf"
	ok "the declarations are read again" lukeep reload
	at_work signal 12
}

missing_declaration() {
	two_services
	jumps
	mv "$conf/signal.conf" "$machine/before"
	boot
	at_work command 12
	mv "$machine/before" "$conf/signal.conf"
	ok "the declarations are read again" lukeep reload
	at_work signal 12
}

wrong_command() { held_until_corrected 's/^resume = .*/resume = nothing-of-this-name/' 'retry = yes'; }

# A command that cannot be run, as of a package that is not installed.
missing_command() {
	one_service
	jumps
	mv "$machine/bin/lukeep-service" "$machine/away"
	boot
	until_true "it says why it does not run" logged 'cannot run "lukeep-service'
	never "it does not run" has signal 2
	mv "$machine/away" "$machine/bin/lukeep-service"
	ok "it can try again" lukeep reload
	at_work signal 12
}

# A service that exits before it resumes.
stumbles() {
	one_service 'retry = yes'
	jumps
	mood signal stumbles
	boot
	until_true "it exits" logged 'signal: the service exited with status 8'
	never "it does not run" has signal 2
	mood signal
	ok "it can try again" lukeep reload
	at_work signal 12
}

# The session's files stay in the kernel until the service is back.
killed_on_arrival() {
	two_services
	jumps
	fault retrieve-fd.signal hang
	boot
	until_true "another service is back" has command 12
	kill -KILL "$agent"
	fault retrieve-fd.signal
	at_work signal 12
	run_agent
	at_work signal 12
	at_work command 12
}

# held [BOOT]: what came in for a service cannot be taken, as its declaration is another one
held() {
	one_service
	cp "$conf/signal.conf" "$machine/before"
	jumps
	edit "$rename_memory"
	"${@:-boot}"
	until_true "the service is held" state_is signal held
	cp "$machine/before" "$conf/signal.conf"
}

# Without systemd what it holds is lost with the keeper, and this is said.
held_and_killed() {
	held
	kill -KILL "$(keeper signal)"
	until_true "its keeper is gone" state_is signal gone
	ok "it is started again" lukeep reload
	until_true "it starts afresh" has signal 2
	ok "it says why" logged 'signal: what it had in kernel 6.12.0-test-1 is lost: its last keeper was killed as it was held'
	kill -KILL "$(keeper signal)"
	until_true "its keeper is gone" state_is signal gone
	ok "it is started again" lukeep reload
	until_true "it starts afresh" eval '[ "$(started signal)" = 3 ]'
	is "$(grep -c 'is lost' "$log")" 1 "nothing else is said to be lost"
}

# A unit keeps it.
unit_held_and_killed() {
	held boot_systemd signal
	kill -KILL "$(keeper signal)"
	until_true "its keeper is gone" unit_is signal ended
	kill -HUP "$unit"
	at_work signal 12
	until_true "the store is empty" in_store signal
	ok "it says where it was" logged 'signal: .*systemd has kept it'
	kill -KILL "$(keeper signal)"
	until_true "its keeper is gone" unit_is signal ended
	kill -HUP "$unit"
	until_true "with the keeper of a service that works its memory goes" eval '[ "$(started signal)" = 2 ]'
}

# Unless it is stopped.
unit_held_and_stopped() {
	held boot_systemd signal
	kill -TERM "$(keeper signal)"
	until_true "its keeper ends" unit_is signal ended
	until_true "the store is empty" in_store signal
	ok "the session is finished" some_call finish ok
	ok "it says so" logged 'signal: .*what came in for it is given up'
	kill -HUP "$unit"
	until_true "it starts afresh" has signal 2
}

# What systemd itself has preserved of a store is of no use without the session.
unit_stale() {
	one_service
	jumps
	echo '{"format":2,"release":"none","stopped":1,"memfds":{}}' >"$machine/signal.stale"
	boot_systemd signal
	at_work signal 12
	until_true "the store is empty" in_store signal
	jumps
	rm "$machine/signal.stale"
	boot_systemd signal
	at_work signal 123
}

# Nor with a declaration that breaks while it is held.
unit_broken_and_stopped() {
	held boot_systemd signal
	kill -KILL "$(keeper signal)"
	until_true "its keeper is gone" unit_is signal ended
	fault open hang
	kill -HUP "$unit"
	until_true "it is started again" some_call open hangs
	echo nonsense >>"$conf/signal.conf"
	fault open
	until_true "its keeper waits for the declaration" logged 'signal: .*waits for its declaration'
	pkill -TERM -P "$unit"
	until_true "its keeper ends" unit_is signal ended
	is "$(cat "$machine/signal.unit")" "ended 0" "well"
	until_true "the store is empty" in_store signal
	ok "the session is finished" some_call finish ok
}

# clock_back SECONDS [KEY]...: the machine's clock is put back in an update
clock_back() {
	one_service "${@:2}"
	worked=$(date +%s)
	jumps
	echo "-$1" >"$machine/clock"
	boot
}

# ahead SECONDS [SECONDS]: by so many, or by the second ones at the most
ahead() {
	[ "$(cat "$machine/clock")" -ge "$1" ] && [ "$(cat "$machine/clock")" -le "${2:-$1}" ]
}

clock_set() {
	clock_back 500 'clock = yes'
	at_work signal 12
	ok "the clock is set forward, and no further than to when it stopped" ahead "$((worked - $(date +%s) - 1))" 1
}

clock_left_alone() {
	clock_back 500
	at_work signal 12
	ok "the clock is left alone" ahead -500
}

# More than an update explains.
clock_far_back() {
	clock_back 34560000 'clock = yes'
	until_true "it is said" logged 'signal: .*clock'
	ok "the clock is left alone" ahead -34560000
	never "the service does not drop what it had" has signal 2
	echo 10 >"$machine/faster"
	echo 0 >"$machine/clock"
	at_work signal 12
}

# foreign TOKEN...: a session of a program that has files by these tokens is that program's
foreign() {
	by_signal other
	boot
	until_true "a service runs" has other 1
	become "$out/lukeep-foreign" signal "$@" >"$machine/there" 2>&1 &
	disown
	until_true "another program has a session" grep -q ready "$machine/there"
	jumps
	by_signal signal
	boot
	at_work other 12
	until_true "the service of its name is held" state_is signal held
	ok "it says why" logged 'signal: a session of this name came in, but nothing of lukeep is in it: it is left alone'
	never "the session is not finished" some_call finish ok 2
}

foreign_other() { foreign 5 6; }
foreign_mark() { foreign 5 1000; }

scenario open_EBUSY open_EMFILE open_ENOMEM retrieve_ENOMEM retrieve_EMFILE retrieve_fd_ENOMEM retrieve_fd_EMFILE waiting_is_shown \
	no_session no_state foreign_other foreign_mark no_device cold_boot lost_and_held \
	memory_renamed_before saved_added_before kind_changed_before memory_renamed memory_renamed_hold saved_added memory_added \
	broken_declaration missing_declaration wrong_command missing_command stumbles killed_on_arrival \
	held_and_killed unit_held_and_killed unit_held_and_stopped unit_broken_and_stopped unit_stale \
	clock_set clock_left_alone clock_far_back
done_testing
