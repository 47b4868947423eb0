# shellcheck shell=sh disable=SC2016
# CRIU as this kernel has it, and services that lukeep-criu dumps and restores, without an update.
. /tests/process.sh

# service VERB NAME [ARGUMENT]...: by lukeep-criu; what it says goes to /tmp/said
service() {
	_verb=$1 _name=$2
	shift 2
	lukeep-criu "$_verb" "$_name" "$images/$_name" "$@" >/tmp/said 2>&1
}

# begin run|resume NAME [ARGUMENT]...: in the background, until it is there
begin() {
	_verb=$1 _name=$2
	shift 2
	lukeep-criu "$_verb" "$_name" "$images/$_name" "$@" >"/tmp/$_name" 2>&1 &
	keeper=$!
	service ready "$_name"
}

criu_checks() {
	ok "criu check succeeds" criu check
	criu check --all >/tmp/all 2>&1
	# A mount of autofs is no service's.
	grep -v -e 'failed to mount autofs' -e 'Looks good' -e 'which, depending' -e 'dump or restore failure' /tmp/all >/tmp/lacking
	is "$(cat /tmp/lacking)" "" "criu check --all lacks only what is known"
}

program() {
	mkdir -p /var/busy
	begin run busy python3 /usr/bin/process-busy.py /var/busy
	until_true "a program with threads, a timer, a pty, a pipe and a socket works" further 0 0 0 0 0
	ok "its files will be there" service check busy
	ok "it is dumped before" service predump busy 3
	ok "it is dumped" service dump busy
	wait "$keeper"
	is $? 0 "it has ended as it should"
	read -r _ threads timer pty pipe unix _ </var/busy/counts
	begin resume busy "$1"
	until_true "it goes on where it was" further "$threads" "$timer" "$pty" "$pipe" "$unix"
	until_true "its images are gone" test ! -e "$images/busy/dump"
	kill "$keeper"
	wait "$keeper"
	is $? 143 "it is stopped"
}

redis() {
	begin run redis redis-server --bind 0.0.0.0 --protected-mode no --save "" --dir /var/tmp --enable-debug-command yes
	until_true "redis answers" redis-cli ping
	redis-cli debug populate 10000 >/dev/null
	"$ip" netns exec peer python3 /usr/bin/process-client.py 10.1.0.1 6379 /tmp/client &
	until_true "its client counts" test -s /tmp/client
	ok "its files will be there" service check redis
	ok "it is dumped before" service predump redis 2
	ok "it is dumped" service dump redis
	ok "who connects meanwhile is not refused" eval '! $ip netns exec peer nc -w 2 10.1.0.1 6379 </dev/null 2>/tmp/nc'
	says /tmp/nc "timed out" "but waits"
	begin resume redis lazily
	client_counts "its client goes on"
	is "$(redis-cli dbsize)" 10001 "redis has its keys"
	is "$(nft list ruleset)" "" "nothing keeps anybody waiting any more"
	tool_killed predump 3
	tool_killed dump
	killed_in_restore
	killed
	rm /tmp/client
	kill "$keeper"
	wait "$keeper"
	is $? 0 "redis exits as it is told to"
}

# refused WHAT TEXT COMMAND...: a service with something that the next kernel would not have
refused() {
	_what=$1 _text=$2
	shift 2
	begin run odd "$@"
	until_true "a service runs that has $_what" test -e /tmp/there
	ok "it is refused" eval '! service check odd'
	says /tmp/said "$_text" "and the reason is said"
	kill "$keeper"
	wait "$keeper"
	rm /tmp/there
}

# restoring SECONDS: a restore of redis that has begun so long ago, and does not come to its end, as its CRIU stands still
restoring() {
	lukeep-criu resume redis "$images/redis" >/tmp/redis 2>&1 &
	keeper=$!
	until_true "CRIU has begun a restore" test -e "$images/redis/dump/restore.log"
	criu=$(pgrep -o -P $keeper criu)
	kill -STOP "$criu"
	sleep "$1"
}

# Whoever is killed in a restore, and whenever: what was restored by then is gone, and it can be restored.
killed_in_restore() {
	ok "redis is dumped" service dump redis
	wait "$keeper"
	for whom in criu lukeep-criu; do
		rm -f "$images/redis/dump/restore.log"
		restoring 2
		if [ $whom = criu ]; then kill -9 "$criu"; else kill -9 "$keeper"; fi
		wait "$keeper" 2>/dev/null
		while read -r line; do note "$line"; done </tmp/redis
		ok "$whom was killed in a restore: its images are there" test -e "$images/redis/saved"
	done
	begin resume redis lazily
	client_counts "its client goes on then"
	is "$(pidof redis-server | wc -w)" 1 "there is one redis"
	is "$(redis-cli dbsize)" 10001 "it has its keys"
	until_true "its images are gone" test ! -e "$images/redis/dump"
}

