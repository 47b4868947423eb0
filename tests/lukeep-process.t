#!/bin/bash
# lukeep on this host, with a shim and a CRIU that is feigned: services that are dumped and restored, and what is left of them when CRIU
# fails, or somebody is killed.
# flavours: none
# shellcheck disable=SC2016,SC2119 # patterns, and options of functions
. "$(dirname "$0")/lukeep-worker.bash"

# Scenarios that fail as yet.
not_yet=''

whole() {
	worker 'predump = 2'
	printf '%s\n' 40 30 5 >"$machine/sizes"
	ok "a dry run succeeds" update --dry-run
	is "$(called pre-dump)" 0 "and dumps nothing"
	jumps
	is "$(cut -d ' ' -f 1 "$machine/criu.calls" | tr '\n' ' ')" "pre-dump pre-dump dump " "it was dumped before, twice, and then the rest"
	is "$(grep -o 'prev-images-dir [^ ]*' "$machine/criu.calls" | tr '\n' ' ')" "prev-images-dir ../1 prev-images-dir ../2 " \
		"each time what has changed since the last time"
	ok "the log says how much each time" logged 'worker: pre-dump 2: 0.0 MiB'
	ok "the rules by which peers wait are kept" grep -q '^table inet CRIU-id' "$machine/locks/worker.lock"
	boots
	works 12
	ok "the log tells how long it was away" logged 'at work with what it had .* after a pause'
	ok "it has its memory by and by" grep -q '^lazy-pages' "$machine/criu.calls"
	until_true "no image is left" eval '[ "$(ls "$images")" = "output
service" ]'
	goes_on 123
	kill "$(keeper worker)"
	until_true "it can be stopped" gone "$(keeper worker)"
}

# As long as there is less each time.
predumps() {
	worker 'predump = 5\nlazy = no'
	printf '%s\n' 40 30 20 20 1 >"$machine/sizes"
	jumps
	is "$(called pre-dump)" 4 "it is dumped again as long as there is less"
	boots
	works 12
	is "$(called lazy-pages)" 0 "it has all of its memory at once"
	declare_worker worker 'predump = 0\nlazy = no'
	ok "without pre-dumps" lukeep reload worker
	rm "$machine/criu.calls"
	goes_on 123
	is "$(called pre-dump)" 0 "there are none"
	never "the dump needs none" grep -q prev-images-dir "$machine/criu.calls"
}

predump_fails() {
	worker
	for what in fails mumbles dies; do
		rig pre-dump frozen $what
		case $what in
		fails)	why='criu pre-dump: Error (feigned.c:2): it fails at frozen: more is in .*/1/pre-dump.log' ;;
		mumbles) why='criu pre-dump has failed, and has not said why: is CRIU whole' ;;
		dies)	why='criu pre-dump was killed by signal 9' ;;
		esac
		fails_at 1 "dump memory while it is used" "$why"
		works 1
	done
	rig pre-dump end hangs
	update &
	client=$!
	hangs pre-dump end
	killed lukeep-criu predump
	wait $client
	is $? 1 "an update fails when lukeep-criu is killed"
	works 1
	rig pre-dump
	goes_on 12
}

dump_fails() {
	worker
	for point in begin locked frozen; do
		rig dump $point fails
		fails_at 3 "save and stop the services" "criu dump: Error (feigned.c:2): it fails at $point: more is in .*/dump/dump.log"
		works 1
	done
	rig dump begin mumbles
	fails_at 3 "save and stop the services" 'criu dump has failed, and has not said why'
	works 1
	rig dump
	goes_on 12
}

# CRIU is killed in each phase. As soon as all is in its images, and it has ended the processes, they are what there is.
criu_killed() {
	worker
	for point in begin locked frozen written; do
		rig dump $point dies
		fails_at 3 "save and stop the services" 'criu dump was killed by signal 9'
		works 1
	done
	rig dump ended dies
	update
	status=$?
	rig dump
	if [ $status = 137 ]; then
		until_true "kernel 2 runs" kernel_is 2
		boots
	fi
	works 12
}

# So is lukeep-criu, and CRIU with it.
tool_killed() {
	worker
	for point in begin locked frozen written; do
		tool_killed_at $point
	done
	goes_on 12
}

agent_killed() {
	worker
	for point in locked written; do
		rig dump $point hangs
		update &
		client=$!
		hangs dump $point
		kill -9 "$agent"
		wait $client
		rig dump
		until_true "worker is back" eval '[ "$(cat "$machine/worker.has")" != 1 ]'
		rm "$machine/worker.has"
		run_agent
		until_true "it runs" state_is worker running
		cp "$machine/worker.memory" "$machine/worker.has"
		worker_had=$(cat "$machine/worker.has")
		works "$worker_had"
		echo 1 >"$machine/worker.has"
	done
	cp "$machine/worker.memory" "$machine/worker.has"
	goes_on "${worker_had}2"
}

