# shellcheck shell=sh
# lukeep keeps several services over four updates in a row; before that, each step that can fail is made to fail once.

items=2000
socket=/run/memcached.sock
. /tests/keep.sh

# The pids of the services, which change when one is started again.
pids() {
	status | jq -c '[.services[].pid]'
}

# at_work SIGNAL COMMAND: all services have what they had; the two have run in these kernels
at_work() {
	ok "all services run" services_are running
	ok "memcached has its items" mcload check $socket $items
	until_true "the service that saves by signal has its memory" has signal "$1"
	until_true "the service that saves by command has its memory" has command "$2"
	is "$(cat /sys/kernel/kexec_loaded)" 0 "no kernel is loaded"
}

# reverted STEP: what an update exits with that fails there: 3 if services have been stopped, and are back
reverted() {
	case $1 in
	save* | "preserve what"* | jump*) echo 3 ;;
	*)	echo 1 ;;
	esac
}

# fails_at STEP MESSAGE SIGNAL COMMAND: the update fails, says where and why, and all services are at work
fails_at() {
	update B
	is $? "$(reverted "$1")" "the update fails"
	cat /run/update
	ok "it says that the step was to $1" grep -q "update: failed at the step \"$1\"" /run/update
	ok "it says why: $2" grep -q "$2" /run/update
	until_true "the services are back" services_are running
	at_work "$3" "$4"
}

