#!/bin/bash
# lukeep on this host, with a shim: what a reload starts and says, and what the status shows of services that do not run.
# flavours: none
# shellcheck disable=SC2016,SC2119 # patterns, and options of functions
. "$(dirname "$0")/lukeep-machine.bash"

# Scenarios that fail as yet.
not_yet=''

# declare_program NAME START [KEY=VALUE]...: any program
declare_program() {
	printf '[service]\nstart = %s\n' "$2" >"$conf/$1.conf"
	printf '%s\n' "${@:3}" '' '[memfd saved]' 'kind = save' >>"$conf/$1.conf"
}

# reload_fails WHY [NAME]...: it says so
reload_fails() {
	lukeep reload "${@:2}"
	is $? 1 "a reload of ${*:2} that cannot start a service fails"
	ok "it says why" says "$1"
}

reload_cannot_start() {
	one_service
	declare_program nope "$machine/nope"
	reload_fails "nope: cannot run .*No such file"
	reload_fails "nope: cannot run .*No such file"
	touch "$machine/nope"
	reload_fails "nope: cannot run .*Permission denied: is it a program, and executable .*chmod +x" nope
	declare_program nope 'sleep 1000'
	ok "a declaration that is right now is read again" lukeep reload nope
	is "$(of_service nope error)" "" "the status has no error that is mended"
	declare_program three "sh -c 'exit 3'" 'ready-command = false'
	reload_fails "three: the service exited with status 3"
	is "$(of_service three error)" "three: the service exited with status 3" "and so does the status"
	declare_program back "sh -c 'sleep 1000 &'" 'ready-command = false'
	reload_fails "back: the service exited with status 0.*background" back
	rm "$conf/three.conf" "$conf/back.conf"
	lukeep stop three back
	declare_program good 'sleep 1000'
	ok "one that can be started is" lukeep reload
	ok "it says so" says 'good: at work, started afresh'
}

# A reload waits until the service is ready.
reload_waits() {
	one_service
	declare_program slow 'sleep 1000' "ready-command = sh -c 'sleep 0.5; touch $machine/there'"
	ok "a service is started" lukeep reload
	is "$(of_service slow state)" running "and is running then"
	rm "$conf/slow.conf"
}

# nothing_left SECONDS: of a program that sleeps for so long
nothing_left() {
	until_true "nothing is left of it" eval "! pgrep -fx 'sleep $1' >/dev/null"
}

# A service that goes into the background has ended.
left_behind() {
	one_service
	declare_program back "sh -c 'sleep 71$$ &'" 'ready-command = false'
	reload_fails "back: the service exited with status 0.*background"
	nothing_left 71$$
	declare_program back "sh -c 'sleep 72$$ & wait'"
	ok "one that does not is started" lukeep reload
	until_true "it has a child" eval "pgrep -fx 'sleep 72$$' >/dev/null"
	ok "it is stopped" lukeep stop back
	nothing_left 72$$
}

undeclared() {
	one_service
	declare_program bg 'false' 'ready-command = false'
	lukeep reload
	rm "$conf/bg.conf" "$conf/signal.conf"
	ok "declarations are read again" lukeep reload
	ok "of a service that does not run it says so" says 'bg: it is not declared any more, and does not run: "lukeep stop bg" ends its keeper'
	ok "and of one that runs" says 'signal: it is not declared any more, and goes on'
	never "it does not try to read what is not there" says 'No such file'
}

without_agent() {
	by_signal signal
	never "without an agent nothing is started" lukeep reload --config-dir "$conf"
	ok "it says how to start it" says 'cannot reach the agent in .*: No such file or directory: start it by "lukeep run"'
	never "it says nothing else" says 'cannot read the folder'
	touch "$machine/systemd"
	lukeep cancel
	ok "with systemd it is another way" says 'start it by "systemctl start lukeep"'
	fake_systemctl
	unit_of signal failed exit-code
	lukeep reload --config-dir "$conf"
	ok "a reload by systemd tells that there is no agent" says 'there is no agent, and so no update'
	rm "$machine/bin/systemctl"
}

