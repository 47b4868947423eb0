# shellcheck shell=bash
# For the tests of lukeep that need no virtual machine: lukeep with a shim and sanitizers, on a machine that is feigned by
# tests/programs/lukeep-machine.c. Sourced first of all; the test runs within that machine.
#
#	not_yet='scenario...'	what is known to fail, until it is mended
#	scenario NAME...	each (of those in ONLY, if that is set) is a function, and begins on a machine that runs its
#				first kernel, with no service
#
# shellcheck disable=SC2034,SC2120 # variables for the tests, and options of functions
. "$(dirname "${BASH_SOURCE[0]}")/lib.bash"

programs=$root/tests/programs
out=$build/lukeep-host
flags=(-O1 -g -fno-omit-frame-pointer "-fsanitize=address,undefined" -fno-sanitize-recover=undefined)
wrapped=(open fopen access opendir ioctl syscall poll reboot sync fsync uname accept4 sd_booted time clock_gettime clock_settime
	sd_event_add_time_relative sd_event_source_set_time_relative fspick fsconfig setns early_root_enter early_root_leave
	early_cgroup_enter early_cgroup_adopt early_cgroup_kill)

# The same for all tests of a state of the sources.
sources_sum() {
	cat "$root"/tools/liveupdate/*.[ch] "$root/tools/liveupdate/Makefile" "$programs"/{lukeep-*,fake-criu*} "${BASH_SOURCE[0]}" \
		"$root/include/uapi/linux/liveupdate.h" | sha256sum
}

compile() {
	local own=(gcc -O2 -g -Wall -Wextra -D_GNU_SOURCE "-I$root/include/uapi") shimmed

	# shellcheck disable=SC2207 # options, without blanks
	shimmed=("$out"/shim{,-time,-mount,-early}.o $(printf -- '-Wl,--wrap=%s ' "${wrapped[@]}"))

	rm -rf "$out" && mkdir -p "$out/agent" &&
		"${own[@]}" -c -o "$out/shim.o" "$programs/lukeep-shim.c" &&
		"${own[@]}" -c -o "$out/shim-time.o" "$programs/lukeep-shim-time.c" &&
		"${own[@]}" -c -o "$out/shim-mount.o" "$programs/lukeep-shim-mount.c" &&
		"${own[@]}" -c -o "$out/shim-early.o" "$programs/lukeep-shim-early.c" &&
		"${own[@]}" -o "$out/lukeep-machine" "$programs"/lukeep-{machine,folder,mounts,processes,sessions}.c &&
		"${own[@]}" -o "$out/lukeep-service" "$programs/lukeep-service.c" -lsystemd &&
		"${own[@]}" -o "$out/lukeep-unit" "$programs/lukeep-unit.c" &&
		"${own[@]}" -o "$out/criu" "$programs"/fake-criu*.c &&
		"${own[@]}" -o "$out/lukeep-foreign" "$programs/lukeep-foreign.c" "${shimmed[@]}" -lsystemd &&
		make -C "$root/tools/liveupdate" -j "$(nproc)" OUTPUT="$out/agent/" CFLAGS="${flags[*]}" \
			LUKEEP_VERSION=test LDFLAGS="${flags[*]} ${shimmed[*]}" "$out/agent/lukeep" "$out/agent/lukeep-criu" \
			"$out/agent/lukeep-podman"
}

build_lukeep() {
	local sum

	sum=$(sources_sum)
	[ "$(cat "$out/built" 2>/dev/null)" != "$sum" ] || return 0
	mkdir -p "$build/logs"
	compile >"$build/logs/lukeep-host.log" 2>&1 || {
		cat "$build/logs/lukeep-host.log" >&2
		die "lukeep does not build with its shim"
	}
	echo "$sum" >"$out/built"
}

# Outside of the machine: build all, and run the test in it.
if [ -z "${LUKEEP_TEST:-}" ]; then
	if [ "$(id -u)" != 0 ]; then
		exec unshare --map-root-user "$0"
	fi
	"$root/scripts/setup" demo >&2
	in_build_lock lukeep-host build_lukeep || exit
	LUKEEP_TEST=$(mktemp -d)
	export LUKEEP_TEST
	trap 'rm -rf "$LUKEEP_TEST"' EXIT
	mkdir -p "$LUKEEP_TEST/root/proc" "$LUKEEP_TEST/root/sys/kernel" "$LUKEEP_TEST/bin"
	unshare --mount "$out/lukeep-machine" "$LUKEEP_TEST" run "$0"
	exit
fi

machine=$LUKEEP_TEST
conf=$machine/conf run=$machine/run
log=$machine/log said=$machine/said

# In front of this host's programs.
ln -sf "$out/lukeep-service" "$machine/bin/lukeep-service"
echo KERNEL >"$machine/image"
echo initramfs >"$machine/initrd"

# Each scenario is a process. One that is known to fail is given up with its first failure.
not_yet='' todo='' limit=300 patience=${LUKEEP_PATIENCE:-300}

result() {
	_run=$((_run + 1))
	[ "$1" = ok ] || [ -n "$todo" ] || _failed=$((_failed + 1))
	say "$1 $_run - $2${todo:+ # TODO $todo}"
	[ "$1" != ok ] || return 0
	[ -z "$todo" ] || [ "$BASHPID" = $$ ] || leave
	tail -n 8 "$log" | sed 's/^/# log: /'
}

leave() {
	echo "$_run $_failed" >"$machine/counted"
	exit
}

# until_true DESCRIPTION COMMAND...
until_true() {
	local end=$((SECONDS + limit))

	while ! "${@:2}"; do
		if [ "$SECONDS" -gt "$end" ]; then
			result "not ok" "$1"
			say "# in vain: ${*:2}"
			return 1
		fi
		sleep 0.05
	done
	result ok "$1"
}

# never DESCRIPTION COMMAND...
never() {
	if "${@:2}"; then result "not ok" "$1"; say "# succeeded: ${*:2}"; else result ok "$1"; fi
}

# become COMMAND...: in a process of its own, which is one of the machine from then on, and ends with its kernel
become() {
	exec env LUKEEP_MACHINE="$machine" PATH="$machine/bin:$PATH" \
		ASAN_OPTIONS="detect_leaks=1:log_path=$machine/complaint" \
		UBSAN_OPTIONS="print_stacktrace=1:log_path=$machine/complaint" "$@"
}

# lukeep VERB [ARG]...: what it says goes to $said, too; a client that hangs is ended
lukeep() {
	(become timeout -k 1 "$((limit + 1))" "$out/agent/lukeep" "$1" --run-dir "$run" "${@:2}") >"$said" 2>&1
}

# update [OPTION]...: returns 137 when the kernel was replaced
update() {
	{ lukeep update --kernel "$machine/image" --initrd "$machine/initrd" --reuse-cmdline --now "$@"; } 2>/dev/null
}

# status JQ-FILTER: of the status as JSON. Nobody has less time for an answer than on a real machine.
status() {
	(become env LUKEEP_FASTER="${LUKEEP_FASTER:-1}" timeout -k 1 "$((limit + 1))" "$out/agent/lukeep" status --json --run-dir "$run" 2>/dev/null) | jq -r "$1"
}

# patiently JQ-FILTER: as status, but who is "silent" is asked for longer, as he may only be kept from a processor
patiently() {
	local answer factor

	for factor in "${LUKEEP_FASTER:-1}" 0.5 0.2 0.1; do
		answer=$(LUKEEP_FASTER=$factor status "$1")
		[ "$answer" = silent ] || break
	done
	echo "$answer"
}

agent_is() {
	[ "$(patiently .agent.state)" = "$1" ]
}

agent_answers() {
	agent_is idle
}

# history JQ-FILTER: of the history as JSON
history() {
	(become timeout -k 1 "$((limit + 1))" "$out/agent/lukeep" history --json --state-dir "$machine" 2>/dev/null) | jq -r "$1"
}

start_agent() {
	become "$out/agent/lukeep" run --config-dir "$conf" --run-dir "$run" --state-dir "$machine" >>"$log" 2>&1 &
	agent=$!
	disown
}

# run_agent: another one, in the same kernel
run_agent() {
	start_agent
	until_true "an agent is there" agent_answers
}

# boot: what each kernel begins with
boot() {
	rm -rf "$run" "$run"-* "$machine"/*.has
	start_agent
	until_true "the agent listens" test -S "$run/agent.sock"
}

# boot_systemd NAME...: with the units of these services
boot_systemd() {
	local name

	touch "$machine/systemd"
	boot
	for name; do
		become "$out/lukeep-unit" "$machine" "$name" "$out/agent/lukeep" --config-dir "$conf" --run-dir "$run" >>"$log" 2>&1 &
		unit=$!
		disown
	done
}

# unit_is NAME WORD; in_store NAME...: of the last unit
unit_is() {
	[ "$(sed 's/ .*//' "$machine/$1.unit" 2>/dev/null)" = "$2" ]
}