# tool_killed VERB [ARGUMENT]: lukeep-criu is killed, and CRIU with it; or it has come to its end before.
tool_killed() {
	verb=$1
	shift
	for delay in 0.2 0.5; do
		lukeep-criu "$verb" redis "$images/redis" "$@" >/tmp/said 2>&1 &
		dump=$!
		sleep $delay
		kill -9 $dump
		wait $dump 2>/dev/null
		if [ -e "$images/redis/saved" ]; then
			wait "$keeper"
			begin resume redis
		else
			lukeep-criu ready redis "$images/redis"
		fi
		client_counts "lukeep-criu was killed in a $verb after $delay s, or has come to its end"
		is "$(nft list ruleset)" "" "nothing keeps anybody waiting"
		is "$(pidof criu)" "" "CRIU has ended with it"
	done
}

# CRIU is killed in one of its phases, or has come to its end before: redis and its client go on.
killed() {
	for delay in 0.1 0.2 0.3 0.5 0.7 0.9; do
		lukeep-criu dump redis "$images/redis" >/tmp/said 2>&1 &
		dump=$!
		sleep $delay
		pid=$(pidof criu) && kill -9 "$pid"
		if wait $dump; then
			wait "$keeper"
			begin resume redis lazily
			until_true "its images are gone" test ! -e "$images/redis/dump"
		fi
		client_counts "CRIU was killed after $delay s, or has come to its end"
		is "$(nft list ruleset)" "" "nothing keeps anybody waiting"
	done
}

preflight() {
	mkdir -p /run/odd
	chmod 1777 /tmp
	refused "a first process that is not of root" 'its first process is not of root' \
		su -s /bin/sh nobody -c 'touch /tmp/there; exec sleep 1000'
	refused "a file on a tmpfs" 'an open file of process .* is /run/odd/file, on a tmpfs' \
		sh -c 'exec >/run/odd/file; touch /tmp/there; exec sleep 1000'
	refused "a working directory on a tmpfs" 'the working directory of process .* is /run/odd, on a tmpfs' \
		sh -c 'cd /run/odd; touch /tmp/there; exec sleep 1000'
	refused "a socket on a tmpfs" 'a socket of process .* is /run/odd/socket, on a tmpfs' \
		python3 -c 'import socket, time; s = socket.socket(socket.AF_UNIX); s.bind("/run/odd/socket"); open("/tmp/there", "w"); time.sleep(1000)'
}

# What CRIU does not dump works on, and what it cannot restore can be restored later.
failures() {
	nc -lU /var/tmp/outside >/dev/null 2>&1 &
	python3 -c 'import socket, time; s = socket.socket(socket.AF_UNIX); s.bind("/var/tmp/outer"); s.listen(); c = s.accept(); time.sleep(1000)' &
	outer=$!
	until_true "somebody listens" test -S /var/tmp/outer
	begin run odd python3 -c 'import socket, time; s = socket.socket(socket.AF_UNIX); s.connect("/var/tmp/outer")
while True: open("/var/tmp/odd", "a").write("x"); time.sleep(0.1)'
	until_true "a service is connected with another" test -s /var/tmp/odd
	ok "CRIU does not dump it" eval '! service dump odd'
	says /tmp/said "criu dump: Error .*: more is in $images/odd/dump/dump.log" "and says why"
	size=$(wc -c </var/tmp/odd)
	until_true "it works on" eval '[ $(wc -c </var/tmp/odd) -gt $size ]'
	kill "$keeper" "$outer"
	wait "$keeper"

	begin run odd sh -c 'exec </etc/passwd; while sleep 0.1; do echo x >>/var/tmp/late; done'
	until_true "a service has a file open" test -s /var/tmp/late
	ok "it is dumped" service dump odd
	wait "$keeper"
	mv /etc/passwd /etc/passwd.away
	ok "it cannot be restored without the file" eval '! service resume odd'
	says /tmp/said "criu restore: Error .*passwd" "and CRIU says why"
	mv /etc/passwd.away /etc/passwd
	size=$(wc -c </var/tmp/late)
	begin resume odd
	until_true "it is restored as soon as the file is back" eval '[ $(wc -c </var/tmp/late) -gt $size ]'
	kill "$keeper"
	wait "$keeper"
}

# The program, and a library, have been upgraded since it was started.
upgraded() {
	cp "$(readlink -f /usr/bin/python3)" /usr/bin/old
	begin run odd old -c 'import time
while True: open("/var/tmp/old", "a").write("x"); time.sleep(0.1)'
	until_true "a service runs" test -s /var/tmp/old
	cp /usr/bin/old /usr/bin/new
	mv /usr/bin/new /usr/bin/old
	ok "it is dumped after its program has been replaced" service dump odd
	wait "$keeper"
	begin resume odd
	size=$(wc -c </var/tmp/old)
	until_true "it is restored, as it was" eval '[ $(wc -c </var/tmp/old) -gt $size ]'
	kill "$keeper"
	wait "$keeper"
}

mkdir -p "$images"
make_peer
criu_checks
program now
program lazily
redis
preflight
failures
upgraded
pass
