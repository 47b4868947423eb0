# shellcheck shell=sh
# Services that have their files on a tmpfs, with systemd as the first process, and an update by way of systemctl kexec: memcached and
# redis as users of their own, in a sandbox, and SQLite as root.

. /tests/keep.sh

items=2000
keys=20000
socket=/run/lukeep-memcached/socket

# redis COMMAND...
redis() {
	redis-cli --raw "$@"
}

# sql STATEMENT
sql() {
	sqlite3 -cmd '.timeout 60000' /srv/notes/notes.db "$1"
}

# is_mounted NAME PID: here, and where the service is
is_mounted() {
	for _where in self "$2"; do
		is "$(awk -v place="/srv/$1" '$5 == place { print $(NF - 2) }' "/proc/$_where/mountinfo" | sort -u)" tmpfs \
			"the tmpfs of $1 is seen by process $_where"
	done
}

# is_as_declared NAME OPTION...
is_as_declared() {
	_options=$(awk -v place="/srv/$1" '$5 == place { print $NF "," }' /proc/self/mountinfo)
	shift
	for _option; do
		case ,$_options in
		*,"$_option",*) ok "a tmpfs has the option $_option" true ;;
		*)	is "$_options" "$_option" "a tmpfs is as it is declared" ;;
		esac
	done
}

pid_of() {
	status | jq ".services[] | select(.name == \"$1\").pid"
}

all_run() {
	until_true "all services run" services_are running
	until_true "the one without a tmpfs serves" serves simple
	is_mounted memcached "$(pid_of memcached)"
	is_mounted redis "$(pid_of redis-tmpfs)"
	is_mounted notes "$(pid_of notes)"
	is "$(stat -c '%U %a' /srv/memcached /srv/redis | tr '\n' ' ')" "memcache 750 redis 750 " "they belong to the services' users"
	is "$(systemctl --failed --quiet --plain --no-legend | cut -d' ' -f1)" "" "no unit has failed"
	lukeep status
}

there_are_notes() {
	[ "$(sql 'SELECT count(*) FROM notes')" -gt 5 ]
}

fill() {
	ok "memcached takes items" mcload fill $socket $items
	redis eval "for i = 1, $keys do redis.call('set', 'key' .. i, 'value' .. i * i) end" 0
	is "$(redis dbsize)" $keys "redis takes keys"
	until_true "notes are taken" there_are_notes
}

# has_all KERNELS
has_all() {
	ok "memcached has its items" mcload check $socket $items
	is "$(redis dbsize)" $keys "redis has its keys"
	is "$(redis get "key$keys")" "value$((keys * keys))" "and their values"
	is "$(sql 'PRAGMA integrity_check')" ok "the database is whole"
	is "$(sql 'SELECT name FROM kernels' | sed 's/.*-//' | tr -d '\n')" "$1" "it has been written by these kernels"
	is "$(sql 'SELECT max(number) = count(*) FROM notes')" 1 "and has each note"
}

# A file that is open for writing calls the update off when all have stopped.
called_off() {
	exec 8>/srv/notes/open
	make_initrd
	rm /run/simple.has
	update B
	is $? 3 "an update fails when a file is open"
	cat /run/update
	ok "it says which, and by whom" grep -q 'tmpfs /srv/notes cannot be made read-only: process [0-9]* (sh) has /srv/notes/open open' /run/update
	exec 8>&-
	all_run
	has_all AA
}

# The keepers of memcached and redis may not do this, and wait for the agent.
agent_killed() {
	for _name in memcached redis-tmpfs notes simple; do
		systemctl kill --signal=KILL "lukeep@$_name"
	done
	until_true "the services are down" status_is '.services | all(.state == "gone")'
	# The file system, and not this mount of it.
	mount -o remount,ro /srv/memcached
	mount -o remount,bind,rw /srv/memcached
	ok "a tmpfs is read-only" eval '! touch /srv/memcached/file'
	systemctl kill --signal=KILL lukeep
	until_true "another agent is there" status_is '.agent.state == "idle"'
	ok "a tmpfs that was left read-only is writable" touch /srv/memcached/file
	systemctl reset-failed
	ok "the services are started" lukeep reload
}

go_on() {
	rm -f /run/update
	make_initrd
	update "$@"
	is $? 0 "the update is handed to systemd"
	cat /run/update
	sleep infinity
}

journalctl --follow --output=short-monotonic --lines=all >"$agent_log" &
case $stage in
1)	all_run
	fill
	is_as_declared memcached rw size=98304k huge=within_size mode=750 uid=100 gid=100
	called_off
	ok "a service can be stopped" lukeep stop notes
	ok "its files are there" test -s /srv/notes/notes.db
	ok "it can be started" lukeep reload notes
	all_run
	has_all AAA
	go_on B ;;
2)	all_run
	has_all AAAB
	ok "they have resumed" status_is '.services | map(select(.tmpfs)) | length == 3 and all(.resumed)'
	is_as_declared memcached rw size=98304k huge=within_size mode=750 uid=100 gid=100
	note "pauses: $(status | jq -c '.services | map({ (.name): .pause }) | add')"
	go_on A ;;
3)	all_run
	has_all AAABA
	agent_killed
	pass ;;
esac
