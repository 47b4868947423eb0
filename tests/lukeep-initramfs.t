#!/bin/bash
# lukeep on this host, with a shim: what goes into the initramfs for services that resume there, and the scripts that are run there.
# flavours: none
. "$(dirname "$0")/lukeep-machine.bash"

lists_files() {
	by_signal quick 'early = yes' "early-files = $conf/*.conf"
	by_signal other
	(become "$out/agent/lukeep" early-files --config-dir "$conf") >"$said" 2>&1
	is "$(sort -u "$said" | tr '\n' ' ')" "$machine/bin/lukeep-service $conf/other.conf $conf/quick.conf " "what the initramfs needs is listed"
}

# An initramfs that is older than what it is to have
old_initramfs() {
	local boot

	by_signal quick 'early = yes' 'retry = yes'
	# shellcheck disable=SC2016 # for the shell within
	for boot in 'touch -d @1' touch; do
		(become unshare --mount sh -c "mount -t tmpfs boot /boot && $boot /boot/initrd.img-next &&
			exec $out/agent/lukeep check --config-dir $conf") >"$said" 2>&1
		is $? 0 "the declaration has no mistake"
		[ "$boot" = touch ] || ok "an initramfs is older" says 'quick.conf: .*/quick.conf is newer than the initramfs'
	done
	ok "a new one is not" says 'no mistake found'
}

# The scripts of initramfs-tools have klibc's programs there, and kmod, and no others: Debian needs no busybox.
few_programs() {
	local script dir=$machine/klibc

	mkdir "$dir"
	ln -s "$(type -P cat)" "$dir"
	printf '#!/bin/sh\necho "lukeep $*"\n' >"$dir/lukeep"
	printf '#!/bin/sh\necho "$*" >>%s/modules\n' "$dir" >"$dir/modprobe"
	chmod +x "$dir/lukeep" "$dir/modprobe"
	for script in init-top init-premount dracut/pre-udev.sh; do
		sed "s:/usr/sbin/lukeep:$dir/lukeep:; s:/proc/cmdline:$dir/cmdline:" "$root/tools/liveupdate/initramfs/$script" >"$dir/${script#*/}"
		# dracut has all others as well.
		[ "${script#*/}" = "$script" ] || ln -s "$(type -P grep)" "$dir"
		script=${script#*/}
		rm -f "$dir/modules"
		echo quiet lukeep.left=6.12 >"$dir/cmdline"
		is "$(PATH=$dir "$BASH" --posix "$dir/$script" 2>&1)" "lukeep early" "$script resumes after an update, with what is there"
		[ "$script" = init-premount ] || ok "it loads what they need" grep -qxFe '-q vhost_net' "$dir/modules"
		echo quiet >"$dir/cmdline"
		is "$(PATH=$dir "$BASH" --posix "$dir/$script" 2>&1)" "" "$script does nothing in an ordinary boot"
	done
}

# in_dracut VERSION MODULE...: what its module says of a host with this version of systemd, and an initramfs with these modules
in_dracut() {
	local dir=$machine/dracut

	mkdir -p "$dir"
	printf '#!/bin/sh\necho /etc/lukeep/quick.conf\n' >"$dir/lukeep"
	printf '#!/bin/sh\necho "systemd %s (%s.1-1)"\n' "$1" "$1" >"$dir/systemctl"
	chmod +x "$dir/lukeep" "$dir/systemctl"
	sed "s:/usr/sbin/lukeep:$dir/lukeep:" "$root/tools/liveupdate/initramfs/dracut/module-setup.sh" >"$dir/module-setup.sh"
	# shellcheck disable=SC2016 # for the shell within
	PATH=$dir:$PATH bash -c 'require_binaries() { :; }; dwarning() { echo "$*"; }
		dracut_module_included() { [[ " $modules " == *" $1 "* ]]; }; modules=${*:2}; . "$1/module-setup.sh"; check' \
		sh "$dir" "${@:2}" >"$said" 2>&1
}

# An older systemd ends what is left in the initramfs.
dracut_with_old_systemd() {
	in_dracut 255 base systemd
	is "$?" 0 "services can resume with a systemd that spares them"
	in_dracut 254 base systemd
	is "$?" 1 "with an older one they are left to the host"
	ok "which is said" says 'systemd 254 would end services in the initramfs'
	in_dracut 252 base
	is "$?" 0 "an initramfs may have none"
}

# hook WHAT: of initramfs-tools, on a host whose lukeep says WHAT; what is copied goes to $said
hook() {
	# shellcheck disable=SC2016 # for the shell within
	(become unshare --mount sh -c 'mount -t tmpfs share /usr/share && mount -t tmpfs sbin /usr/sbin && mkdir /usr/share/initramfs-tools &&
		cp "$1" /usr/share/initramfs-tools/hook-functions && printf "#!/bin/sh\n%s\n" "$2" >/usr/sbin/lukeep &&
		chmod +x /usr/sbin/lukeep && mkdir -p "$4/etc" && DESTDIR=$4 exec sh "$3"' \
		sh "$machine/hook-functions" "$1" "$root/tools/liveupdate/initramfs/hook" "$machine/hook") >"$said" 2>&1
}

# When a hook fails, the host gets no initramfs.
hook_goes_on() {
	# shellcheck disable=SC2016 # for the hook
	printf '%s\n' 'copy_file() { [ -f "$2" ] || return 2; echo "copied $2"; }' 'copy_exec() { copy_file "" "$1"; }' \
		'manual_add_modules() { echo "module $1"; }' >"$machine/hook-functions"
	mkdir -p "$machine/hook/etc"
	echo root:x:0:0::/root:/bin/other >"$machine/hook/etc/passwd"
	hook 'exit 1'
	is $? 0 "lukeep may fail"
	never "nothing is copied" says copied
	hook "echo /etc; echo $machine/nothing; echo $machine/image"
	is $? 0 "a file may be a folder, or not be there"
	ok "it is said" says "cannot copy /etc"
	ok "the others are copied" says "copied $machine/image"
	ok "modules are, too" says 'module tun'
	is "$(cut -d: -f1 "$machine/hook/etc/passwd" | sort)" "$(cut -d: -f1 /etc/passwd | sort)" "all users are there, once each"
	ok "those that were there are as they were" grep -q '^root:.*:/bin/other$' "$machine/hook/etc/passwd"
}

scenario lists_files old_initramfs few_programs dracut_with_old_systemd hook_goes_on
done_testing
