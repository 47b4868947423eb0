#!/bin/bash
# lukeep on this host, with a shim: services that cannot save, or do not, when they are told to.
# flavours: none
# shellcheck disable=SC2016,SC2119 # patterns, and options of functions
. "$(dirname "$0")/lukeep-machine.bash"

# Scenarios that fail as yet.
not_yet=''

# declare_shell START [KIND]...: a command of the shell, with a memfd of each of these kinds
declare_shell() {
	printf "[service]\nstart = sh -c '%s'\n" "$1" >"$conf/shell.conf"
	printf '[memfd %s]\nkind = %s\n' memory memory "${@:2}" >>"$conf/shell.conf"
	boot
	until_true "it runs" state_is shell running
	was=$(of_service shell pid)
}

# effect_is NAME: of its save signal
effect_is() {
	until_true "the shell has come as far" grep -q "^$1:.*[4-7c-f]...\$" "/proc/$was/status"
}

# refused WHY: an update without the service being touched
refused() {
	never "a dry run fails" update --dry-run
	ok "it says why" says "shell: it $1 its save-signal: SIGTERM would .*exit with status 0.*--without"
	fails_at 1 "check the services" "shell: it $1 its save-signal"
	is "$(of_service shell pid)" "$was" "the service works on"
}

not_handled() {
	declare_shell 'exec sleep 1000'
	refused 'does not handle'
	jumps --without shell
}

ignored() {
	declare_shell 'trap "" TERM; exec sleep 1000'
	effect_is SigIgn
	refused ignores
}

# A program that writes its pid to new memory, and does this when it is told to save.
writes_then() {
	echo "[ -s /proc/self/fd/3 ] || echo \$\$ >/proc/self/fd/3; sleep 1000 & trap \"kill \$!; $1\" TERM; wait"
}

handled() {
	declare_shell "$(writes_then 'exit 0')"
	effect_is SigCgt
	ok "a dry run succeeds" update --dry-run
	jumps
	boot
	until_true "it runs again" state_is shell running
	is "$(memory_of shell)" "$was" "with what it had"
}

# sigwait(3) has what it waits for not blocked.
waited_for() {
	one_service
	until_true "nothing blocks its signals" grep -q '^SigBlk:[^1-9]*$' "/proc/$(pid signal)/status"
	ok "a dry run succeeds" update --dry-run
	at_work signal 1
}

# That is the service's own manner.
by_save_command() {
	by_command command
	boot
	until_true "it runs" has command 1
	ok "a dry run succeeds" update --dry-run
}

# memory_of NAME: the contents of its first memfd
memory_of() {
	cat "/proc/$(of_service "$1" pid)/fd/3"
}

# back: the service is another process
back() {
	[ "$(of_service shell state)" = running ] && [ "$(of_service shell pid)" != "$was" ]
}

# exits_badly TEXT WHAT [KIND]...: it does this when it is told to save, and has then what a message says
exits_badly() {
	declare_shell "$(writes_then "$1")" "${@:3}"
	effect_is SigCgt
	fails_at 3 "save and stop the services" "$2"
	until_true "it is back" back
}

# starts_afresh: in new memory
starts_afresh() {
	is "$(of_service shell resumed)" false "it has started afresh"
	until_true "in new memory" eval '[ "$(memory_of shell)" = "$(of_service shell pid)" ]'
}

memory_is_kept() {
	exits_badly 'exit 3' 'shell: it has to exit with status 0 when it is told to save: nothing is lost'
	is "$(memory_of shell)" "$was" "with what it had"
	is "$(of_service shell resumed)" true "it has resumed"
	is "$(of_service shell error)" "" "it is mended"
}

crashed() {
	exits_badly 'kill -KILL $$' 'shell: what it had is lost, and it starts afresh: it crashed'
	starts_afresh
}

not_saved() {
	exits_badly 'exit 3' 'shell: what it had is lost, and it starts afresh: it has to save and to exit with status 0' saved save
	starts_afresh
}

scenario not_handled ignored handled waited_for by_save_command memory_is_kept crashed not_saved
done_testing