# killed_in_predump PID: an expression, as the process is not there yet
killed_in_predump() {
	worker
	rig pre-dump end hangs
	update &
	client=$!
	hangs pre-dump end
	eval "kill -9 $1"
	wait $client
	ok "the update fails" test $? != 0
	rig pre-dump
}

# As memory is dumped while it is used, nothing has been stopped yet.
agent_killed_in_predump() {
	killed_in_predump '"$agent"'
	run_agent
	works 1
	goes_on 12
}

# The restore comes to its end.
agent_killed_in_restore() {
	worker
	jumps
	rig restore made hangs
	boots
	hangs restore made
	kill -9 "$agent"
	rig restore
	run_agent
	works 12
	goes_on 123
}

# Its service goes with it, as with any keeper: there is no whole dump.
keeper_killed_in_predump() {
	killed_in_predump '"$(keeper worker)"'
	until_true "the service is gone" eval '! find_processes worker'
	begins_anew "it is started again"
	is "$(started worker)" 2 "afresh"
	is "$(find "$machine/tables" "$machine/locks" -type f)" "" "nothing keeps its peers waiting"
}

# Memory is still being brought in: what brings it goes with the keeper, and so does the service.
keeper_killed_when_lazy() {
	worker
	jumps
	rig lazy-pages end hangs
	boots
	hangs lazy-pages end
	until_true "it has what it had" has worker 12
	kill -9 "$(keeper worker)"
	rig lazy-pages
	until_true "the service is gone" eval '! find_processes worker'
	until_true "no CRIU is left" eval '! find_processes criu'
	ok "it is started again" lukeep reload worker
	until_true "it runs" state_is worker running
	is "$(find "$machine/tables" "$machine/locks" -type f)" "" "nothing keeps its peers waiting"
}

# Its service goes with it, unless it is dumped by then.
keeper_killed() {
	worker
	rig dump frozen hangs
	update &
	client=$!
	hangs dump frozen
	kill -9 "$(keeper worker)"
	wait $client
	is $? 4 "the update fails"
	rig dump
	until_true "the service is gone" eval '! find_processes worker'
	begins_anew "it is started again"
	is "$(started worker)" 2 "afresh"
	is "$(find "$machine/tables" "$machine/locks" -type f)" "" "nothing keeps its peers waiting"

	kill_keeper_after_dump
	ok "it is started again" lukeep reload worker
	until_true "it has what it had" has worker 11
	is "$(started worker)" 2 "as it was dumped"
}

restore_fails() {
	worker
	jumps
	rig restore made fails
	boots
	until_true "worker is not restored" state_is worker saved
	ok "CRIU's reason is told" logged 'criu restore: Error (feigned.c:2): it fails at made: more is in .*/dump/restore.log'
	ok "and what to do" logged 'keeps what it had: .*lukeep reload'
	ok "its images are there" test -e "$images/saved"
	ok "its peers wait" test -e "$machine/locks/worker.lock"
	until_true "nothing of it is left over" eval '! find_processes worker'
	rig restore begin dies
	lukeep reload worker
	until_true "CRIU is killed" logged 'criu restore was killed by signal 9'
	until_true "worker is not restored" state_is worker saved
	rig restore made dies
	lukeep reload worker
	until_true "CRIU was called" eval '[ "$(called restore)" = 3 ]'
	until_true "worker is not restored" state_is worker saved
	until_true "nothing of it is left over" eval '! find_processes worker'
	rig restore made hangs
	lukeep reload worker
	hangs restore made
	killed lukeep-criu resume
	rig restore
	until_true "worker is not restored" state_is worker saved
	until_true "no CRIU is left over" eval '! find_processes criu'
	ok "it is tried again" lukeep reload worker
	works 12
	never "nothing is left of the other attempts" find_processes worker -c
	goes_on 123
}

# By itself, or afresh, where the declaration has that.
restarts() {
	worker '' 'restart = yes'
	jumps
	rig restore begin fails
	boots
	until_true "worker is not restored" logged 'criu restore: Error'
	echo 20 >"$machine/faster"
	rig restore
	works 12
	rm "$machine/faster"
	declare_worker worker 'on-failed-restore = start' 'restart = yes'
	ok "it may start afresh" lukeep reload worker
	jumps
	rig restore begin fails
	boots
	until_true "it starts afresh" has worker 3
	ok "what could not be restored may tell why" test -e "$images/failed/restore.log"
	is "$(find "$machine/tables" "$machine/locks" -type f)" "" "nothing keeps its peers waiting"
	rig restore
}

# Images that cannot be restored are kept until the service is stopped.
given_up() {
	worker
	jumps
	rig restore begin fails
	boots
	until_true "worker is not restored" state_is worker saved
	rig restore
	ok "it is stopped" lukeep stop worker
	ok "and started" lukeep reload worker
	until_true "it starts afresh" has worker 2
	is "$(find "$machine/tables" "$machine/locks" -type f)" "" "nothing keeps its peers waiting"
}

