#!/bin/bash
# lukeep on this host, with a shim: whole updates, and updates that fail at each step, or are ended.
# flavours: none
# shellcheck disable=SC2016,SC2119 # patterns, and options of functions
. "$(dirname "$0")/lukeep-machine.bash"

# Scenarios that fail as yet.
not_yet=''

whole() {
	two_services
	ok "a dry run succeeds" update --dry-run
	ok "it tells the command line" says 'root=/dev/vda1 kho=on liveupdate=on lukeep.left=6.12.0-test-1'
	never "it leaves no kernel loaded" is_loaded
	and_updates
	is "$(of_service signal resumed)" true "the status says that it has resumed"
	ok "the log tells where its memory came from" logged 'signal: its memory came from kernel 6.12.0-test-1'
	is "$(grep -c '^2 finish .* ok' "$machine/calls")" 2 "the sessions are finished"
	jumps
	boot
	at_work signal 123
	at_work command 123
	ok "all can be stopped" lukeep stop
	until_true "the agent is gone" gone "$agent"
	is "$(tail -qn 1 "$machine/signal.log" "$machine/command.log" | uniq)" stopped "the services were told to stop"
}

# The agent looks what has become of the services in an update, and answers meanwhile.
looks_after_update() {
	two_services
	jumps
	boot
	until_true "it has looked" logged 'all services are at work'
	is "$(history '.version')" 1 "the history tells its version"
	is "$(history '.updates[] | .result + " " + .services[0].state')" "updated running" "and what there was"
	ok "it answers" agent_answers
	never "it does not ask itself" odd "connects to itself"
}

# In the order of the steps; two of them have the services save.
failures() {
	two_services
	fault load ENOMEM
	fails_at 1 "load the next kernel" .
	fault load
	fault open ENOENT
	fails_at 1 "preserve the memory" 'cannot open /dev/liveupdate'
	fault open
	fault create.command EEXIST
	fails_at 1 "preserve the memory" 'another program holds it'
	fault create.command
	fault preserve.command ENOMEM
	fails_at 1 "preserve the memory" 'cannot preserve memfd lukeep.begun'
	fault preserve.command ENOMEM 1
	fails_at 1 "preserve the memory" 'cannot preserve memfd memory'
	fault preserve.command
	at_work signal 1
	at_work command 1

	mood command refuses
	fails_at 3 "save and stop the services" 'its save command exited with status 3'
	mood command
	at_work signal 11
	at_work command 1
	fault preserve.signal ENOMEM 2
	fails_at 3 "preserve what they saved" 'cannot preserve memfd saved'
	fault preserve.signal
	at_work signal 111
	at_work command 11
	fault reboot EINVAL
	fails_at 3 "jump into the next kernel" 'the kernel refused'
	fault reboot
	at_work signal 1111
	at_work command 111
	jumps
	boot
	at_work signal 11112
	at_work command 1112
}

# A keeper with its service's rights may keep the session of an update that failed.
session_is_kept() {
	two_services
	fault create.command EEXIST
	fails_at 1 "preserve the memory" 'command: cannot create the session: .*holds it: stop the service, or .*--without'
	at_work command 1
	jumps --without command
	fault create.command
	boot
	at_work signal 12
	until_true "the other one starts afresh" has command 2
}

# systemctl STATUS: one that takes its time, and exits with this; if it succeeds, the next kernel is entered
systemctl() {
	touch "$machine/slow"
	cat >"$machine/bin/systemctl" <<-END
		#!/bin/sh
		echo "\$*" >>"$machine/asked"
		while [ -e "$machine/slow" ]; do sleep 0.05; done
		[ $1 != 0 ] || "$out/lukeep-machine" "$machine" reboot
		exit $1
	END
	chmod +x "$machine/bin/systemctl"
	rm -f "$machine/asked"
	lukeep update --kernel "$machine/image" --initrd "$machine/initrd" --reuse-cmdline 2>/dev/null &
	client=$!
	until_true "systemd is asked to enter the next kernel" grep -sqx 'kexec --no-block' "$machine/asked"
}

# Its systemctl may take longer than the agent's watchdog allows.
by_systemd() {
	by_signal signal
	boot_systemd signal
	until_true "signal runs" has signal 1
	systemctl 1
	until_true "the agent answers meanwhile" agent_is updating
	lukeep cancel
	is $? 1 "it cannot be called off"
	ok "it says why" says 'it is too late'
	rm "$machine/slow"
	wait "$client"
	is $? 3 "when systemd refuses, the services are back"
	ok "it says why" logged '"systemctl kexec" exited with status 1'
	at_work signal 11
	systemctl 0
	rm "$machine/slow"
	until_true "kernel 2 runs" kernel_is 2
	rm "$machine/bin/systemctl"
	boot_systemd signal
	at_work signal 112
}

