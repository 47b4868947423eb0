#!/bin/bash
# lukeep on this host, with a shim: its sockets. Processes that are stopped, connections that say nothing, descriptors that
# run out, and packets that make no sense; the services do not notice.
# flavours: none
# shellcheck disable=SC2016,SC2119 # patterns, and options of functions
. "$(dirname "$0")/lukeep-machine.bash"

# Scenarios that fail as yet.
not_yet=''

# answers VERB...: the client comes back, whatever it says
answers() {
	lukeep "$@"
	[ $? -lt 124 ]
}

# stopped: the keeper of one service does not run
stopped() {
	two_services
	keeper=$(keeper signal)
	kill -STOP "$keeper"
}

resumed() {
	rm "$machine/faster"
	kill -CONT "$keeper"
	until_true "the keeper is there again" state_is signal running
	at_work signal 1
	at_work command 1
}

status_of_stopped() {
	stopped
	echo 20 >"$machine/faster"
	ok "the status comes" answers status
	connections signal.keeper 1000
	ok "the status comes when the keeper's queue is full" answers status
	ok "it tells of the keeper that does not answer" state_is signal silent
	is "$(of_service command state)" running "and of the other one"
	kill "$idle"
	resumed
}

agent_of_stopped() {
	stopped
	kill -KILL "$agent"
	until_true "the agent is gone" gone "$agent"
	echo 20 >"$machine/faster"
	connections signal.keeper 1000
	run_agent
	is "$(of_service command state)" running "it knows the other service"
	kill "$idle"
	resumed
}

update_of_stopped() {
	stopped
	echo 20 >"$machine/faster"
	update
	is $? 1 "an update fails for it"
	ok "it names the service" says 'signal: '
	resumed
	jumps
	boot
	at_work signal 12
	at_work command 12
}

# What can be done without it is done.
reload_of_stopped() {
	stopped
	echo 20 >"$machine/faster"
	by_signal third
	ok "a reload comes back" answers reload
	until_true "another service is started" has third 1
	resumed
}

# connections SOCKET: that say nothing
connections() {
	perl "$programs/lukeep-packets.pl" "$run/$1" idle "$2" >"$machine/there" 2>&1 &
	idle=$!
	disown
	until_true "others are connected" grep -q there "$machine/there"
}

idle_connections() {
	two_services
	connections agent.sock 100
	ok "the agent answers" lukeep status
	ok "it does what it is asked to" lukeep reload
	kill "$idle"
	connections signal.keeper 10
	ok "the keeper answers" state_is signal running
	jumps
	boot
	at_work signal 12
}

# no_descriptors PID SOCKET: it has a few more than it needs, and others take them
no_descriptors() {
	prlimit --pid "$1" --nofile="$(($(find "/proc/$1/fd" -mindepth 1 | wc -l) + 3))"
	connections "$2" 10
	sleep 0.5
	ok "it does not try to accept them over and over" test "$(stat -c %s "$machine/refused")" -lt 100
	kill "$idle"
	until_true "they are gone" gone "$idle"
}

agent_without_descriptors() {
	two_services
	no_descriptors "$agent" agent.sock
	until_true "the agent answers again" agent_answers
	at_work signal 1
}

keeper_without_descriptors() {
	two_services
	no_descriptors "$(keeper signal)" signal.keeper
	until_true "the keeper answers again" state_is signal running
	at_work signal 1
}

# fuzz SOCKET PID
fuzz() {
	ok "packets that make no sense are sent" perl "$programs/lukeep-packets.pl" "$run/$1" fuzz 10000
	ok "it is still there" alive "$2"
}

fuzz_agent() {
	two_services
	fuzz agent.sock "$agent"
	until_true "it answers" agent_answers
	at_work signal 1
	at_work command 1
	jumps
	boot
	at_work signal 12
}

fuzz_keeper() {
	two_services
	fuzz signal.keeper "$(keeper signal)"
	until_true "it answers" state_is signal running
	at_work signal 1
	jumps
	boot
	at_work signal 12
}

unknown_verbs() {
	two_services
	lukeep no-such-verb
	is $? 2 "a verb that does not exist"
	lukeep status no-such-argument
	is $? 2 "an argument too many"
	at_work signal 1
}

scenario status_of_stopped agent_of_stopped update_of_stopped reload_of_stopped idle_connections agent_without_descriptors \
	keeper_without_descriptors fuzz_agent fuzz_keeper unknown_verbs
done_testing