# from_manual BEGINNING: an example of lukeep.conf(5) that begins so, with paths of this machine
from_manual() {
	sed -n "/^\.Bd/,/^\.Ed/p" "$root/tools/liveupdate/lukeep.conf.5" |
		awk -v begin="$1" '/^\.Bd/ { getline; on = index($0, begin) == 1 && !done } /^\.Ed/ { done += on; on = 0 } on' |
		sed "s:/run/lukeep-:$run-:; s:/usr/local/bin:$machine/bin:"
}

# The program that the manual has for an example is kept.
example() {
	from_manual '#!/bin/sh' >"$machine/bin/counter"
	chmod +x "$machine/bin/counter"
	from_manual '[service]' >"$conf/counter.conf"
	boot
	until_true "it begins to wait" sleeps_after nothing
	until_true "it counts" sleeps_after "$(sleep_of_counter)"
	jumps
	boot
	until_true "it runs again" state_is counter running
	is "$(of_service counter resumed)" true "with what it had"
	until_true "it waits again" sleeps_after nothing
	jumps
	boot
	until_true "it runs once more" state_is counter running
	ok "which it has saved again" test "$(of_counter)" -ge 1
	rm "$machine/bin/counter"
}

# sleep_of_counter: the process by which it waits for a second, with its signal handled, and then counts
sleep_of_counter() {
	pgrep -x -P "$(of_service counter pid)" sleep
}

# sleeps_after PID: by another process
sleeps_after() {
	local sleep

	sleep=$(sleep_of_counter) && [ "$sleep" != "$1" ]
}

# of_counter: what it has saved
of_counter() {
	cat "/proc/$(of_service counter pid)/fd/3"
}

silent_no_more() {
	one_service
	ok "the history" lukeep_history
	ok "says that there was no update" says 'there was no update yet'
	ok "a service is stopped" lukeep stop signal
	ok "and once more" lukeep stop signal
	ok "it says that it does not run" says 'signal: it does not run'
	lukeep update -k
	is $? 2 "an option lacks its argument"
	ok "it is lukeep that says so" says '^lukeep: option requires an argument'
}

lukeep_history() {
	(become "$out/agent/lukeep" history --state-dir "$machine") >"$said" 2>&1
}

# with_path KIND PATH: a service with a memfd that it opens by this path
with_path() {
	printf '[service]\nstart = sleep 1000\n[memfd m]\nkind = %s\npath = %s\n' "$1" "$2" >"$conf/path.conf"
}

# Without systemd the folder of a service is there as well; other ones are not made.
links() {
	one_service
	with_path memory "$run-path/memory"
	ok "a service has a folder for its links" lukeep reload
	is "$(readlink "$run-path/memory")" /proc/self/fd/3 "the link is there"
	lukeep stop path
	with_path save "$run-path/saved"
	ok "it has one to what it saves" lukeep reload
	is "$(ls "$run-path")" memory "which is not there before it saves"
	lukeep stop path
	for kind in memory save; do
		with_path $kind "$machine/missing/$kind"
		reload_fails "path: cannot create the link $machine/missing/$kind: No such file"
	done
}

# On a kernel that cannot keep memory lukeep starts services all the same.
no_device() {
	touch "$machine/no-device"
	one_service
	until_true "the agent warns" logged 'this kernel cannot keep memory over an update: there is no /dev/liveupdate'
	lukeep status
	ok "the status says so" says 'this kernel cannot keep memory .*kho=on liveupdate=on'
	is "$(status .liveupdate)" false "as JSON as well"
	never "checked, it is an error" lukeep status --check
	lukeep update --dry-run
	is $? 1 "there is no update"
	ok "a dry run says why" says 'cannot use /dev/liveupdate: No such file or directory: boot a kernel'
	never "and nothing of a boot loader" says 'boot loader'
	rm "$machine/no-device"
	is "$(status .liveupdate)" true "with it there is"
	until_true "checked, all is well" lukeep status --check
}