in_store() {
	[ "$(sort "$machine/$1.store" | tr '\n' ' ')" = "${2:-}" ]
}

# declare_service NAME [KEY=VALUE]...: one that tests/programs/lukeep-service.c is
declare_service() {
	{
		printf '[service]\nstart = lukeep-service %s %s start\n' "$machine" "$1"
		printf 'resume = lukeep-service %s %s resume\n' "$machine" "$1"
		printf '%s\n' "${@:2}" ''
		printf '[memfd memory]\nkind = memory\n\n[memfd saved]\nkind = save\n'
	} >"$conf/$1.conf"
}

# by_signal NAME [KEY]...; by_command NAME [KEY]...: how it saves
by_signal() {
	declare_service "$1" 'save-signal = USR1' "${@:2}"
}

by_command() {
	declare_service "$1" "save-command = lukeep-service $machine $1 save" "${@:2}"
}

two_services() {
	by_signal signal 'save-timeout = 20'
	by_command command 'save-timeout = 20'
	boot
	until_true "signal runs" has signal 1
	until_true "command runs" has command 1
}

# one_service [KEY]...
one_service() {
	by_signal signal "$@"
	boot
	until_true "signal runs" has signal 1
}

# has NAME KERNELS: it is at work with a memory of these kernels
has() {
	[ "$(cat "$machine/$1.has" 2>/dev/null)" = "$2" ]
}

