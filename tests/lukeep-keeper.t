#!/bin/bash
# lukeep on this host, with a shim: only who wants a service to stop stops it, and what becomes of services that end by
# themselves.
# flavours: none
# shellcheck disable=SC2016,SC2119 # patterns, and options of functions
. "$(dirname "$0")/lukeep-machine.bash"

# Scenarios that fail as yet.
not_yet=''

# remember: the services that run
remember() {
	were="$(pid signal) $(pid command)"
}

# untouched: they are the same, and work on
untouched() {
	local each

	for each in $were; do
		ok "a service works on" alive "$each"
	done
	ok "one runs, its keeper says" state_is signal running
	ok "the other one, too" state_is command running
	is "$(pid signal) $(pid command)" "$were" "none was started again"
	never "none was told to stop" grep -q ^stopped "$machine/signal.log" "$machine/command.log"
}

# agent_leaves SIGNAL
agent_leaves() {
	two_services
	remember
	kill "-$1" "$agent"
	until_true "the agent ends" gone "$agent"
	untouched
	run_agent
	untouched
	and_updates
}

terminated() { agent_leaves TERM; }
interrupted() { agent_leaves INT; }
killed() { agent_leaves KILL; }

# A unit that is restarted, as by a configuration management.
restarted_again() {
	two_services
	remember
	for _ in 1 2 3; do
		kill -TERM "$agent"
		until_true "the agent ends" gone "$agent"
		run_agent
	done
	untouched
}

# stays PROCESS SIGNAL...: the "agent", or the "keeper" of a service
stays() {
	local process signal

	two_services
	remember
	process=$agent
	[ "$1" = agent ] || process=$(keeper signal)
	for signal in "${@:2}"; do
		kill "-$signal" "$process"
	done
	untouched
	ok "the $1 is there" alive "$process"
	and_updates
}

agent_hup() { stays agent HUP; }
agent_usr() { stays agent USR1 USR2; }
agent_pipe() { stays agent PIPE; }

keeper_hup() { stays keeper HUP; }
keeper_usr() { stays keeper USR1 USR2; }
keeper_pipe() { stays keeper PIPE; }

keeper_terminated() {
	two_services
	kill -TERM "$(keeper signal)"
	until_true "the service is told to stop" grep -q ^stopped "$machine/signal.log"
	ok "the other one works on" state_is command running
	ok "the agent is there" alive "$agent"
}

# What the agent and the keepers say is read by a program that ends.
reader_dies() {
	by_signal signal
	by_command command
	mkfifo "$machine/fifo"
	cat "$machine/fifo" >>"$log" &
	reader=$!
	disown
	log=$machine/fifo start_agent
	until_true "signal runs" has signal 1
	until_true "command runs" has command 1
	until_true "an agent is there" agent_answers
	remember
	kill "$reader"
	until_true "the reader is gone" gone "$reader"
	fault create.command EEXIST
	lukeep reload
	update
	is $? 1 "an update fails, and has the agent and keepers talk"
	fault create.command
	untouched
	ok "the agent is there" alive "$agent"
	and_updates
}