# What stands in the way of an update is shown, before and after a reload.
changed_is_shown() {
	one_service
	is "$(of_service signal changed)" null "nothing has changed"
	sed -i 's/memfd memory/memfd renamed/' "$conf/signal.conf"
	is "$(of_service signal changed)" 'memfd memory is not there any more' "a change is in the status"
	never "checked, it is an error" lukeep status --check
	lukeep reload
	lukeep status
	ok "the table tells it after a reload, too" says 'no update with it, by its declaration: memfd memory is not there any more'
	is "$(of_service signal '"started-with"')" null "what it was started with is not shown"
	sed -i 's/memfd renamed/memfd memory/' "$conf/signal.conf"
	sed -i '/^start/a stop-timeout = 20' "$conf/signal.conf"
	is "$(of_service signal changed)" null "what does no harm is not in the status"
	until_true "checked, all is well" lukeep status --check
}

# It is started again by itself, and the status says when.
tried_again() {
	one_service
	declare_program three "sh -c 'exit 3'" 'ready-command = false' 'restart = yes'
	reload_fails "three: the service exited with status 3"
	until_true "the status tells when it is tried again" eval '[ "$(of_service three "\"next-try\"")" -ge 1 ] 2>/dev/null'
	until_true "so does the table" table_says 'is tried again in [0-9]* s'
	is "$(of_service signal '"next-try"')" null "not of one that runs"
}

table_says() {
	lukeep status
	says "$1" >/dev/null
}

# What takes effect later, and does not stand in the way of an update.
size_changed() {
	one_service
	sed -i 's/^kind = memory/&\nsize = 8K/' "$conf/signal.conf"
	ok "a declaration is read again" lukeep reload
	ok "it says that the size takes effect later" says 'memfd memory has another size; that takes effect when it is started afresh$'
	ok "a dry run succeeds" update --dry-run
	lukeep status
	ok "the status shows what is less than a MiB" says 'memory *memory *0.0 KiB\|memory *memory .* 4.0 KiB allocated'
	never "something is declared" says 'nothing is declared'
	rm "$conf/signal.conf"
	lukeep stop signal
	lukeep status
	ok "the status says when nothing is declared" says "nothing is declared in $conf"
}

# The script that the documents have for an init is one of sysvinit's, too.
init_script() {
	local script

	script=$(sed -n '/^   #!\/bin\/sh/,/^   esac/s/^   //p' "$root/Documentation/admin-guide/lukeep.rst")
	is "$(sed -n '/^#!\/bin\/sh/,/^esac/p' "$root/tools/liveupdate/lukeep.8" | grep -A99 '^### BEGIN INIT INFO' | tr -s ' \t' ' ')" \
		"$(grep -A99 '^### BEGIN INIT INFO' <<<"$script" | tr -s ' ')" "the manual page has the same"
	ok "the shell takes it" sh -n -c "$script"
	for key in Provides Required-Start Required-Stop Default-Start Default-Stop Short-Description; do
		ok "it tells $key" grep -q "^# $key: *[^ ]" <<<"$script"
	done
}

# unit_of NAME ACTIVE RESULT [STORED [STATUS [JOB]]]: what systemd says of a unit, for which it has stored so many file descriptors
unit_of() {
	printf "${6:+Job=$6\\n}"'NFileDescriptorStore=%s\nResult=%s\nStatusText=%s\nActiveState=%s\n' "${4:-0}" "$3" "${5:-running}" "$2" \
		>"$machine/$1.show"
}

# fake_systemctl [START]: one that shows these, and runs this to start units
fake_systemctl() {
	cat >"$machine/bin/systemctl" <<-END
		#!/bin/sh
		echo "\$*" >>"$machine/asked"
		for id; do :; done
		id=\${id#lukeep@}
		case \$1 in
		show)	cat "$machine/\${id%.service}.show" ;;
		start)	${1:-true} ;;
		esac
	END
	chmod +x "$machine/bin/systemctl"
	rm -f "$machine/asked"
}

# What asks systemd has more time than two seconds for that: its systemctl is started by a shell.
patient() {
	export LUKEEP_FASTER=0.1
}

