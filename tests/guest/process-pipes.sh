# shellcheck shell=sh disable=SC2016
# lukeep keeps redis over two updates, with its memory in pipes. There is never memory for two of it: neither in an update that is
# called off when it has been dumped, nor when it is restored in the next kernel; with its memory in files there is.
. /tests/process.sh
keys=100000
size=2000
mib=$((keys * size / 1048576))

# declare_redis pipes|files
declare_redis() {
	cat >/etc/lukeep/redis.conf <<-END
	[service]
	start = redis-server --bind 0.0.0.0 --protected-mode no --save "" --dir /var/tmp --enable-debug-command yes
	[tmpfs]
	path = /var/lib/redis.tmpfs
	[process]
	pages = $1
	predump = 0
	lazy = no
	END
}

available() {
	sed -n 's/^MemAvailable: *\([0-9]*\) .*/\1/p' /proc/meminfo
}

# watch_memory: until it is told to stop, what is the least that is available?
watch_memory() {
	while [ ! -e /run/watched ]; do
		now=$(available)
		[ "$now" -ge "$(cat /run/least)" ] || echo "$now" >/run/least
		sleep 0.05
	done
}

# end_watch FROM: $missing MiB of that were not there for a moment
end_watch() {
	touch /run/watched
	wait "$watcher"
	missing=$((($1 - $(cat /run/least)) / 1024))
}

begin_watch() {
	rm -f /run/watched
	available >/run/least
	watch_memory &
	watcher=$!
}

at_work() {
	until_true "redis is at work" services_are running
	is "$(redis-cli dbsize)" $((keys + 1)) "it has its keys"
	is "$(redis-cli strlen key:4711)" $size "and their values"
	_count=$(redis-cli get client)
	until_true "its client goes on" eval "[ \$(redis-cli get client) -gt $((_count + 3)) ]"
}

# called_off pipes|files: after the dump, by a service that unloads the next kernel as it is stopped. $missing is memory
# that was not there for a moment.
called_off() {
	declare_redis "$1"
	lukeep reload redis
	sync
	echo 3 >/proc/sys/vm/drop_caches
	before=$(available)
	begin_watch
	update B
	is $? 3 "an update fails when redis is dumped: $1"
	says /run/update 'failed at the step "jump into the next kernel"' "at the last step"
	at_work
	end_watch "$before"
	note "$mib MiB of values; $missing MiB were missing for a moment"
}

# A service that CRIU does not dump, as a connection waits to be accepted, works on, and is in no pipe.
refused() {
	printf '%s\n' 'import socket, time; s = socket.create_server(("127.0.0.1", 7)); c = socket.create_connection(("127.0.0.1", 7))' \
		'while True: open("/var/tmp/odd", "a").write("x"); time.sleep(0.1)' >/var/tmp/odd.py
	printf '[service]\nstart = python3 /var/tmp/odd.py\n[process]\nimages = %s\npages = pipes\n' "$images/odd" >/etc/lukeep/odd.conf
	lukeep reload odd
	until_true "a service has a connection that waits" test -s /var/tmp/odd
	update B
	is $? 3 "an update fails as CRIU does not dump it"
	says /run/update 'odd: criu dump: Error' "and CRIU's reason is said"
	_size=$(wc -c </var/tmp/odd)
	until_true "it works on" eval '[ $(wc -c </var/tmp/odd) -gt $_size ]'
	keeper=$(lukeep status --json | jq '.services[] | select(.name == "odd") | .keeper')
	is "$(readlink /proc/"$keeper"/fd/* | grep -c pipe)" 0 "its keeper has no pipe"
	rm /etc/lukeep/odd.conf
	lukeep stop odd
	until_true "it is stopped" eval '! service_is odd true'
	at_work
}

mkdir -p "$images" /var/lib/redis.tmpfs /run/lukeep
make_network
[ "$stage" != 1 ] || declare_redis pipes
make_initrd
begin_watch
start_agent
if [ "$stage" = 1 ]; then
	until_true "redis answers" redis-cli ping
	redis-cli debug populate $keys key $size >/dev/null
	until_true "a client counts" eval '[ "$(redis-cli get client)" -ge 1 ]'
	at_work
	touch /run/watched
	refused
	declare_unload
	called_off pipes
	ok "not so much is missing by far that it could have been copied" [ "$missing" -lt $((mib * 3 / 4)) ]
	called_off files
	ok "in files it is copied" [ "$missing" -gt $((mib * 3 / 4)) ]
	declare_redis pipes
	lukeep reload redis
	rm /etc/lukeep/unload.conf
	lukeep stop unload
	until_true "it is stopped" eval '! service_is unload true'
else
	is "$(uname -r | tail -c 3)" "$([ $((stage % 2)) = 0 ] && echo -B || echo -A)" "the other kernel runs"
	at_work
	end_watch "$(available)"
	note "$mib MiB of values; $missing MiB less were there at times than are now"
	ok "redis was not there twice when it was restored" [ "$missing" -lt $((mib / 2)) ]
	while read -r line; do note "$line"; done <"$agent_log"
fi
[ "$stage" -lt 3 ] || pass
update "$([ $((stage % 2)) = 0 ] && echo A || echo B)"
cat /run/update "$agent_log"
fail "lukeep update came back"