late() {
	two_services
	hurry signal 20
	mood signal late
	fails_at 4 "save and stop the services" 'it has not saved and exited within 20 s'
	until_true "the status says that the service is late" state_is signal late
	at_work command 11
	mood signal
	at_work signal 11

	hurry signal 1
	hurry command 20
	mood command hangs
	fails_at 3 "save and stop the services" 'it has not saved and exited within 20 s'
	mood command
	at_work signal 111
	at_work command 11
}

# Its service has saved and exited, and that counts.
command_lingers() {
	two_services
	hurry command 4
	mood command lingers
	jumps
	mood command
	boot
	at_work signal 12
	at_work command 12
}

# The save command is killed at its time limit, and the service saves after that.
saves_a_bit_late() {
	two_services
	mood command dawdles
	hurry command 4
	fails_at 3 "save and stop the services" 'command: it has not saved and exited within 20 s'
}

saves_in_grace() {
	saves_a_bit_late
	hurry command 1
	mood command
	at_work command 11
	at_work signal 11
	jumps
	boot
	at_work command 112
	at_work signal 112
}

saves_too_late() {
	saves_a_bit_late
	hurry command 1000	# it is long ago
	mood command
	until_true "it says that what it saved is not used" logged 'command: what it has saved is not used'
	until_true "it has exited unasked" state_is command down
	ok "it can be started" lukeep reload
	until_true "it starts afresh" has command 1
	at_work signal 11
}

forgets() {
	two_services
	mood signal forgets
	fails_at 3 "save and stop the services" 'it saved nothing'
	until_true "the service starts afresh" started_twice
	is "$(grep ^start "$machine/signal.log" | tail -n 1)" "start memory= saved=" "with nothing of what it had"
	at_work command 11
}

# What a save command leaves behind when its time is over.
save_command_with_children() {
	declare_service signal "save-command = sh -c 'sleep 9$$; true'" 'save-timeout = 20'
	boot
	until_true "the service runs" has signal 1
	echo 20 >"$machine/faster"
	fails_at 3 "save and stop the services" 'it has not saved and exited within 20 s'
	at_work signal 1
	until_true "nothing is left of its save command" eval "! pgrep -f 'sleep 9$$' >/dev/null"
}

# update_that_hangs CALL: in the background. What the agent preserves first is not meant.
update_that_hangs() {
	case $1 in preserve.*) fault "$1" "hang 1" ;; *) fault "$1" hang ;; esac
	update &
	client=$!
	until_true "the update hangs at $1" some_call "${1%.*}" hangs
}

# agent_ends SIGNAL: while the memory is preserved
agent_ends() {
	two_services
	update_that_hangs preserve.command
	kill "-$1" "$agent"
	until_true "the agent is gone" gone "$agent"
	fault preserve.command
	wait "$client"
	is $? 1 "the update fails"
	at_work signal 1
	at_work command 1
	run_agent
	and_updates
}

agent_killed() {
	agent_ends KILL
}

agent_terminated() {
	agent_ends TERM
}

# While one service saves, and the other one has.
agent_killed_while_saving() {
	two_services
	mood command hangs
	update &
	until_true "one service has saved" grep -q ^saved "$machine/signal.log"
	kill -KILL "$agent"
	wait $!
	is $? 1 "the client says that the agent went away"
	at_work signal 11
	mood command
	at_work command 11
	run_agent
	jumps
	boot
	at_work signal 112
	at_work command 112
}

# unloaded_or_told: of the kernel that an update has left loaded
unloaded_or_told() {
	! is_loaded || logged 'next kernel is loaded'
}

next_kernel_stays() {
	two_services
	update_that_hangs preserve.command
	ok "the next kernel is loaded" is_loaded
	kill -KILL "$agent"
	until_true "the agent is gone" gone "$agent"
	fault preserve.command
	run_agent
	until_true "another agent unloads the next kernel, or says that it is loaded" unloaded_or_told
	at_work signal 1
}

# cancels CALL: an update that hangs there
cancels() {
	two_services
	update_that_hangs "$1"
	echo 20 >"$machine/faster.$agent"	# a keeper that hangs is waited for
	ok "it can be called off" lukeep cancel
	wait "$client"
	is $? 1 "the update fails"
	fault "$1"
	never "no kernel is loaded" is_loaded
	at_work signal 1
	at_work command 1
}