# no_declarations WHERE-TO: what they are moved to for a moment
emptied() {
	two_services
	remember
	mkdir "$machine/away"
	mv "$conf"/* "$machine/away"
	lukeep reload
	untouched
	run_another
	untouched
	mv "$machine/away"/* "$conf"
	rmdir "$machine/away"
	ok "the declarations are read again" lukeep reload
	untouched
	and_updates
}

# run_another: an agent after this one
run_another() {
	kill -KILL "$agent"
	until_true "the agent is gone" gone "$agent"
	run_agent
}

removed() {
	two_services
	remember
	mv "$conf" "$machine/away"
	lukeep reload
	untouched
	mv "$machine/away" "$conf"
	ok "the declarations are read again" lukeep reload
	untouched
	and_updates
}

stop_one() {
	two_services
	remember
	ok "one service can be stopped" lukeep stop signal
	until_true "it is told so" grep -q ^stopped "$machine/signal.log"
	until_true "its process ends" gone "${were% *}"
	ok "the other one works on" state_is command running
	is "$(pid command)" "${were#* }" "and was not started again"
	ok "the agent is there" alive "$agent"
	is "$(of_service signal state)" stopped "the status tells that from an accident"
	ok "it can be started again" lukeep reload
	until_true "it runs" has signal 1
}

stop_unknown() {
	two_services
	remember
	never "there is no such service" lukeep stop nobody
	ok "it says so" says nobody
	untouched
}

stop_all() {
	two_services
	remember
	ok "all can be stopped" lukeep stop
	until_true "the agent is gone" gone "$agent"
	until_true "a service is gone" gone "${were% *}"
	until_true "the other one, too" gone "${were#* }"
	is "$(tail -qn 1 "$machine/signal.log" "$machine/command.log" | uniq)" stopped "they were told to stop"
}

# A service that is not declared any more goes on until it is stopped, and then is no service any more.
undeclared() {
	two_services
	remember
	mv "$conf/signal.conf" "$machine/away"
	ok "the declarations are read again" lukeep reload
	ok "it says that a service is not declared any more" says 'signal: .*lukeep stop'
	untouched
	ok "it can be stopped" lukeep stop signal
	until_true "it is gone" gone "${were% *}"
	is "$(of_service signal state)" "" "the status does not show it"
	ok "the other one works on" state_is command running
}

broken() {
	two_services
	remember
	echo nonsense >>"$conf/signal.conf"
	lukeep reload
	is $? 1 "a broken declaration is an error"
	ok "it says where" says "$conf/signal.conf:"
	untouched
	update --dry-run
	is $? 1 "no update can be done with it"
}

# One that was never any better is in the status.
broken_shown() {
	two_services
	echo nonsense >"$conf/third.conf"
	lukeep reload
	lukeep status
	ok "the status shows a declaration that is broken" says third
	lukeep status --check
	ok "checked, the status is an error" test $? != 0
	rm "$conf/third.conf"
	lukeep reload
	until_true "without it all is well" lukeep status --check
}

# What has changed is taken at once, where that is possible.
changed() {
	by_signal signal
	sed -i 's/^save-signal = .*/save-signal = TERM/' "$conf/signal.conf"
	boot
	until_true "signal runs" has signal 1
	by_signal signal
	ok "the declaration is read again" lukeep reload
	jumps
	boot
	at_work signal 12
}

changed_memfds() {
	two_services
	remember
	sed -i 's/memfd memory/memfd renamed/' "$conf/signal.conf"
	lukeep reload
	ok "what cannot be taken is told" says 'signal: .*renamed\|signal: .*memory'
	untouched
	fails_at 1 "check the services" 'signal: '
	untouched
}

check_tells() {
	two_services
	until_true "all is well" lukeep status --check
	kill -KILL "$(pid signal)"
	until_true "a service is down" state_is signal down
	lukeep status --check
	is $? 1 "and it says so"
	lukeep stop
	until_true "the agent is gone" gone "$agent"
	lukeep status --check
	ok "without an agent it is an error" test $? != 0
}

status_without_agent() {
	two_services
	kill -KILL "$agent"
	until_true "the agent is gone" gone "$agent"
	ok "the status comes without an agent" state_is signal running
	never "it does not wait for the agent" odd "waits for nothing"
}

# A service that has ended is started afresh, if it is declared so.
restarts() {
	one_service 'restart = yes'
	kill -KILL "$(pid signal)"
	until_true "it is started again" eval '[ "$(started signal)" = 2 ]'
	until_true "it runs" state_is signal running
}

# asks COUNT: the ready command waits for the file go.N the N-th time, or for the file go
asks() {
	[ "$(wc -l <"$machine/asked")" -ge "$1" ]
}