keeper_killed_in_restore() {
	worker
	jumps
	rig restore made hangs
	boots
	hangs restore made
	kill -9 "$(keeper worker)"
	rig restore
	ok "it is tried again" lukeep reload worker
	works 12
}

# What brings memory in by and by may not be there; once it is, the service needs it.
lazily() {
	worker
	jumps
	rig lazy-pages begin dies
	boots
	works 12
	ok "all of its memory is brought in first" logged 'criu lazy-pages was killed by signal 9'
	is "$(grep -c '^restore .*--lazy-pages' "$machine/criu.calls")" 0 "by the restore"
	rig lazy-pages begin hangs
	jumps
	boots
	hangs lazy-pages begin
	is "$(called restore)" 1 "it is waited for"
	rig lazy-pages
	works 123
	is "$(grep -c '^restore .*--lazy-pages' "$machine/criu.calls")" 1 "as long as that takes"
	rig lazy-pages end dies
	jumps
	boots
	until_true "without it the service cannot go on" state_is worker down
	ok "it says so" logged 'criu lazy-pages was killed by signal 9'
	ok "and what is lost, and what to do" logged 'memory cannot be brought in any more: .*lazy = no'
	until_true "nothing of it is left over" eval '! find_processes worker'
}

# From a host that lost its power, say.
stale_lock() {
	worker
	printf 'table inet lukeep-%s\ndelete table inet lukeep-%s\n' worker worker worker worker | tee "$machine/locks/worker.unlock" \
		>"$machine/locks/worker.lock"
	printf 'table inet lukeep-worker {\n\tdrop\n}\n' >>"$machine/locks/worker.lock"
	ok "what is left of a dump is loaded at boot" become_briefly lukeep-criu lock
	is "$(ls "$machine/tables")" lukeep-worker "and its peers wait"
	lukeep stop worker
	ok "the service is started" lukeep reload worker
	until_true "worker runs" state_is worker running
	is "$(find "$machine/tables" "$machine/locks" -type f)" "" "then nobody waits any more"
	echo 'delete table inet nobody' >"$machine/locks/worker.lock"
	never "rules that cannot be loaded" become_briefly lukeep-criu lock
	ok "are told of" says 'nft has failed'
}

refuses() {
	worker
	rm "$machine/bin/criu"
	fails_at 1 "dump memory while it is used" 'cannot run criu: is it installed, and in PATH'
	works 1
	ln -s "$out/criu" "$machine/bin"
	mkdir "$machine/volatile"
	mount -t tmpfs volatile "$machine/volatile"
	sed -i "s|^start = \\(.*\\)|start = sh -c 'exec 3>$machine/volatile/open; exec \\1'|" "$conf/worker.conf"
	lukeep stop worker
	begins_anew "it has a file on a tmpfs"
	fails_at 1 "check the services" "worker: an open file of process .* is $machine/volatile/open, on a tmpfs"
	cat >"$machine/bin/connects" <<-CONNECTS
		#!/usr/bin/python3
		import os, socket, sys
		s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
		s.connect("$machine/socket")
		s.set_inheritable(True)
		os.execvp("worker", ["worker"] + sys.argv[1:])
	CONNECTS
	chmod +x "$machine/bin/connects"
	sed -i "s|^start.*|start = connects $machine worker|" "$conf/worker.conf"
	lukeep stop worker
	begins_anew "it is connected with another program"
	fails_at 1 "check the services" "worker: a Unix socket of it .* is connected with another program, at $machine/socket"
	sed -i "s|^start.*|start = worker $machine worker|; s|^images.*|images = $machine/volatile/images|" "$conf/worker.conf"
	lukeep stop worker
	begins_anew "it has its images on a tmpfs"
	fails_at 1 "check the services" "worker: the folder of its images is $machine/volatile/images, on a tmpfs"
	sed -i 's|^images.*|images = /nowhere/images|' "$conf/worker.conf"
	lukeep stop worker
	lukeep reload worker
	until_true "it needs a folder" logged 'cannot create /nowhere/images: No such file or directory: is the folder above it there'
}

# With its images on a tmpfs of its own.
on_tmpfs() {
	worker
	lukeep stop worker
	mkdir "$machine/place"
	sed -i "s|^images.*|[tmpfs]\\npath = $machine/place|" "$conf/worker.conf"
	ok "it has its images on a tmpfs" lukeep reload worker
	until_true "worker runs" has worker 1
	jumps
	boots
	until_true "worker has what it had" has worker 12
	until_true "it runs" state_is worker running
	rig dump frozen fails
	fails_at 3 "save and stop the services" 'criu dump: Error'
	until_true "it works" ticks_on "$(ticks)"
	rig dump
	jumps
	boots
	until_true "worker has what it had" has worker 123
}

scenario whole predumps predump_fails dump_fails \
	criu_killed tool_killed agent_killed agent_killed_in_predump agent_killed_in_restore keeper_killed \
	keeper_killed_in_predump keeper_killed_when_lazy restore_fails restarts given_up keeper_killed_in_restore lazily stale_lock refuses \
	on_tmpfs
done_testing
