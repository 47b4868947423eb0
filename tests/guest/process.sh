# shellcheck shell=sh
# For guests on the disk of scripts/vm/disk; sourced after lib.sh. There busybox's shell prefers its own programs.
export PATH=/usr/sbin:/usr/bin
ip=/usr/bin/ip
images=/var/lib/images

# until_true DESCRIPTION COMMAND...: within a minute
until_true() {
	_wanted=$1
	shift
	_tries=0
	until "$@" >/dev/null 2>&1; do
		_tries=$((_tries + 1))
		if [ $_tries = 300 ]; then
			report "not ok - $_wanted"
			report "# failed: $*"
			return 1
		fi
		sleep 0.2
	done
	report "ok - $_wanted"
}

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

# client_counts DESCRIPTION: the client of process-client.py, which writes to /tmp/client, gets some more answers
client_counts() {
	_seen=$(wc -l </tmp/client)
	until_true "$1" eval "[ \$(wc -l </tmp/client) -gt $((_seen + 3)) ]"
	ok "$1: it was not interrupted" eval '! grep -H broken /tmp/client'
}
