# shellcheck shell=sh
# A Debian host with ten services, and besides a virtual machine and memcached that go on when its kernel is updated. systemd starts this,
# and lukeep. scripts/bench/bench-host makes a table of what the kernels log meanwhile.

. /tests/machine.sh

items=20000
socket=/run/lukeep-memcached/socket
release=$(uname -r)
examples=/usr/share/doc/lukeep/examples
services='dbus ssh cron rsyslog chrony nginx redis-server avahi-daemon lldpd snmpd'

# What "early = yes" needs besides: the bridge before the host makes it, and an initramfs with all that the machine needs.
prepare_early() {
	sed -i 's:^early = yes:&\nbridge = br0 eth0:' /etc/lukeep/vm1.conf
	lukeep early-files
	ok "the initramfs has the machine" update-initramfs -u -k "$release"
	ls -l "/boot/initrd.img-$release"
}

# With the keys that are measured, if there are any: "keys=late,early" on the command line. QEMU tells when its machine stops, and runs
# again.
declare_services() {
	cp $examples/qemu.conf /etc/lukeep/qemu.example
	declare_machine vm1 1
	sed -i "s:-kernel /boot/kernel-A:-trace vm_state_notify -kernel /boot/guest:" /etc/lukeep/vm1.conf
	for key in $(param keys | tr , ' '); do
		sed -i "s:^retry = yes:&\\n$key = yes:" /etc/lukeep/vm1.conf
	done
	! grep -q '^early = yes' /etc/lukeep/vm1.conf || prepare_early
	sed "s:-l 127.0.0.1 -m 1024:-m 64 -s $socket:" $examples/memcached.conf >/etc/lukeep/memcached.conf
	cp -r $examples/lukeep@memcached.service.d /etc/systemd/system
}

# All ten have started.
at_work() {
	# shellcheck disable=SC2086 # words
	[ "$(systemctl is-active $services | sort -u)" = active ]
}

begin() {
	declare_services
	systemctl daemon-reload
	ok "lukeep takes the declarations" systemctl reload lukeep
	until_true "all services run" services_are running
	ok "memcached takes $items items" mcload fill $socket $items
	until_true "the guest boots, finds its peer and checks its memory" further vm1 1 1 1
}

# The disk is as fast as the machine that all this is emulated on: what is to be written is before, and in the pause the next kernel does
# not sleep when it waits, so that its clock hardly goes on meanwhile.
leave() {
	sync
	# shellcheck disable=SC2046 # words
	lukeep update --kernel "/boot/vmlinuz-$release" --initrd "/boot/initrd.img-$release" --reuse-cmdline \
		--append "stage=2 idle=poll $(come_to)"
	is $? 0 "the update is handed to systemd"
	sleep infinity
}

tsc
journalctl --follow --output=cat --identifier=lukeep >"$agent_log" &
case $stage in
1)	until_true "ten services are at work" at_work
	begin
	leave ;;
2)	come_back
	ok "memcached has $items items as they were" mcload check $socket $items
	until_true "ten services are at work" at_work
	systemd-analyze blame --no-pager | head -n 20
	pass ;;
esac