waits_to_be_ready() {
	rm -f "$machine"/{asked,go,go.*}
	: >"$machine/asked"
	one_service "restart = yes" \
		"ready-command = sh -c 'echo >>$machine/asked; n=\$(wc -l <$machine/asked); while [ ! -e $machine/go.\$n -a ! -e $machine/go ]; do sleep 0.05; done'"
	until_true "it is asked whether it is ready" asks 1
}

# A ready command does not speak for a process that comes later.
ready_of_another() {
	waits_to_be_ready
	kill -KILL "$(pid signal)"
	until_true "the service is started again" eval '[ "$(started signal)" = 2 ]'
	until_true "another ready command is run" asks 2
	touch "$machine/go.1"
	sleep 0.2
	ok "the service is not ready by what the first one says" state_is signal starting
	touch "$machine/go.2"
	until_true "it is by what the second one says" state_is signal running
}

ready_hangs() {
	echo 100 >"$machine/faster"
	waits_to_be_ready
	until_true "a ready command that hangs is run again" asks 2
	rm "$machine/faster"
	ok "it says so" logged 'signal: its ready-command has not exited within 60 s'
	touch "$machine/go"
	until_true "the service is ready" state_is signal running
	is "$(started signal)" 1 "it was not started again"
}

# A service that did not save, and works on, is asked once more, as it may be paused.
ready_after_save() {
	rm -f "$machine/asked"
	declare_service signal "ready-command = test ! -e $machine/asked" "save-command = sh -c 'touch $machine/asked; exit 3'"
	boot
	until_true "signal runs" has signal 1
	until_true "it is ready" state_is signal running
	fails_at 3 "save and stop the services" 'its save command exited with status 3'
	ok "the status shows that it is not ready" state_is signal starting
	rm "$machine/asked"
	until_true "it is ready" state_is signal running
	at_work signal 1
	is "$(grep -c 'signal: at work' "$log")" 1 "it is not said to have been away"
}

# What a save that failed has left is not what it had when it resumed.
stale_is_no_retry() {
	one_service 'retry = yes'
	jumps
	by_command signal 'retry = yes'
	sed -i "s/^save-command = .*/save-command = sh -c 'echo stale >\/proc\/self\/fd\/4; exit 3'/" "$conf/signal.conf"
	boot
	at_work signal 12
	ok "the declaration is read again" lukeep reload
	fails_at 3 "save and stop the services" 'its save command exited with status 3'
	kill -KILL "$(pid signal)"
	until_true "it is down" state_is signal down
	ok "it can be started" lukeep reload
	until_true "it starts afresh" has signal 2
}

# The ready command is taken out of the declaration meanwhile.
ready_removed() {
	by_signal signal 'ready-command = false'
	boot
	until_true "the service is starting" state_is signal starting
	by_signal signal
	ok "the declaration is read again" lukeep reload
	until_true "the service is ready" state_is signal running
	is "$(started signal)" 1 "it was not started again"
}

no_restart() {
	one_service
	kill -KILL "$(pid signal)"
	until_true "it is down" state_is signal down
	ok "a reload starts it" lukeep reload
	until_true "it is started again" eval '[ "$(started signal)" = 2 ]'
}

# It cannot be run once.
exec_fails() {
	by_signal signal 'restart = yes'
	mv "$machine/bin/lukeep-service" "$machine/bin/away"
	boot
	until_true "it cannot be run" logged 'signal: cannot run'
	mv "$machine/bin/away" "$machine/bin/lukeep-service"
	until_true "it is tried again" has signal 1
}

# slower NAME: one of the timers is for more than five seconds
slower() {
	state_is "$1" down || awk '$1 > 5000000 { some = 1 } END { exit !some }' "$machine/timers"
}

crash_loop() {
	declare_service signal 'restart = yes'
	sed -i "s/^start = .*/start = sh -c 'echo >>\$0; exit 1' ${machine//\//\\/}\/crashes/" "$conf/signal.conf"
	echo 100 >"$machine/faster"
	boot
	until_true "it ends at once" eval '[ -s "$machine/crashes" ]'
	until_true "pauses become longer, or an end is put to it" slower signal
}