# memfds NAME: a line for each memfd of a service that its keeper has, MODE seal|no-seal; the seal is F_SEAL_EXEC
memfds() {
	_keeper=$(status | jq ".services[] | select(.name == \"$1\") | .keeper")
	for _fd in /proc/"$_keeper"/fd/*; do
		case $(readlink "$_fd") in
		*memfd:*) ;;
		*)	continue ;;
		esac
		_mode=$(stat -L -c %a "$_fd")
		if chmod a+x "$_fd" 2>/dev/null; then
			echo "$_mode no-seal"
			chmod a-x "$_fd"
		else
			echo "$_mode seal"
		fi
	done | sort -u
}

# Bytes of RAM that memcached's memory takes up.
allocated() {
	status | jq '.services[] | select(.name == "memcached").memfds[] | select(.kind == "memory").allocated'
}

# go_on A|B: the update to the next stage
go_on() {
	update "$1" "allocated=$(allocated)"
	cat /run/update "$agent_log"
	fail "lukeep update to kernel $1 came back"
}

kept_by_others() {
	stat -c '%a %u' /run/lukeep /run/lukeep/*.sock /run/lukeep/*.keeper
}

failures() {
	# Linux 7.3 brings memfds with F_SEAL_EXEC back sealed against writing: they have it only where they must.
	sysctl -w vm.memfd_noexec=2
	start_agent
	ok "memcached takes items" mcload fill $socket $items
	until_true "all services come up" services_are running
	ok "they are three" status_is '.services | length == 3'
	lukeep status
	kept_by_others >/run/modes
	is "$(sort -u /run/modes | tr '\n' ' ')" "600 0 700 0 " "sockets and their folder are for root only"
	is "$(memfds memcached)" "666 seal" "memory is not executable, and sealed where it has to be"
	sysctl -w vm.memfd_noexec=0
	lukeep run >/run/second 2>&1
	is $? 1 "a second agent is refused"
	ok "it says why" grep -q 'another lukeep is running' /run/second

	before=$(pids)
	lukeep update --kernel /boot/kernel-B --initrd /tmp/initrd --reuse-cmdline --dry-run >/run/update 2>&1
	is $? 0 "a dry run succeeds"
	cat /run/update
	ok "it tells the command line" grep -q 'command line would be: .*kho=on.* lukeep.left=' /run/update
	is "$(pids)" "$before" "a dry run restarts nothing"
	at_work A A

	cp /etc/lukeep/signal.conf /run/signal.conf
	echo 'size == 3' >>/etc/lukeep/signal.conf
	fails_at "check the services" '/etc/lukeep/signal.conf:9: "= 3" is not a size' A A
	cp /run/signal.conf /etc/lukeep/signal.conf

	lukeep update --kernel /boot/nothing >/run/update 2>&1
	is $? 1 "an update to a kernel that does not exist fails"
	for dry_run in --dry-run ''; do
		# shellcheck disable=SC2086 # an option or none
		lukeep update --kernel /etc/passwd --initrd /tmp/initrd --reuse-cmdline $dry_run >/run/update 2>&1
		is $? 1 "an update to what is not a kernel fails: $dry_run"
		ok "it says so" grep -q 'cannot load the kernel /etc/passwd with /tmp/initrd: .* it is no image of a kernel' /run/update
		ok "it says at what step" grep -q 'failed at the step "load the next kernel"' /run/update
	done
	# A boot loader would unpack it.
	gzip </boot/kernel-B >/run/kernel.gz
	lukeep update --kernel /run/kernel.gz --initrd /tmp/initrd --reuse-cmdline --dry-run >/run/update 2>&1
	is $? 0 "an image that gzip compressed can be loaded"
	rm /run/kernel.gz
	lukeep update --kernel /boot/kernel-B --initrd /tmp/initrd --append x >/run/update 2>&1
	is $? 1 "a kernel that would take nothing over is refused"
	ok "it says why" grep -q 'its command line lacks "kho=on liveupdate=on"' /run/update
	lukeep update --kernel /boot/kernel-B --append "$(printf 'root=\377')" >/run/update 2>&1
	is $? 2 "a command line that cannot be sent is refused"
	ok "it says so" grep -q 'the append cannot be sent' /run/update

	exec 9</dev/liveupdate
	fails_at "preserve the memory" 'another program keeps the device open' A A
	exec 9<&-
	is "$(pids)" "$before" "nothing was restarted so far"

	echo refuse >/run/command.mood
	fails_at "save and stop the services" 'command: its save command exited with status 3' AA A
	rm /run/command.mood
	hanging
	echo unload >/run/command.mood
	fails_at "jump into the next kernel" 'the kernel refused: .* who unloaded' AAAA AAA
	echo replace >/run/command.mood
	fails_at "jump into the next kernel" 'the kernel refused: .* who loaded another kernel' AAAAA AAAA
}

agent_killed() {
	before=$(pids)
	kill -9 "$agent"
	wait "$agent"
	is "$(pids)" "$before" "no service is lost when the agent is killed"
	ok "the table shows that it is" sh -c 'lukeep status | grep -q "agent down"'
	lukeep update --kernel /boot/kernel-B >/run/update 2>&1
	is $? 1 "without an agent there is no update"
	start_agent
	until_true "another agent finds the services" services_are running
	is "$(pids)" "$before" "and does not restart them"
	at_work "$1" "$2"

	echo wait >/run/command.mood
	rm -f /run/command.saving
	mkfifo /run/command.fifo
	update B &
	client=$!
	until_true "an update is waiting for a service" test -e /run/command.saving
	until_true "others have saved" status_is '.services | any(.state == "saved")'
	lukeep update --kernel /boot/kernel-B >/run/second 2>&1
	is $? 1 "a second update is refused"
	kill -9 "$agent"
	wait "$agent"
	wait $client
	is $? 1 "the update fails when the agent is killed"
	until_true "memcached is back at work" service_is memcached '.state == "running"'
	ok "memcached has its items" mcload check $socket $items
	ok "the other service is still saving" service_is command '.state == "saving"'
	start_agent
	echo refuse >/run/command.fifo
	until_true "all are back at work" services_are running
	kexec -s -u
	ok "the service that did not save was not restarted" has command "$2"
	rm /run/command.mood /run/command.fifo
}

# another NAME KEYS: a service that is there for a while
another() {
	rm -f "/run/$1.has"
	declare_service "$1" "$2"
	ok "the declarations are read again" lukeep reload
	until_true "another service runs" services_are running
	until_true "it serves" serves "$1"
}

# with_another NAME SAVE-KEYS STATUS SECONDS: it has so little time to save, and cannot
with_another() {
	another "$1" "$(printf '%s\nsave-timeout = %s' "$2" "$4")"
	ok "they are four" status_is '.services | length == 4'
	update B
	is $? "$3" "the update fails when a service is late"
	cat /run/update
	ok "it says so" grep -q "$1: it has not saved and exited within $4 s" /run/update
}

# A declaration that is gone stops nothing.
without_it() {
	rm "/etc/lukeep/$1.conf"
	ok "the declarations are read once more" lukeep reload
	ok "the status shows that it is not declared" service_is "$1" '.declaration == "none"'
	ok "it is stopped" lukeep stop "$1"
	until_true "the other service is gone" status_is ".services | all(.name != \"$1\")"
}

# A save command that hangs is ended.
hanging() {
	echo hang >/run/slow.mood
	with_another slow 'save-command = sh /tests/service.sh slow save' 3 1
	until_true "all are at work" services_are running
	without_it slow
	at_work AAA AA
}

# late SAVE-KEY SECONDS SIGNAL COMMAND: a service that was told to save in this time, but is late, is left alone until it has saved.
late() {
	mkfifo /run/late.fifo
	echo late >/run/late.mood
	with_another late "$1" 4 "$2"
	ok "the status shows it" service_is late '.state == "late"'
	update B
	is $? 1 "it fails again"
	ok "the service is still saving, it says" grep -q 'late: it was late the last time' /run/update
	rm /run/late.mood
	echo >/run/late.fifo
	until_true "all are at work when the service has saved" services_are running
	until_true "it has what it saved" has late AA
	without_it late
	rm /run/late.fifo
	at_work "$3" "$4"
}

# A service that does not get as far as to resume can try again, until it has.
retried() {
	touch /run/again.empties
	another again "$(printf 'save-signal = USR1\nretry = yes')"
	echo refuse >/run/command.mood
	echo stumble >/run/again.mood
	update B
	is $? 3 "an update fails after the service has saved"
	rm /run/command.mood
	until_true "the service does not resume, and is as it was saved" service_is again '.state == "saved" and .pid == 0'
	rm /run/again.mood
	ok "the declarations are read again" lukeep reload
	until_true "all services run" services_are running
	until_true "it has resumed" has again AA
	kill -9 "$(status | jq '.services[] | select(.name == "again") | .pid')"
	until_true "later its exit is as any other" service_is again '.state == "down"'
	without_it again
	at_work "$1" "$2"
}

# Where it cannot be told what is declared, all stays as it is.
unreadable() {
	before=$(pids)
	mv /etc/lukeep /etc/away
	lukeep reload >/run/reload 2>&1
	is $? 1 "declarations that are not there cannot be read again"
	ok "it says so" grep -q 'cannot read the folder /etc/lukeep: No such file' /run/reload
	mv /etc/away /etc/lukeep
	ok "the declarations are read again" lukeep reload
	until_true "all services run" services_are running
	is "$(pids)" "$before" "none was stopped"
}

# A service that exits unasked, and is to be restarted, has nothing.
restarted() {
	kill -9 "$(status | jq '.services[] | select(.name == "command") | .pid')"
	until_true "it is started afresh" has command A
	until_true "it runs" services_are running
}

# A keeper takes its service with it, and another is a new beginning.
keeper_killed() {
	kill -9 "$(status | jq '.services[] | select(.name == "signal") | .keeper')"
	until_true "a killed keeper is noticed" service_is signal '.state == "gone"'
	update B
	is $? 1 "there is no update without it"
	ok "it says so" grep -q 'signal: nobody keeps it' /run/update
	ok "the declarations are read again" lukeep reload
	until_true "its service is started afresh" services_are running
	until_true "it says so itself" has signal A
	is "$(memfds signal)" "666 no-seal" "its memory is not executable, and not sealed"
}

malformed() {
	mkdir -p /run/bad
	printf '[service]\nstart = true\n\nsave-signal = KILL\n' >/run/bad/signal.conf
	printf '[service]\nstart = true\n[memfd a]\nkind = memory\nsise = 3\n' >/run/bad/key.conf
	printf 'start\n' >/run/bad/nothing.conf
	printf '[service]\nstart = a | b\n' >/run/bad/shell.conf
	printf '[memfd a]\nkind = save\n' >/run/bad/empty.conf
	printf '[service]\nstart = true\n' >/run/bad/systemd.conf
	{ printf '[service]\nstart = true '; seq 20000 | tr '\n' ' '; echo; } >/run/bad/long.conf
	lukeep run --config-dir /run/bad --run-dir /run/badrun >/run/bad.log 2>&1 &
	bad=$!
	until_true "an agent with malformed declarations runs" sh -c 'lukeep status --json --run-dir /run/badrun | jq -e ".agent.state == \"idle\""'
	kill $bad
	wait $bad
	cat /run/bad.log
	ok "a wrong value is named" grep -q '/run/bad/signal.conf:4: "KILL" is not a save signal' /run/bad.log
	ok "a wrong key is named" grep -q '/run/bad/key.conf:5: section \[memfd a\] does not know the key "sise"' /run/bad.log
	ok "a line that is none is named" grep -q '/run/bad/nothing.conf:1: this is neither' /run/bad.log
	ok "a command for a shell is named" grep -q '/run/bad/shell.conf:2: a command is not run by a shell' /run/bad.log
	ok "a missing key is named" grep -q '/run/bad/empty.conf: section \[service\] needs the key "start"' /run/bad.log
	ok "the name of systemd's session is refused" grep -q '/run/bad/systemd.conf: systemd has a session of this name' /run/bad.log
	ok "a file too long is named" grep -q '/run/bad/long.conf: the file has more than' /run/bad.log
}

# resumed SIGNAL COMMAND KERNEL seal|no-seal
resumed() {
	start_agent
	until_true "all services come back" services_are running
	cat "$agent_log"
	ok "they have resumed" status_is '.services | all(.resumed)'
	ok "memory takes up what it did" test "$(allocated)" -ge "$(param allocated)"
	is "$(memfds signal)" "666 no-seal" "it is neither executable nor sealed"
	is "$(memfds memcached)" "666 $4" "that of memcached is as it was"
	ok "memcached has its items" mcload check $socket $items
	until_true "the service that saves by signal has its memory" has signal "$1"
	until_true "the service that saves by command has its memory" has command "$2"
	ok "it says which kernel it came from" grep -q "its memory came from kernel .*-$3" "$agent_log"
	make_initrd
}

declare_memcached 64
declare_service signal 'save-signal = USR1'
declare_service command "$(printf 'save-command = sh /tests/service.sh command save\nrestart = yes')"

case $stage in
1)	make_initrd
	failures
	agent_killed AAAAA AAAA
	late 'save-signal = USR1' 1 AAAAAAA AAAAA
	late 'save-command = sh /tests/service.sh late save' 10 AAAAAAAA AAAAAA
	retried AAAAAAAAA AAAAAA
	unreadable
	restarted
	keeper_killed
	malformed
	go_on B ;;
2)	resumed AB AB A seal
	# Kernel A will take its time from the RTC, an hour behind ours.
	ok "the clock can be set" date -s "@$(($(date +%s) + 3600))"
	go_on A ;;
3)	resumed ABA ABA B seal
	ok "the clock was set forward" grep -q 'the clock was [0-9]* s before' "$agent_log"
	lukeep stop
	is $? 0 "the services can be stopped"
	wait "$agent"
	is $? 0 "and the agent with them"
	# They close their sockets, and then exit.
	# shellcheck disable=SC2009 # Debian's busybox has no pgrep
	until_true "no keeper is left" eval '! ps | grep "[@]lukeep"'
	# What came in is gone; from here on it is a service like any other.
	start_agent
	until_true "all services start afresh" services_are running
	for name in signal command; do
		until_true "$name serves" has $name A
	done
	ok "memcached takes items" mcload fill $socket $items
	ok "nothing was lost, it says" sh -c "! grep -q 'is lost' $agent_log"
	go_on B ;;
4)	resumed AB AB A no-seal
	is "$(grep -o lukeep.left= /proc/cmdline | wc -l)" 1 "the command line says once what was left"
	go_on A ;;
5)	resumed ABA ABA B no-seal
	mcload check $socket $((items + 1))
	is $? 1 "an item that is not there is missed"
	ok "it takes further items" mcload fill $socket $((2 * items))
	ok "and has them" mcload check $socket $((2 * items))
	pass ;;
esac
