#!/bin/bash
# lukeep on this host, with a shim: keepers that lie, flood or say nothing, and requests at the wrong moment.
# flavours: none
# shellcheck disable=SC2016,SC2119 # patterns, and options of functions
. "$(dirname "$0")/lukeep-machine.bash"

# Scenarios that fail as yet.
not_yet=''

# saving: an update is under way, and a service takes its time
saving() {
	two_services
	mood signal late
	update &
	updating=$!
	until_true "a service is saving" state_is signal saving
}

called_off() {
	until_true "the update is called off" logged "failed at the step"
	mood signal
	wait "$updating"
	is $? 3 "the services are back"
	never "no kernel is loaded" is_loaded
	at_work signal 11
	at_work command 11
}

# cancel_behind: as lukeep, but several at a time
cancel_behind() {
	(become timeout -k 1 "$((limit + 1))" "$out/agent/lukeep" cancel --run-dir "$run") >/dev/null 2>&1 &
	cancellers+=($!)
}

cancelled_by_several() {
	local canceller cancellers=()

	saving
	for _ in 1 2 3; do
		cancel_behind
	done
	called_off
	for canceller in "${cancellers[@]}"; do
		wait "$canceller"
		ok "each has an answer" test $? -lt 124
	done
}

stopped_in_update() {
	saving
	lukeep stop
	is $? 1 "all are told that there is an update"
	ok "the agent is there" alive "$agent"
	lukeep cancel &
	called_off
}

# hooks WHEN COMMAND
hooks() {
	mkdir -p "$conf/$1-update.d"
	printf '#!/bin/sh\n%s\n' "$2" >"$conf/$1-update.d/hook"
	chmod +x "$conf/$1-update.d/hook"
}

# Those after an update that failed are still at it as the next one begins; there is no service to wait for.
hooks_meet() {
	boot
	hooks after "sleep 300"
	fault reboot EBUSY
	update
	is $? 3 "an update fails"
	fault reboot
	hooks before "sleep 1"
	jumps
}

# What the agent was started with open is not for hooks.
hooks_inherit_nothing() {
	by_signal signal
	exec 9>"$machine/there"
	boot
	exec 9>&-
	until_true "signal runs" has signal 1
	ok "the agent has inherited a file" test "/proc/$agent/fd/9" -ef "$machine/there"
	hooks before "ls -l /proc/self/fd >$machine/before"
	jumps
	never "the hooks have not" grep -q "$machine/there" "$machine/before"
	ok "they have their output" grep -q "$log" "$machine/before"
}

check() {
	(become "$out/agent/lukeep" check --config-dir "$conf") >"$said" 2>&1
}

# tells_skipped WHY: of a hook that is not run
tells_skipped() {
	ok "a check succeeds" check
	ok "it says which hook is skipped" says "$1"
	ok "a dry run succeeds" update --dry-run
	ok "it says so, too" says "$1"
}

hooks_skipped() {
	one_service
	hooks before 'exit 3'
	fails_at 1 "run the hooks" "the hook $conf/before-update.d/hook exited with status 3: see what it logged"
	chmod -x "$conf/before-update.d/hook"
	mkdir "$conf/before-update.d/folder"
	tells_skipped "the hook $conf/before-update.d/hook is skipped: it is not executable"
	mv "$conf/before-update.d/hook" "$conf/before-update.d/hook.sh"
	tells_skipped "the hook $conf/before-update.d/hook.sh is skipped: its name may have"
	never "nothing else is skipped" says folder
	jumps
	ok "an update says so as well" says 'hook.sh is skipped'
}

