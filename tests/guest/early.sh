# shellcheck shell=sh
# Services resume in the initramfs, are adopted by the host whose root follows, and so again; see early-init.sh and early-seen.sh.

. /tests/keep.sh

items=2000
socket=/run/lukeep-memcached/socket

# A service whose program only the host has
declare_lacking() {
	sed 's:sh /tests/service.sh simple:/opt/service lacks:' /etc/lukeep/simple.conf >/etc/lukeep/lacks.conf
}

# One whose program cannot be loaded there, as the dynamic linker would have it
declare_linker() {
	sed "s:sh /tests/service.sh simple:sh -c \"[ -e /opt/service ] || exit 127; exec sh /tests/service.sh linker \\\\\$0\":" \
		/etc/lukeep/simple.conf >/etc/lukeep/linker.conf
}

declarations() {
	sed -i "s:^start = .*:start = memcached -u memcache -t 1 -m 64 -M -s $socket -e /run/lukeep-memcached/memory:; \
		s:^save-signal.*:&\nearly = yes:" /etc/lukeep/memcached.conf
	declare_service simple 'save-signal = USR1
early = yes
bridge = br0 eth0'
	declare_service dies 'save-signal = USR1
early = yes'
	declare_service other 'save-signal = USR1'
	declare_lacking
	declare_linker
}

# go_on A|B: to the next stage; the declarations that are for it are in its initramfs
go_on() {
	make_initrd
	(cd / && find etc/lukeep | cpio -o -H newc 2>/dev/null) >>/tmp/initrd
	update "$@"
	is $? 0 "the update is made"
	cat /run/update
	sleep infinity
}

look() {
	status | jq -r '.services[] | "\(.name)_keeper=\(.keeper) \(.name)_pid=\(.pid)"' >/run/status
	. /run/status
}

# namespace PID
namespace() {
	readlink "/proc/$1/ns/mnt"
}

# adopted NAME KEEPER PID SEEN: the process that resumed in the initramfs is the service of this host
adopted() {
	is "$3" "$4" "$1 has gone on since the initramfs"
	is "$(namespace "$2")" "$(namespace 1)" "its keeper is in the host's mount namespace"
	ok "it sees the host's root" test -e "/proc/$3/root/opt/service"
	is "$(cat "/proc/$2/oom_score_adj"), $(cat "/proc/$3/oom_score_adj")" "-900, 0" "the keeper is spared when memory is short"
	ok "it is not adopted once more" test ! -e "/run/lukeep/$1.early"
	_unit=/system.slice/lukeep@$1.service
	is "$(sed -n 's/^0:://p' "/proc/$2/cgroup"), $(sed -n 's/^0:://p' "/proc/$3/cgroup")" "$_unit, $_unit" "both are in the unit's cgroup"
	is "$(systemctl show --value --property=MainPID "lukeep@$1")" "$2" "the keeper is the unit's main process"
	is "$(systemctl show --value --property=ActiveState "lukeep@$1")" active "the unit is active"
	is "$(systemctl show --value --property=NFileDescriptorStore "lukeep@$1")" 0 "nothing is stored for it"
	ok "nothing is left of its own cgroup" test ! -e "/sys/fs/cgroup/lukeep-$1"
}

units_are_active() {
	[ "$(systemctl list-units --plain --no-legend --state=active 'lukeep@*' | wc -l)" = 6 ]
}

resumed() {
	. /run/seen
	until_true "all services are at work" services_are running
	until_true "the units are there" units_are_active
	look
	# shellcheck disable=SC2154 # of /run/seen
	{
		adopted simple "$simple_keeper" "$simple_pid" "$seen_simple"
		adopted memcached "$memcached_keeper" "$memcached_pid" "$seen_memcached"
	}
	ok "memcached has its items" mcload check $socket $items
	# shellcheck disable=SC2154 # of /run/status
	is "$(sed -n 's/^Uid:[[:space:]]*\([0-9]*\).*/\1/p' "/proc/$memcached_pid/status")" 100 "it has given up root's rights"
	for _service in simple other lacks linker; do
		until_true "$_service has what it had" has $_service "$1"
	done
	ok "a program that is not there was told" dmesg_has "lacks.conf: resume: cannot run /opt/service"
	ok "as was who resumes it" dmesg_has "lacks: it is not resumed in the initramfs, but by the host"
	is "$(systemctl --failed --quiet --plain --no-legend | cut -d' ' -f1)" "" "no unit has failed"
}

# What is said in the initramfs goes to the kernel's log.
dmesg_has() {
	dmesg | grep -q "$1"
}

# A keeper that was killed in the initramfs took with it what it held.
died() {
	until_true "the service of a keeper that was killed is started afresh" has dies A
	# shellcheck disable=SC2009 # Debian's busybox has no pgrep
	is "$(ps | grep -c '[s]ervice.sh dies')" 1 "there is only one"
}

verbs() {
	ok "declarations are read by those that were adopted" lukeep reload
	is "$(status | jq '.services[] | select(.name == "simple") | .pid')" "$simple_pid" "which leaves them alone"
	ok "a unit can be restarted" systemctl restart lukeep@dies
	ok "its service runs" service_is dies '.state == "running"'
	ok "a unit can be stopped" systemctl stop lukeep@dies
	ok "it is inactive then" test "$(systemctl is-active lukeep@dies)" = inactive
	rm /etc/lukeep/dies.conf
}

journalctl --follow --output=short-monotonic --lines=all >"$agent_log" &
case $stage in
1)	declarations
	lukeep reload
	until_true "all services run" services_are running
	for service in simple dies other lacks linker; do
		until_true "$service serves" serves $service
	done
	ok "none was started in the initramfs" test ! -e /run/seen
	ok "memcached takes items" mcload fill $socket $items
	go_on B ;;
2)	resumed AB
	until_true "so has the one that is about to die" has dies AB
	# Nobody acts on it here.
	go_on A ip=none ;;
3)	resumed ABA
	died
	ok "a card that the root file system may need was left alone" dmesg_has "eth0 is left to the host, which adds it to the bridge br0"
	verbs
	pass ;;
esac