# shown ACTIVE RESULT STATE [STORED [JOB]]: by the status
shown() {
	unit_of signal "$1" "$2" "${4:-}" '' "${5:-}"
	is "$(of_service signal state)" "$3" "a unit that is $1 ($2${4:+, with $4 stored}${5:+, to be started}) is $3"
}

states_of_units() {
	by_signal signal
	boot_systemd
	until_true "the agent answers" agent_answers
	patient
	fake_systemctl
	shown activating success starting
	shown deactivating success stopping
	shown inactive success stopped
	shown inactive success starting '' 7
	shown failed exit-code starting '' 7
	shown failed exit-code down
	is "$(of_service signal error)" 'signal: its unit has failed (exit-code): see "systemctl status lukeep@signal"' "it says where to look"
	lukeep status
	ok "and so does the table" says 'systemctl status lukeep@signal'
	shown failed signal gone
	shown failed signal gone 1
	shown failed signal held 2
	ok "its error says that systemd has it" test -n "$(of_service signal error | grep 'systemd has what it had')"
	unit_of signal failed exit-code 0 'signal: cannot run "x"'
	is "$(of_service signal error)" 'signal: cannot run "x"' "it says why, if the keeper did"
	touch "$run/signal.keeper"
	shown active success stopping
	rm "$run/signal.keeper"
	rm "$machine/signal.show"
	is "$(of_service signal state)" stopped "without an answer of systemd it is stopped"
	rm "$machine/bin/systemctl"
}

reload_of_units() {
	by_signal signal
	boot_systemd
	until_true "the agent answers" agent_answers
	patient
	fake_systemctl false
	lukeep reload
	is $? 1 "when a unit cannot be started a reload fails"
	is "$(grep -v ^show "$machine/asked")" $'daemon-reload\nstart -- lukeep@signal.service' "it waits for units to start"
	fake_systemctl true
	unit_of signal failed exit-code
	lukeep reload
	is $? 1 "when a unit has ended at once as well"
	ok "it says where to look" says 'signal: .*systemctl status lukeep@signal'
	by_signal other
	fake_systemctl false
	unit_of signal failed exit-code 0 'signal: cannot run "x"'
	unit_of other inactive success 0 'other: the service exited with status 0'
	lukeep reload
	is $? 1 "of two units that cannot be started"
	is "$(grep -cx 'lukeep: signal: cannot run "x"' "$said")" 1 "it says once why the one was not"
	is "$(grep -cx 'lukeep: other: the service exited with status 0' "$said")" 1 "and the other one"
	rm "$machine/bin/systemctl"
}

# What the keeper says last is what systemd shows.
unit_tells_why() {
	declare_program nope "$machine/nope"
	boot_systemd nope
	until_true "its unit ends" unit_is nope ended
	until_true "it has told why" grep -q "^nope: cannot run \"$machine/nope\": No such file" "$machine/nope.status"
	by_signal signal
	boot_systemd signal
	until_true "another one runs" has signal 1
	ok "it is stopped" lukeep stop signal
	until_true "its unit ends" unit_is signal ended
	is "$(cat "$machine/signal.status")" stopping "it has told of no error"
}

# A declaration that is wrong is no reason not to tell of the others.
reload_beside() {
	one_service
	echo '[servic]' >"$conf/typo.conf"
	declare_program good 'sleep 1000'
	declare_program three "sh -c 'exit 3'" 'ready-command = false'
	lukeep reload
	is $? 1 "a reload beside a declaration that is wrong fails"
	ok "it says what has started" says 'good: at work, started afresh'
	ok "it says what has not" says 'three: the service exited with status 3'
	is "$(grep -c typo.conf "$said")" 1 "it says once what is wrong"
	ok "a service is stopped" lukeep stop good
	never "of others it says nothing" says typo.conf
	ok "a service is started" lukeep reload good
	never "of others it says nothing" says 'typo.conf\|three'
	lukeep stop three good
	ok "a service is started alone" lukeep reload good
	is "$(of_service three state)" stopped "no other is"
}

scenario reload_cannot_start reload_waits left_behind undeclared without_agent example silent_no_more links no_device changed_is_shown tried_again size_changed init_script states_of_units reload_of_units unit_tells_why reload_beside
done_testing
