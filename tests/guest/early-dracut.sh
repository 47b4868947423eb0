# shellcheck shell=sh
# A Debian host whose initramfs dracut made: memcached, by the example and in its sandbox, resumes there before the root file system is
# mounted, and becomes that of its unit.
. /tests/keep.sh

items=200

# memcached COMMAND: what it answers to a command of items
memcached() {
	bash -c 'exec 3<>/dev/tcp/127.0.0.1/11211 && printf "$1" >&3 && printf "quit\r\n" >&3 && cat <&3' sh "$1"
}

fill() {
	_item=0
	while [ $((_item += 1)) -le $items ]; do
		_all="${_all:-}set item$_item 0 0 4\\r\\n$((_item + 1000))\\r\\n"
	done
	is "$(memcached "$_all" | grep -c STORED)" $items "memcached takes $items items"
}

check() {
	_item=0 _all=
	while [ $((_item += 1)) -le $items ]; do
		_all="${_all:-}get item$_item\\r\\n"
	done
	is "$(memcached "$_all" | tr -d '\r' | grep -c '^1[0-9]\{3\}$')" $items "memcached has $items items"
}

look() {
	lukeep status --json | jq -r '.services[] | "\(.name)_keeper=\(.keeper) \(.name)_pid=\(.pid)"' >/run/status
	. /run/status
}

# at TEXT: when the kernel's log had this, in ms
at() {
	dmesg | sed -n "s/^\[ *\([0-9]*\)\.\([0-9]\{3\}\)[0-9]*\] .*$1.*/\1\2/p" | head -n 1
}

# manager PROPERTY: of systemd, in ms
manager() {
	echo $(($(systemctl show --value --property="$1" | tr -d '[:alpha:]') / 1000))
}

unit_is() {
	[ "$(systemctl show --value --property="$1" lukeep@memcached)" = "$2" ]
}

resumed_early() {
	note "$(dmesg | grep -e lukeep -e memcached -e 'EXT4-fs.*mounted' -e ' systemd .* running in system mode' | head -n 30)"
	ok "it resumed before the root file system was mounted" test "$(at 'update: start the service')" -lt "$(at 'EXT4-fs.*mounted filesystem')"
	until_true "its unit is active" unit_is ActiveState active
	look
	# shellcheck disable=SC2154 # of /run/status
	{
		ok "its keeper is the unit's main process" unit_is MainPID "$memcached_keeper"
		_unit=/system.slice/lukeep@memcached.service
		is "$(sed -n 's/^0:://p' "/proc/$memcached_keeper/cgroup"), $(sed -n 's/^0:://p' "/proc/$memcached_pid/cgroup")" "$_unit, $_unit" \
			"both are in the unit's cgroup"
		ok "it sees the host's root" test -e "/proc/$memcached_pid/root/usr/bin/systemctl"
		is "$(stat -c %U "/proc/$memcached_pid")" memcache "memcached has its own user"
		is "$(readlink "/proc/$memcached_keeper/ns/mnt")" "$(readlink /proc/1/ns/mnt)" "its keeper is in the host's mount namespace"
	}
	ok "nothing is to be adopted any more" test ! -e /run/lukeep/memcached.early
	ok "nothing is left of its own cgroup" test ! -e /sys/fs/cgroup/lukeep-memcached
	is "$(systemctl --failed --quiet --plain --no-legend | cut -d' ' -f1)" "" "no unit has failed"
}

journalctl --follow --output=cat --identifier=lukeep >"$agent_log" &
case $stage in
1)	note "$(dracut --version) $(systemctl --version | head -n 1)"
	until_true "memcached runs" services_are running
	lsinitrd /boot/initrd >/run/initrd
	for file in usr/sbin/lukeep usr/bin/memcached etc/lukeep/memcached.conf hooks/pre-udev/10-pre-udev.sh hooks/pre-mount/10-pre-mount.sh; do
		ok "the initramfs has $file" grep -q " \(var/lib/dracut/\|usr/lib/dracut/\)\?$file\$" /run/initrd
	done
	ok "nothing was resumed in the initramfs" test -z "$(at 'update: start the service')"
	fill
	lukeep update --kernel /boot/kernel-B --initrd /boot/initrd --reuse-cmdline --append stage=2
	is $? 0 "the update is handed to systemd"
	sleep infinity ;;
2)	is "$(uname -r | tail -c 3)" -B "the other kernel runs"
	until_true "memcached is back" services_are running
	ok "it has resumed" status_is '.services | all(.resumed)'
	check
	resumed_early
	pass ;;
esac