# mood NAME [MOOD]
mood() {
	if [ $# = 1 ]; then rm -f "$machine/$1.mood"; else echo "$2" >"$machine/$1.mood"; fi
}

# hurry NAME FACTOR: time passes faster for the keeper of a service, and for nobody else
hurry() {
	echo "$2" >"$machine/faster.$(keeper "$1")"
}

# started NAME: how often it has been started afresh
started() {
	grep -c ^start "$machine/$1.log" 2>/dev/null
}

started_twice() {
	[ "$(started signal)" = 2 ]
}

# at_work NAME KERNELS: it has what it had, and never lost it
at_work() {
	until_true "$1 is at work with what it had" has "$1" "$2"
	is "$(started "$1")" 1 "$1 was started afresh once only"
}

# pid NAME; of_service NAME KEY
pid() {
	cat "$machine/$1.pid"
}

of_service() {
	patiently ".services[] | select(.name == \"$1\") | if .state == \"silent\" then .state else .$2 end"
}

# state_is NAME STATE
state_is() {
	if [ "$2" = silent ]; then
		[ "$(status ".services[] | select(.name == \"$1\") | .state")" = silent ]
	else
		[ "$(of_service "$1" state)" = "$2" ]
	fi
}

keeper() {
	of_service "$1" keeper
}

# logged TEXT; says TEXT: the agent and the keepers, or the client
logged() {
	grep -q -- "$1" "$log"
}

says() {
	grep -q -- "$1" "$said" || { sed 's/^/# said: /' "$said"; return 1; }
}

# odd WHAT: some process did what none should, see tests/programs/lukeep-shim.c
odd() {
	grep -q "$1" "$machine/odd" 2>/dev/null
}

# alive PID
alive() {
	grep -q '^State:[^ZX]*$' "/proc/$1/status" 2>/dev/null
}

gone() {
	! alive "$1"
}

# fault CALL[.SESSION] [ERRNO [SKIP [COUNT]]]: without ERRNO no more
fault() {
	if [ $# = 1 ]; then rm -f "$machine/fault.$1"; else echo "${*:2}" >"$machine/fault.$1"; fi
}

# some_call CALL RESULT [COUNT]: there have been so many that went so
some_call() {
	[ "$(grep -c "^[0-9]* $1 .* $2\$" "$machine/calls")" -ge "${3:-1}" ]
}

is_loaded() {
	[ "$(cat "$machine/root/sys/kernel/kexec_loaded")" = 1 ]
}

kernel_is() {
	[ "$(cat "$machine/kernel")" = "$1" ]
}

# jumps [OPTION]...: an update that succeeds; the next kernel is booted with this
jumps() {
	local next=$(($(cat "$machine/kernel") + 1))

	update "$@"
	is $? 137 "the update succeeds"
	until_true "kernel $next runs" kernel_is "$next"
}

# and_updates: two services in their first kernel are as before, and go on in the next
and_updates() {
	at_work signal 1
	at_work command 1
	jumps
	boot
	at_work signal 12
	at_work command 12
}

# fails_at STATUS STEP WHY: 1, the services were not touched; 3, they are back; 4, not all are
fails_at() {
	update
	is $? "$1" "the update fails at the step to $2"
	shift
	ok "it says so" says "failed at the step \"$1\""
	ok "it says why: $2" says "$2"
	never "no kernel is loaded" is_loaded
}

fresh() {
	"$out/lukeep-machine" "$machine" reset
	wait
	rm -rf "$run" "$run"-* "$conf" "$machine"/{*.unit,*.store,*.show,*.status,no-fsync,kmsg,no-bridge,nope,no-device,no-tmpfs,no-root,unloadable,early,asked,away,history*,fault.*,*.has,*.log,*.mood,*.pid,calls,faster*,odd,systemd,refused,timers,there,before,log,said}
	mkdir "$conf"
	: >"$log"
	: >"$machine/refused"
}

scenario() {
	local name start

	for name; do
		case " ${ONLY:-$name} " in *" $name "*) ;; *) continue ;; esac
		todo='' limit=$patience
		fresh
		case " ${not_yet//[$'\n\t']/ } " in *" $name "*) todo='issue 17' limit=3 ;; esac
		start=$(date +%s%N)
		("$name"; leave)
		read -r _run _failed <"$machine/counted"
		is "$(cat "$machine"/complaint* 2>/dev/null | head -n 12)" "" "$name: no complaint of a sanitizer"
		rm -f "$machine"/complaint*
		say "# $name: $((($(date +%s%N) - start) / 1000000)) ms"
	done
}
