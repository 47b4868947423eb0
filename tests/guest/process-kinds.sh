# shellcheck shell=sh disable=SC2016
# What CRIU keeps of a process, kind of open file by kind, over an update; and what it does not, so that there is none.
. /tests/process.sh
kept='eventfd timerfd timer signalfd epoll inotify fanotify pidfd unix_pair unix_path unix_abstract unix_datagram unix_listening unix_files
	tcp_listening tcp_pair udp netlink packet pipe fifo terminal memfd shared locks removed'

# declare_kinds NAME KIND...
declare_kinds() {
	_name=$1
	shift
	mkdir -p "/var/$_name"
	printf '[service]\nstart = python3 /usr/bin/process-kinds.py %s\n[process]\nimages = %s\npredump = 1\n' "/var/$_name $*" \
		"$images/$_name" >"/etc/lukeep/$_name.conf"
}

# count NAME KIND; counts NAME KIND N: it has been used more often than that
count() {
	sed -n "s/^$2 //p" "/var/$1/counts"
}

counts() {
	[ "$(count "$1" "$2")" -gt "$3" ]
}

# goes_on NAME KIND: each of its files can be used as before
goes_on() {
	until_true "$2 works" counts "$1" "$2" $(($(count "$1" "$2") + 2))
}

# refused KIND STATUS REASON: an update with it
refused() {
	rm -rf /var/odd
	declare_kinds odd "$1"
	ln -s /var/tmp/outside /var/tmp/deaf /var/odd
	lukeep reload odd
	until_true "a service has $1" counts odd "$1" 1
	update B
	is $? "$2" "there is no update with it"
	says /run/update "odd: $3" "and the reason is said"
	goes_on odd "$1"
	lukeep stop odd
	rm /etc/lukeep/odd.conf
}

mkdir -p "$images" /run/lukeep
ok "peers of the services are kept waiting" lukeep-criu lock
$ip link set lo up
case $stage in
1)	python3 -c 'import socket
s = socket.socket(socket.AF_UNIX)
s.bind("/var/tmp/outside")
s.listen()
deaf = socket.socket(socket.AF_UNIX)
deaf.bind("/var/tmp/deaf")
deaf.listen()
connections = []
while True: connections.append(s.accept())' &
	# shellcheck disable=SC2086 # words
	declare_kinds kinds $kept
	make_initrd
	start_agent
	until_true "a service runs" services_are running
	for kind in $kept; do goes_on kinds "$kind"; done
	for kind in io_uring perf userfaultfd; do
		refused $kind 1 'an open file of process .* is anon_inode:.*, which CRIU does not dump: have the service do without'
	done
	refused seized 1 'criu pre-dump: Error .*Unseizable'
	refused unix_outside 1 'a Unix socket of it .* is connected with another program, at /var/tmp/outside, which CRIU does not keep'
	refused unix_unaccepted 1 'a Unix socket of it .* is connected with another program, at /var/tmp/deaf, which CRIU does not keep'
	refused tcp_backlog 3 'criu dump: Error .*In-flight connection'
	refused unix_backlog 3 'criu dump: Error .*Non-empty write queue on an in-flight socket'
	until_true "all else is as before" services_are running
	cp /var/kinds/counts /var/before
	update B
	cat /run/update "$agent_log"
	grep -h Error "$images"/*/dump/dump.log | while read -r line; do note "$line"; done
	fail "lukeep update came back" ;;
2)	start_agent
	until_true "the service goes on" services_are running
	for kind in $kept; do
		until_true "$kind goes on" counts kinds "$kind" $(($(sed -n "s/^$kind //p" /var/before) + 3))
	done
	pass ;;
esac