hooks_in_order() {
	local name

	by_signal signal
	boot
	until_true "signal runs" has signal 1
	for name in b a c; do
		hooks before "echo $name \$LUKEEP_RESULT >>$machine/before; [ $name != b ]"
		mv "$conf/before-update.d/hook" "$conf/before-update.d/$name"
	done
	fails_at 1 "run the hooks" "the hook $conf/before-update.d/b exited with status 1"
	is "$(tr '\n' ' ' <"$machine/before")" 'a update b update ' "those behind one that fails are not run"
	rm "$conf/before-update.d/b"
	jumps
	is "$(tail -n 2 "$machine/before" | tr '\n' ' ')" 'a update c update ' "the others are"
}

no_initramfs() {
	one_service
	lukeep update --kernel "$machine/image" --reuse-cmdline --dry-run
	is $? 0 "a dry run without an initramfs succeeds"
	ok "it says that there is none" says 'the next kernel gets no initramfs: give one with --initrd'
	ok "a dry run with one does, too" update --dry-run
	never "and says nothing of it" says initramfs
}

# The declaration is broken when the session has been retrieved, as it is when a keeper waits for that.
declaration_breaks() {
	one_service
	jumps
	fault retrieve ENOMEM
	echo 20 >"$machine/faster"
	boot
	until_true "what came in cannot be had yet" some_call retrieve ENOMEM
	cp "$conf/signal.conf" "$machine/before"
	echo nonsense >>"$conf/signal.conf"
	fault retrieve
	until_true "its keeper waits for the declaration" logged 'signal: .*waits for its declaration'
	cp "$machine/before" "$conf/signal.conf"
	at_work signal 12
}

# A reload while it is still saving for an update that was called off must not change what its exit means.
reloaded_while_saving() {
	saving
	kill -KILL "$agent"
	until_true "the update is called off" logged 'signal: the agent is gone'
	sed -i 's/^save-signal = USR1/save-command = true/' "$conf/signal.conf"
	run_agent
	lukeep reload signal
	is $? 1 "the reload is refused"
	ok "it says why" says 'an update is being called off'
	mood signal
	wait "$updating"
	at_work signal 11
	at_work command 11
	ok "then it is done" lukeep reload
}

# A stop command that ends when the service is another process already does not hit that.
late_stop_command() {
	mkfifo "$machine/fifo"
	by_signal signal "stop-command = sh -c 'kill -TERM \$(cat $machine/signal.pid); cat $machine/fifo; exit 3'"
	boot
	until_true "signal runs" has signal 1
	fault reboot EBUSY
	update --without signal
	is $? 3 "the update fails"
	fault reboot
	until_true "signal was started afresh" started_twice
	echo >"$machine/fifo"
	sleep 0.2
	ok "signal runs" state_is signal running
	never "it was not told to stop once more" test "$(grep -c ^stopped "$machine/signal.log")" -gt 1
	rm "$machine/fifo"
}

# One that does not answer is left out, and does not prevent an update.
silent_and_left_out() {
	two_services
	keeper=$(keeper signal)
	kill -STOP "$keeper"
	echo 10 >"$machine/faster.$agent"
	jumps --without signal
	rm "$conf/signal.conf"
	boot
	at_work command 12
}

# So is one whose keeper ends instead.
ended_and_left_out() {
	two_services
	mood signal deaf
	update --without signal &
	updating=$!
	until_true "a service is told to exit" state_is signal stopping
	kill -KILL "$(keeper signal)"
	wait "$updating"
	is $? 137 "the update succeeds"
	until_true "kernel 2 runs" kernel_is 2
	rm "$conf/signal.conf"
	boot
	at_work command 12
}

# evil PERL: a keeper that is not one; $c is who has connected
evil() {
	perl -MSocket -e '
		socket my $s, PF_UNIX, SOCK_SEQPACKET, 0 or die;
		bind $s, pack_sockaddr_un("$ARGV[0].new") or die;
		listen $s, 20 or die;
		rename "$ARGV[0].new", $ARGV[0] or die;
		$SIG{PIPE} = "IGNORE";
		my @all;
		while (accept my $c, $s) { push @all, $c; recv $c, my $request, 65536, 0; '"$1"' }
	' "$run/evil.keeper" &
	evil=$!
	disown
	until_true "an evil keeper is there" test -S "$run/evil.keeper"
}

