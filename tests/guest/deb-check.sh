# shellcheck shell=sh
# A Debian host with our packages: memcached and a virtual machine go on when it is updated to the kernel of the next version
# of the packages. systemd starts this, and lukeep; scripts/packages/deb-check makes the host.

. /tests/machine.sh

items=20000
socket=/run/lukeep-memcached/socket
release=$(uname -r)
examples=/usr/share/doc/lukeep/examples

# The number of the kernel's build, which is the version of its package.
build_is() {
	uname -v | grep "^#$1 "
}

agent() {
	systemctl show --property=MainPID --value lukeep
}

# The pids of keepers and services.
pids() {
	lukeep status --json | jq -c '[.services[] | .keeper, .pid]'
}

declare_services() {
	cp $examples/qemu.conf /etc/lukeep/qemu.example
	declare_machine vm1 1
	sed "s:-l 127.0.0.1 -m 1024:-m 64 -s $socket:" $examples/memcached.conf >/etc/lukeep/memcached.conf
	cp -r $examples/lukeep@memcached.service.d /etc/systemd/system
}

upgrade() {
	_agent=$(agent)
	_pids=$(pids)
	# No host needs the headers for that, and an emulated one is long about them.
	ok "the next version of the packages can be installed" \
		dpkg --install /root/next/linux-image-*.deb /root/next/liveupdate-tools_*.deb
	ok "the agent was restarted" test "$(agent)" != "$_agent"
	is "$(pids)" "$_pids" "no service was"
	ok "memcached has its items" mcload check $socket $items
	goes_on vm1
}

leave() {
	# shellcheck disable=SC2046 # words
	lukeep update --kernel "/boot/vmlinuz-$release" --initrd "/boot/initrd.img-$release" --reuse-cmdline \
		--append "stage=2 release=$release $(come_to)"
	is $? 0 "the update is handed to systemd"
	sleep infinity
}

journalctl --follow --output=cat --identifier=lukeep >"$agent_log" &
case $stage in
1)	ok "this is the first version" build_is 1
	ok "lukeep runs" systemctl is-active lukeep
	declare_services
	ok "it takes the declarations" systemctl reload lukeep
	until_true "all services run" services_are running
	is "$(stat -c %U "/proc/$(pidof memcached)")" memcache "memcached has its own user"
	ok "memcached takes $items items" mcload fill $socket $items
	until_true "the guest boots, finds its peer and checks its memory" further vm1 1 1 1
	upgrade
	leave ;;
2)	ok "this is the next version" build_is 2
	is "$release" "$(param release)" "of the same release"
	come_back
	ok "memcached has $items items as they were" mcload check $socket $items
	is "$(systemctl --failed --quiet --plain --no-legend | cut -d' ' -f1)" "" "no unit has failed"
	pass ;;
esac