# The service of a keeper that was killed ends with it.
keeper_killed() {
	two_services
	remember
	kill -KILL "$(keeper signal)"
	until_true "the service ends" gone "${were% *}"
	until_true "the status shows it" state_is signal gone
	ok "the other one works on" state_is command running
	ok "a reload starts it afresh" lukeep reload
	until_true "it runs" eval '[ "$(started signal)" = 2 ]'
}

# Unless it does not; there must not be two of them.
keeper_killed_service_lives() {
	mood signal outlives
	two_services
	remember
	kill -KILL "$(keeper signal)"
	until_true "its keeper is missed" state_is signal gone
	never "nobody says that the service is gone" logged 'and the service with it'
	lukeep reload
	until_true "another one runs, or is refused, and the first one is gone in the first case" one_of_it
}

one_of_it() {
	[ "$(started signal)" = 1 ] || gone "${were% *}"
}

keeper_killed_while_saving() {
	two_services
	mood signal late
	update &
	until_true "the other service has saved" grep -q ^saved "$machine/command.log"
	kill -KILL "$(keeper signal)"
	wait $!
	is $? 4 "the update fails, and not all services are back"
	at_work command 11
	ok "the agent is there" alive "$agent"
}

second_agent() {
	two_services
	remember
	(become timeout 20 "$out/agent/lukeep" run --config-dir "$conf" --run-dir "$run" --state-dir "$machine") >"$said" 2>&1
	is $? 1 "another agent is refused"
	ok "it says why" says 'another lukeep is running'
	untouched
}

# Of several that are started at the same moment one is the agent.
agents_meet() {
	local each others=()

	by_signal signal
	rm -rf "$run"
	for _ in 1 2 3 4 5 6; do
		start_agent
		others+=("$agent")
	done
	until_true "signal runs" has signal 1
	until_true "five end" eval '[ "$(grep -c "another lukeep is running" "$log")" = 5 ]'
	for each in "${others[@]}"; do
		! alive "$each" || agent=$each
	done
	until_true "the agent answers" agent_answers
	is "$(status .agent.pid)" "$agent" "it is the one that is left"
	is "$(started signal)" 1 "the service was started once"
}

# One that has not come as far as to listen keeps others away.
agent_begins() {
	mkdir -p "$run"
	exec 9>"$run/agent.lock"
	flock 9
	start_agent
	until_true "another agent ends" gone "$agent"
	ok "it says why" logged 'another lukeep is running'
	exec 9>&-
	run_agent
}

clean_exits() {
	two_services
	ok "status" lukeep status
	ok "status as JSON" lukeep status --json
	ok "reload" lukeep reload
	ok "a dry run" update --dry-run
	fault create.signal EEXIST
	update
	is $? 1 "an update that fails"
	lukeep foo
	is $? 2 "a wrong command line"
	ok "stop" lukeep stop
	until_true "the agent is gone" gone "$agent"
	until_true "no keeper is left" eval '! pgrep -f "$conf" >/dev/null'
}

# The keepers of services that have resumed, and one that is stopped by itself.
clean_after_arrival() {
	two_services
	jumps
	boot
	at_work signal 12
	kill -TERM "$(keeper signal)"
	until_true "the service is told to stop" grep -q ^stopped "$machine/signal.log"
	ok "stop" lukeep stop
	until_true "the agent is gone" gone "$agent"
	until_true "no keeper is left" eval '! pgrep -f "$conf" >/dev/null'
}

scenario terminated interrupted killed restarted_again agent_hup agent_usr agent_pipe keeper_hup keeper_usr keeper_pipe \
	keeper_terminated reader_dies emptied removed stop_one stop_unknown stop_all undeclared broken broken_shown changed changed_memfds \
	check_tells status_without_agent ready_of_another ready_hangs ready_removed ready_after_save stale_is_no_retry restarts no_restart exec_fails crash_loop keeper_killed keeper_killed_service_lives \
	keeper_killed_while_saving second_agent agents_meet agent_begins clean_exits clean_after_arrival
done_testing
