# shellcheck shell=sh
# For guests on the disk of scripts/vm/disk, with services whose processes go on; sourced after lib.sh. busybox's shell prefers
# its own programs to those in PATH.
export PATH=/usr/sbin:/usr/bin
ip=/usr/bin/ip
images=/var/lib/images
. /tests/keep.sh

# says FILE TEXT DESCRIPTION
says() {
	if grep -q "$2" "$1"; then
		report "ok - $3"
	else
		report "not ok - $3"
		while read -r _line; do note "$_line"; done <"$1"
	fi
}

# A network namespace with an address from which clients come, so that what they send passes what may drop it.
make_peer() {
	$ip link set lo up
	$ip link add v0 type veth peer name v1
	$ip netns add peer
	$ip link set v1 netns peer
	$ip addr add 10.1.0.1/24 dev v0
	$ip link set v0 up
	$ip netns exec peer $ip addr add 10.1.0.2/24 dev v1
	$ip netns exec peer $ip link set v1 up
}

# The network to the outside, as a unit of the network would bring it up: after lukeep-netlock.service
make_network() {
	ok "peers of the services are kept waiting" lukeep-criu lock
	$ip link set lo up
	$ip addr add 10.0.2.15/24 dev eth0
	$ip link set eth0 up
}

# A service that unloads the next kernel when it is stopped, so that an update fails when all have been dumped
declare_unload() {
	cat >/etc/lukeep/unload.conf <<-END
	[service]
	start = sh -c 'trap "kexec -s -u; exit 0" TERM; touch /run/unload; while :; do sleep 0.1; done'
	END
	lukeep reload unload
	until_true "a service runs that unloads the next kernel" test -e /run/unload
}

# wrong_values KEYS SIZE [OPTION]...: how many keys of redis have another value than "debug populate" gave them, or none. Its clients wait
# meanwhile, which is why it is not asked for all of them at once, and is not to tell them that it is busy.
wrong_values() {
	_keys=$1 _size=$2 _first=0 _wrong=0
	shift 2
	redis-cli "$@" config set busy-reply-threshold 0 >/dev/null
	while [ $_first -lt "$_keys" ]; do
		_wrong=$((_wrong + $(redis-cli "$@" eval 'local wrong = 0
			for i = ARGV[1], math.min(ARGV[1] + 9999, ARGV[2] - 1) do
				local value = "value:" .. i
				value = value .. string.rep("\0", ARGV[3] - #value)
				if redis.call("get", "key:" .. i) ~= value then wrong = wrong + 1 end
			end
			return wrong' 0 $_first "$_keys" "$_size")))
		_first=$((_first + 10000))
	done
	echo $_wrong
}

# client_counts DESCRIPTION: the client of process-client.py, which writes to /tmp/client, gets some more answers
client_counts() {
	_seen=$(wc -l </tmp/client)
	until_true "$1" eval "[ \$(wc -l </tmp/client) -gt $((_seen + 3)) ]"
	ok "$1: it was not interrupted" eval '! grep -H broken /tmp/client'
}

# further THREADS TIMER PTY PIPE UNIX: process-busy.py is still the first process, has its memory, and has done more than this
further() {
	read -r _pid _threads _timer _pty _pipe _unix _sum </var/busy/counts
	[ "$_pid" = 1 ] && [ "$_sum" = True ] && [ "$_threads" -gt "$1" ] && [ "$_timer" -gt "$2" ] && [ "$_pty" -gt "$3" ] &&
		[ "$_pipe" -gt "$4" ] && [ "$_unix" -gt "$5" ]
}
