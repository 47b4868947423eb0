# shellcheck shell=sh
# What scripts/bench/bench measures of a service that goes on by CRIU: mib= of memory, in a way= of predump, plain or pipes. Reports
# microseconds, which with QEMU's -icount are thousands of instructions.
. /tests/process.sh
mib=$(param mib)
way=$(param way)
agent_log=/var/agent.log

# What CRIU notes of its work is removed with the images.
keep_stats() {
	mkdir -p /var/bin
	cat >/var/bin/criu <<-'END'
	#!/bin/sh
	/usr/sbin/criu "$@"
	status=$?
	cp "$3/stats-$1" /var 2>/dev/null
	exit $status
	END
	chmod +x /var/bin/criu
}

declare_fill() {
	cat >/etc/lukeep/fill.conf <<-END
	[service]
	start = python3 /usr/bin/process-fill.py $mib /var/filled
	save-timeout = 60min
	[tmpfs]
	path = /var/fill.tmpfs
	size = $((2 * mib + 64))M
	[process]
	END
	case $way in
	plain)	printf 'predump = 0\nlazy = no\n' ;;
	pipes)	printf 'pages = pipes\n' ;;
	esac >>/etc/lukeep/fill.conf
}

# stat N FILE: a field of what CRIU has noted
stat() {
	python3 /usr/bin/process-stats.py "/var/$2" "$1"
}

# figure NAME N
figure() {
	report "# $1 $2"
}

PATH=/var/bin:$PATH
keep_stats
# While a processor waits for the disk its clock goes on to the next timer.
cat /usr/sbin/criu /usr/sbin/nft /usr/bin/python3 /usr/lib/x86_64-linux-gnu/lib*.so.* >/dev/null
mkdir -p /var/fill.tmpfs /run/lukeep
if [ "$stage" = 1 ]; then
	declare_fill
	make_initrd
	start_agent
	until [ -e /var/filled ] && services_are running >/dev/null; do sleep 1; done
	sleep 1
	update B
	cat /run/update "$agent_log"
	fail "lukeep update came back"
fi
start_agent
until services_are running >/dev/null; do sleep 1; done
figure pages $((mib * 256))
figure park "$(stat 1 stats-dump)"
figure dump "$(stat 2 stats-dump)"
# From reboot() on, in milliseconds to the microsecond
figure kexec "$(awk '$3 == "devices" { sub(/\./, "", $1); print $1 + 0 }' /sys/kernel/debug/liveupdate/timeline)"
figure restore $(($(stat 3 stats-restore) + $(stat 4 stats-restore)))
pass
