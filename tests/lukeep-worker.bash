# shellcheck shell=bash
# For the tests of services that are dumped and restored: one of a single process, and a CRIU that is feigned. Sourced in place of
# tests/lukeep-machine.bash.
#
# shellcheck disable=SC2016,SC2119 # patterns, and options of functions
# The next kernel has what is there, as it would not have a tmpfs.
export TMPDIR=/var/tmp
. "$(dirname "$0")/lukeep-machine.bash"

images=$machine/images/worker
export LUKEEP_STATE_DIR=$machine/locks
ln -sf "$out/criu" "$machine/bin"
# The sanitizer looks for leaks by a process of its own, and cannot have one in the namespace of a service that has ended.
printf '#!/bin/sh\nASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 exec "%s" "$@"\n' "$out/agent/lukeep-criu" >"$machine/bin/lukeep-criu"
chmod +x "$machine/bin/lukeep-criu"
ln -sf "$programs/fake-nft" "$machine/bin/nft"

# What it has are the numbers of the kernels in which it was started and restored. It knows nothing of updates.
cat >"$machine/bin/worker" <<'WORKER'
#!/bin/bash
# worker FOLDER NAME
trap 'exit 0' TERM
if [ -n "${WORKER_MEMORY:-}" ]; then echo restored; else echo start; fi >>"$1/$2.log"
echo "${WORKER_MEMORY:-}$(cat "$1/kernel")" >"$1/$2.memory"
cp "$1/$2.memory" "$1/$2.has"
while sleep 0.05; do echo >>"$1/$2.ticks"; done
WORKER
chmod +x "$machine/bin/worker"

# declare_worker NAME KEYS [KEYS]: a service, with these keys of the section process, and of the section service
declare_worker() {
	printf '[service]\nstart = worker %s %s\n%b\n[process]\nimages = %s\n%b\n' "$machine" "$1" "${3:-}" "$machine/images/$1" "$2" \
		>"$conf/$1.conf"
}

# worker [KEYS [KEYS]]: one service, in its first kernel
worker() {
	rm -rf "$machine"/{criu*,sizes,images,locks,tables,*.ticks,*.memory}
	mkdir "$machine"/{images,locks,tables}
	: >"$machine/criu.calls"
	declare_worker worker "${1:-}" "${2:-}"
	boot
	until_true "worker runs" state_is worker running
	until_true "it has come as far as to work" has worker 1
}

# begins_anew DESCRIPTION: the worker is started afresh, and has come as far as to work
begins_anew() {
	rm -f "$machine/worker.has"
	ok "$1" lukeep reload worker
	until_true "it runs" state_is worker running
	until_true "it has come as far as to work" has worker 1
}

# rig VERB [POINT fails|mumbles|dies|hangs]: CRIU, or no more
rig() {
	if [ $# = 1 ]; then rm -f "$machine/criu.$1"; else echo "$2 $3" >"$machine/criu.$1"; fi
}

# hangs VERB POINT: CRIU does, by rig
hangs() {
	until_true "criu $1 is at the point \"$2\"" grep -sqx "$1 $2" "$machine/criu.at"
	rm "$machine/criu.at"
}

# called VERB: how often CRIU was
called() {
	grep -c "^$1 " "$machine/criu.calls"
}

ticks() {
	wc -l <"$machine/worker.ticks"
}

ticks_on() {
	[ "$(ticks)" -gt "$1" ]
}

# works KERNELS: with this in its memory, and nobody is kept waiting
works() {
	until_true "worker has what it had" has worker "$1"
	until_true "it runs, its keeper says" state_is worker running
	until_true "it works" ticks_on "$(ticks)"
	is "$(started worker)" 1 "it was started afresh once only"
	is "$(find "$machine/tables" "$machine/locks" -type f)" "" "nothing keeps its peers waiting"
	until_true "no CRIU is left" eval '! find_processes criu'
	never "and no dump" test -e "$images/dumping"
}

# find_processes NAME [ARGUMENT]: are there any of this machine?
find_processes() {
	pgrep -f "(^|/)$1 .*${2:-}.*$machine" >"$machine/found"
}

# killed NAME [ARGUMENT]: kill -9
killed() {
	ok "there is a process: $*" find_processes "$@"
	xargs kill -9 <"$machine/found"
}

# boots: the next kernel; rules of nftables are gone with the last one, and lukeep-netlock.service loads those that are needed
boots() {
	rm -f "$machine/tables"/*
	ok "rules are loaded before there is a network" become_briefly lukeep-criu lock
	ok "the peers of the service are kept waiting" test -n "$(ls "$machine/tables")"
	boot
}

become_briefly() {
	(become "$@") >"$said" 2>&1
}

goes_on() {
	jumps
	boots
	works "$1"
}

# tool_killed_at POINT: kill -9 of lukeep-criu in a dump, when CRIU is there
tool_killed_at() {
	rig dump "$1" hangs
	update &
	client=$!
	hangs dump "$1"
	killed lukeep-criu dump
	wait $client
	is $? 3 "the update fails"
	rig dump
	works 1
}

# The worker's keeper is killed when its service has been dumped.
kill_keeper_after_dump() {
	keeper=$(keeper worker)
	fault preserve.worker "hang 1"
	update &
	client=$!
	until_true "it is dumped" test -e "$images/saved"
	kill -9 "$keeper"
	fault preserve.worker
	wait $client
	is $? 4 "the update fails"
}