cancel_load() {
	cancels load
	is "$(history '.updates[-1] | "\(.result) \(.cancelled) \(.next)"')" "failed true $machine/image" "the history tells"
	fault create.signal EEXIST
	update
	fault create.signal
	is "$(history '.updates[-1] | "\(.result) \(.cancelled) \(.next)"')" "failed null $machine/image" "and of one that failed by itself"
	(become "$out/agent/lukeep" history --state-dir "$machine") >"$said" 2>&1
	ok "so does the table" says "(called off: load the next kernel)  for $machine/image"
}

# other_kernel: another program loads one
other_kernel() {
	"$out/lukeep-machine" "$machine" load other
}

other_is_loaded() {
	is_loaded && [ "$(cat "$machine/loaded")" = other ]
}

# The kernel of another program, which has been loaded before or after, is not the agent's to unload.
load_refused_after_another() {
	two_services
	other_kernel
	fault load ENOMEM
	fails_with_kernel 1 'load the next kernel'
	fault load
	ok "the other kernel is still loaded" other_is_loaded
	run_another_agent
	ok "a new agent does not unload it" other_is_loaded
}

# fails_with_kernel STATUS STEP
fails_with_kernel() {
	update
	is $? "$1" "the update fails"
	ok "it says at which step" says "failed at the step \"$2\""
}

run_another_agent() {
	kill -KILL "$agent"
	until_true "the agent is gone" gone "$agent"
	run_agent
}

load_killed_after_another() {
	two_services
	other_kernel
	update_that_hangs load
	run_another_agent
	fault load
	wait "$client"
	ok "a new agent does not unload what it may not have loaded" other_is_loaded
	ok "it says so" logged 'and another one was loaded before'
	run_another_agent
	ok "the one after that does not, either" other_is_loaded
}

load_cancelled_after_another() {
	two_services
	other_kernel
	update_that_hangs load
	ok "it can be called off" lukeep cancel
	wait "$client"
	fault load
	until_true "it says that it is not known what is loaded" logged 'it is not known whether it still is'
	ok "the other kernel is still loaded" other_is_loaded
}

# After an update that was called off.
another_after_cancel() {
	two_services
	update_that_hangs load
	ok "it can be called off" lukeep cancel
	wait "$client"
	fault load
	until_true "nothing of it is left" eval '[ ! -e "$run/loaded" ]'
	other_kernel
	run_another_agent
	ok "a new agent does not unload another kernel" other_is_loaded
}

cancel_preserve() {
	cancels preserve.command
}

cancel_nothing() {
	two_services
	lukeep cancel
	is $? 1 "there is nothing to call off"
	at_work signal 1
}

limited() {
	two_services
	echo 10 >"$machine/faster.$agent"
	fault load hang
	update
	is $? 1 "an update that hangs as the next kernel is loaded ends"
	fault load
	ok "it says at which step" says 'failed at the step "load the next kernel"'
	at_work signal 1
}

# A service that can take no signal yet, and says so by its readiness.
early() {
	by_signal signal 'save-timeout = 20' "ready-command = test -e $machine/signal.has"
	mood signal slow
	boot
	until_true "it is starting" state_is signal starting
	fails_at 1 "check the services" 'it is not ready yet'
	mood signal
	at_work signal 1
	until_true "it is ready" state_is signal running
	jumps
	boot
	at_work signal 12
}

seals() {
	by_signal signal
	mood signal seals
	boot
	until_true "signal runs" has signal 1
	jumps
	boot
	at_work signal 12
	jumps
	boot
	at_work signal 123
}

without() {
	two_services
	by_signal deaf 'save-timeout = 20' 'stop-timeout = 20'
	mood deaf deaf
	lukeep reload
	until_true "a service that will not save runs" has deaf 1
	hurry deaf 20
	fails_at 4 "save and stop the services" 'it has not saved and exited within 20 s'
	at_work signal 11
	jumps --without deaf
	mood deaf
	boot
	at_work signal 112
	at_work command 112
	until_true "it starts afresh" has deaf 2
}

scenario whole looks_after_update failures session_is_kept by_systemd late command_lingers saves_in_grace saves_too_late forgets save_command_with_children agent_killed agent_terminated agent_killed_while_saving \
	next_kernel_stays cancel_load load_refused_after_another load_killed_after_another load_cancelled_after_another another_after_cancel cancel_preserve cancel_nothing limited early seals without
done_testing
