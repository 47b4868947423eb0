#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# A module of dracut: lukeep, and what the services need that resume in the initramfs.
# See lukeep.conf(5), early.

systemd_version() {
	systemctl --version | sed -n '1s/^systemd \([0-9]*\).*/\1/p'
}

check() {
	local version

	require_binaries /usr/sbin/lukeep || return 1
	[ -n "$(/usr/sbin/lukeep early-files)" ] || return 1
	dracut_module_included systemd || return 0
	# An older one ends the services when it leaves the initramfs.
	version=$(systemd_version)
	[ "${version:-0}" -lt 255 ] || return 0
	version=${version:-of an unknown version}
	dwarning "lukeep: systemd $version would end services in the initramfs:" \
		"the host resumes them. Version 255 spares them."
	return 1
}

depends() {
	return 0
}

installkernel() {
	hostonly='' instmods kvm_intel kvm_amd tun bridge virtio_net vhost_net
}

# add_entries FILE: of the host's users or groups, those that no other module has made up
add_entries() {
	# shellcheck disable=SC2154 # of dracut
	local own=$initdir$1

	touch "$own"
	awk -F: 'FILENAME == ARGV[1] { there[$1]; next } !($1 in there)' "$own" "$1" >"$own.new"
	cat "$own.new" >>"$own"
	rm "$own.new"
}

install() {
	local file

	inst_multiple /usr/sbin/lukeep grep
	/usr/sbin/lukeep early-files | while read -r file; do
		inst "$file"
	done
	# Programs that give up root's rights look for their user.
	add_entries /etc/passwd
	add_entries /etc/group
	inst_multiple -o /etc/nsswitch.conf
	# shellcheck disable=SC2154 # of dracut
	inst_hook pre-udev 10 "$moddir/pre-udev.sh"
	inst_hook pre-mount 10 "$moddir/pre-mount.sh"
}
