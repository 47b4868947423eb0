#!/bin/bash
# lukeep on this host, with a shim and a CRIU that is feigned: services whose memory goes on in pipes.
# flavours: none
# shellcheck disable=SC2016,SC2119 # patterns, and options of functions
. "$(dirname "$0")/lukeep-worker.bash"

# Its memory goes on in pipes: nothing of it is in a file.
pipes() {
	worker 'pages = pipes'
	echo 3000 >"$machine/sizes"
	fault preserve ENOENT
	fails_at 1 "check the services" 'this kernel cannot preserve a pipe: boot one with CONFIG_LIVEUPDATE_PIPE'
	fault preserve
	jumps
	is "$(cut -d ' ' -f 1 "$machine/criu.calls" | tr '\n' ' ')" "dump " "it is dumped at once"
	never "with nothing that is for pre-dumps" grep -q track-mem "$machine/criu.calls"
	never "its pages are in no file" test -e "$images/dump/pages-1.img"
	ok "the log says how much it was" logged 'worker: dump: 2.9 MiB'
	boots
	works 12
	is "$(called lazy-pages)" 0 "it has all of its memory at once"
	until_true "its keeper has no pipe" pipes_are 0
	until_true "no image is left" eval '[ "$(ls "$images")" = "output
service" ]'
	goes_on 123
}

# pipes_are N: so many are open in the keeper
pipes_are() {
	[ "$(readlink "/proc/$(keeper worker)/fd"/* | grep -c ^pipe:)" = "$1" ]
}

# A dump fails, or somebody is killed, before it has come to its end: the pipes are gone.
pipes_dump_fails() {
	worker 'pages = pipes'
	for point in frozen streamed; do
		rig dump $point fails
		fails_at 3 "save and stop the services" "criu dump: Error (feigned.c:2): it fails at $point: more is in .*/dump/dump.log"
		works 1
		until_true "its keeper has no pipe" pipes_are 0
		rig dump $point dies
		fails_at 3 "save and stop the services" 'criu dump was killed by signal 9'
		works 1
		tool_killed_at $point
	done
	fault preserve.worker ENOMEM 1
	fails_at 3 "preserve what they saved" 'cannot preserve pipe with its memory'
	fault preserve.worker
	works 11
	rig dump ended dies
	jumps
	rig dump
	boots
	works 112
}

# As long as no memory has been read a restore can be tried again, but not any more after that.
pipes_restore_fails() {
	worker 'pages = pipes'
	jumps
	rig restore looked fails
	boots
	until_true "worker is not restored" state_is worker saved
	ok "CRIU's reason is told" logged 'criu restore: Error (feigned.c:2): it fails at looked'
	until_true "its memory is there" pipes_are 1
	rig restore
	ok "it is tried again" lukeep reload worker
	works 12
	jumps
	rig restore made dies
	boots
	until_true "worker is not restored" state_is worker saved
	ok "it is told what is lost, and what to do" logged 'its memory was read by the restore that failed, and is lost: stop the service and start it'
	rig restore
	lukeep reload worker
	until_true "it stays so" state_is worker saved
	is "$(called restore)" 3 "CRIU is not asked once more"
	lukeep stop worker
	ok "it is started" lukeep reload worker
	until_true "afresh" has worker 3
	is "$(find "$machine/tables" "$machine/locks" -type f)" "" "nothing keeps its peers waiting"
}

# Where its declaration has it start afresh
pipes_restart() {
	worker 'pages = pipes\non-failed-restore = start' 'restart = yes'
	jumps
	rig restore made fails
	boots
	until_true "it is not restored" logged 'its memory was read by the restore that failed'
	echo 20 >"$machine/faster"
	rig restore
	until_true "it starts afresh" has worker 2
	ok "what could not be restored may tell why" test -e "$images/failed/restore.log"
}

# They are its keeper's.
pipes_keeper_killed() {
	worker 'pages = pipes'
	kill_keeper_after_dump
	lukeep reload worker
	until_true "it is said that its memory is gone" logged 'its memory is not there: it was in pipes'
	lukeep stop worker
	ok "it is started" lukeep reload worker
	until_true "afresh" eval '[ "$(started worker)" = 2 ]'
}

scenario pipes pipes_dump_fails pipes_restore_fails pipes_restart pipes_keeper_killed
done_testing
