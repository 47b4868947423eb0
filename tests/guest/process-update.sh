# shellcheck shell=sh disable=SC2016
# lukeep keeps redis, with a client outside, and a Python program over four updates in a row, after some that fail. The images of redis
# are on a tmpfs, the others on the disk.
. /tests/process.sh
keys=$(param keys)

declare_services() {
	cat >/etc/lukeep/redis.conf <<-END
	[service]
	start = redis-server --bind 0.0.0.0 --protected-mode no --save "" --dir /var/tmp --enable-debug-command yes
	order = 2
	[tmpfs]
	path = /var/lib/redis.tmpfs
	[process]
	END
	cat >/etc/lukeep/busy.conf <<-END
	[service]
	start = python3 /usr/bin/process-busy.py /var/busy
	order = 1
	[process]
	images = $images/busy
	predump = 1
	lazy = no
	END
}

# client_is N: it has got so far
client_is() {
	[ "$(redis-cli get client)" -ge "$1" ]
}

# An update that cannot be, as the next kernel would not have a file.
refused() {
	cat >/etc/lukeep/odd.conf <<-END
	[service]
	start = sh -c 'exec 3>/run/odd; exec sleep 10000'
	[process]
	images = $images/odd
	END
	lukeep reload odd
	until_true "a service with a file on a tmpfs runs" service_is odd '.state == "running"'
	update B
	is $? 1 "an update with it is refused"
	says /run/update 'an open file of process .* is /run/odd, on a tmpfs' "and the file is named"
	rm /etc/lukeep/odd.conf
	lukeep stop odd
	until_true "it is stopped" eval '! service_is odd true'
}

# The update fails when all have been dumped, as somebody has unloaded the next kernel; or its agent is killed meanwhile.
called_off() {
	declare_unload
	update B
	is $? 3 "an update fails when all are dumped"
	says /run/update 'failed at the step "jump into the next kernel"' "at the last step"
	rm /etc/lukeep/unload.conf
	at_work
	lukeep stop unload
	until_true "it is stopped" eval '! service_is unload true'

	update B &
	until_true "redis is being dumped" test -e /var/lib/redis.tmpfs/.images/dumping
	kill -9 "$agent"
	wait "$agent"
	start_agent
	at_work
}

at_work() {
	until_true "all services run" services_are running
	is "$(redis-cli dbsize)" $((keys + 1)) "redis has its keys"
	until_true "its client goes on" client_is $((stage * 20))
	read -r _ threads timer pty pipe unix _ </var/busy/counts
	until_true "the program goes on" further "$threads" "$timer" "$pty" "$pipe" "$unix"
	ok "it goes on from where it was" further $((stage * 5)) 0 0 0 0
}

mkdir -p "$images" /var/lib/redis.tmpfs /var/busy /run/lukeep
make_network
declare_services
make_initrd
start_agent
case $stage in
1)	until_true "redis answers" redis-cli ping
	redis-cli debug populate "$keys" >/dev/null
	until_true "its client has a key" client_is 1
	until_true "the program works" test -s /var/busy/counts
	at_work
	refused
	called_off ;;
*)	is "$(uname -r | tail -c 3)" "$([ $((stage % 2)) = 0 ] && echo -B || echo -A)" "the other kernel runs"
	at_work
	is "$(wrong_values "$keys" 0)" 0 "each key of redis has its value"
	while read -r line; do note "$line"; done <"$agent_log" ;;
esac
[ "$stage" -lt 5 ] || pass
update "$([ $((stage % 2)) = 0 ] && echo A || echo B)"
cat /run/update "$agent_log"
fail "lukeep update came back"