end_evil() {
	kill "$evil"
	until_true "it is gone" gone "$evil"
}

controls_nothing() {
	! grep -q '[[:cntrl:]]' "$said"
}

# What is shown of what it says controls no terminal, and is of one line each.
escapes() {
	two_services
	evil 'send $c, "{\"name\":\"signal\",\"state\":\"\\u001b[2J\\u009b2J\\nsignal\",\"pid\":1,\"session\":\"\\u0007\",\"message\":\"\\u001b]0;\",\"exit\":1}", 0'
	ok "the status comes" lukeep status
	ok "it shows the keeper" says evil
	is "$(grep -c '^signal ' "$said")" 1 "under no other name"
	ok "it controls no terminal" controls_nothing
	by_signal evil
	lukeep reload evil
	is $? 1 "a message of it comes"
	ok "it controls no terminal, either" controls_nothing
	end_evil
}

# Who asks it for something is back in time, and others are stopped meanwhile.
floods() {
	two_services
	evil 'send $c, "{\"message\":\"no end\"}", 0 for 1 .. 100'
	ok "the status comes" lukeep status
	by_signal evil 'stop-timeout = 1'
	echo 20 >"$machine/faster"
	lukeep reload evil
	is $? 1 "a reload comes back"
	lukeep stop
	is $? 1 "a stop comes back, too"
	ok "a service was stopped" grep -q ^stopped "$machine/signal.log"
	ok "the other one, too" grep -q ^stopped "$machine/command.log"
	end_evil
}

# A keeper that waits for what came in has nothing of the agent's, and does not stand in for it.
waits_without_agent() {
	one_service
	jumps
	fault retrieve ENOMEM
	boot
	until_true "what came in cannot be had yet" some_call retrieve ENOMEM
	kill -KILL "$agent"
	until_true "the agent is gone" gone "$agent"
	run_agent
	fault retrieve
	at_work signal 12
}

# It says so much in an update that nothing else could be heard.
talks() {
	two_services
	by_signal evil
	evil 'while (1) { send $c, "{\"message\":\"no end\"}", 0 or last }'
	update
	is $? 1 "the update is refused"
	ok "it says why" says 'evil: its keeper does not stop talking'
	end_evil
	rm "$conf/evil.conf" "$run/evil.keeper"
	jumps
}

# Another agent has an update of a service under way.
owned_by_another() {
	two_services
	perl "$programs/lukeep-packets.pl" "$run/signal.keeper" ask check >"$machine/there" 2>&1 &
	other=$!
	disown
	until_true "another agent asks" grep -q '"ok":true' "$machine/there"
	echo 10 >"$machine/faster.$agent"
	fails_at 1 "check the services" 'signal: an update of another agent is under way'
	rm "$machine/faster.$agent"
	never "no other service is said not to be back" says 'not back at work'
	is "$(wc -l <"$machine/there")" 1 "the other agent does not notice"
	kill "$other"
	until_true "its update is called off" logged 'signal: the agent is gone'
	jumps
	boot
	at_work signal 12
	at_work command 12
}

# As one that is killed: its connection is closed, and it still has the session.
leaves_slowly() {
	two_services
	perl "$programs/lukeep-packets.pl" "$run/signal.keeper" leave save >>"$machine/signal.log" 2>&1 &
	until_true "its update is called off" logged 'signal: the agent is gone'
	at_work signal 11
	is "$(sed 's/ .*//' "$machine/signal.log" | tr '\n' ' ')" "start saved ends resume " "the service waits for the agent's end"
}

scenario leaves_slowly owned_by_another waits_without_agent talks escapes floods silent_and_left_out ended_and_left_out reloaded_while_saving late_stop_command cancelled_by_several stopped_in_update hooks_meet hooks_inherit_nothing hooks_skipped hooks_in_order no_initramfs declaration_breaks
done_testing
