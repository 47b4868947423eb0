# shellcheck shell=sh
# A next kernel that does not fit is refused before any service stops, with the size of scratch memory that would do;
# tests/lukeep.t boots with that size the second time, and it does.

. /tests/keep.sh

rm /etc/lukeep/memcached.conf
declare_service simple 'save-signal = USR1'

# dry_run OPTION...: what is said about it is in /run/update, and $status is its result
dry_run() {
	lukeep update --kernel /boot/kernel-B --reuse-cmdline --append "stage=2" --dry-run "$@" >/run/update 2>&1
	status=$?
	cat /run/update
}

nothing_loaded() {
	is "$(cat /sys/kernel/kexec_loaded)" 0 "no kernel is loaded"
}

twice() {
	make_initrd
	cat /tmp/initrd /tmp/initrd >/tmp/twice
	rm /tmp/initrd
}

case $stage in
1)	start_agent
	until_true "the service comes up" services_are running
	until_true "it serves" serves simple
	before=$(status | jq -c '[.services[].pid]')
	make_initrd
	dry_run --initrd /tmp/initrd
	is $status 0 "this initramfs fits"
	nothing_loaded
	twice
	dry_run --initrd /tmp/twice
	if [ -z "$(param fits)" ]; then
		is $status 1 "one of twice the size does not"
		ok "it says at what step" grep -q 'failed at the step "load the next kernel"' /run/update
		ok "it repeats the kernel's reason" grep -q 'kernel: KHO: a part of .* does not fit in scratch memory' /run/update
		would_do=$(sed -n 's/.*kernel: KHO:.* kho_scratch=//p' /run/update)
		note "would do: $would_do"
		ok "it leaves the areas that are large enough" sh -c "echo $would_do | grep -qx '16M,[0-9]*M,32M'"
		nothing_loaded
	else
		is $status 0 "with the size that was told, one of twice the size fits"
		nothing_loaded
	fi
	is "$(status | jq -c '[.services[].pid]')" "$before" "the service was not restarted"
	[ -n "$(param fits)" ] || pass
	kexec -s -l /boot/kernel-B --reuse-cmdline
	dry_run --initrd /tmp/twice
	is $status 0 "a dry run takes the place of a kernel that was loaded before"
	ok "it says so" grep -q 'a kernel was loaded before' /run/update
	ok "it says it again at the end" grep -q 'the kernel that was loaded before is not loaded any more' /run/update
	nothing_loaded
	mv /tmp/twice /tmp/initrd
	update B
	cat /run/update
	fail "lukeep update came back" ;;
2)	start_agent
	until_true "the service comes back" services_are running
	ok "it has resumed" service_is simple .resumed
	pass ;;
esac
