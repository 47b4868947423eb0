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
	killed_in_predump
	killed_in_dump
	killed_in_restore
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

# killed_at ACTION criu|lukeep-criu COMMAND...: one of them is killed when CRIU gets there. At none of these moments it has code of its
# own in a process; when it puts that there or takes it out again, the process may crash.
killed_at() {
	cat >/var/tmp/kill <<-END
	#!/bin/sh
	[ "\$CRTOOLS_SCRIPT_ACTION" = $1 ] || exit 0
	[ $2 = criu ] || kill -9 \$(sed -n 's/^PPid:.//p' /proc/\$PPID/status)
	kill -9 \$PPID
	END
	chmod +x /var/tmp/kill
	mkdir -p /etc/criu
	echo action-script /var/tmp/kill >/etc/criu/default.conf
	_what="$2 is killed at the action \"$1\" of $4"
	shift 2
	"$@" >/tmp/said 2>&1
	ok "$_what" test $? != 0
	rm /etc/criu/default.conf
}

# goes_on: so do redis and its client
goes_on() {
	client_counts "$_what: its client goes on"
	is "$(nft list ruleset)" "" "nothing keeps anybody waiting"
	is "$(pidof criu)" "" "no CRIU is left over"
}

# Before connections are in repair mode: from then on the service, which runs as soon as CRIU is killed, may find them broken.
killed_in_dump() {
	for whom in criu lukeep-criu; do
		killed_at pre-dump $whom lukeep-criu dump redis "$images/redis"
		ok "it is at work" lukeep-criu ready redis "$images/redis"
		goes_on
	done
}

# lukeep-criu is killed as soon as CRIU begins to dump memory.
killed_in_predump() {
	mv /usr/sbin/criu /usr/sbin/real
	printf '#!/bin/sh\nkill -9 $PPID\nexec real "$@"\n' >/usr/sbin/criu
	chmod +x /usr/sbin/criu
	_what="lukeep-criu is killed in a pre-dump"
	ok "$_what" eval '! lukeep-criu predump redis "$images/redis" 3'
	mv /usr/sbin/real /usr/sbin/criu
	goes_on
}

# Whoever is killed in a restore, and whenever: what was restored by then is gone, and it can be restored.
killed_in_restore() {
	ok "redis is dumped" service dump redis
	wait "$keeper"
	for action in pre-restore post-restore; do
		for whom in criu lukeep-criu; do
			killed_at $action $whom lukeep-criu resume redis "$images/redis"
			ok "its images are there" test -e "$images/redis/saved"
		done
	done
	begin resume redis lazily
	_what="it is restored"
	goes_on
	is "$(pidof redis-server | wc -w)" 1 "there is one redis"
	is "$(redis-cli dbsize)" 10001 "it has its keys"
	until_true "its images are gone" test ! -e "$images/redis/dump"
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
