# shellcheck shell=sh
# What does not lead to a handover: the next kernel boots as from cold, and either says why when there is a reason.
. /tests/selftest.sh

case=$(param case)

# load_legacy [PARAMETER]: loads the next kernel with the legacy system call. On an emulated arm64, with the caches off, its
# checksums take minutes.
load_legacy() {
	_parameter=$1
	set --
	[ "$(uname -m)" = aarch64 ] && set -- --no-checks
	kexec -c "$@" -l /boot/kernel-B --initrd=/boot/initrd \
		--command-line="$(sed "s/ stage=[0-9]*/ stage=$((stage + 1))/" /proc/cmdline) $_parameter"
}

keep_initrd() {
	{ cat /boot/base.cpio; (cd / && find boot | cpio -o -H newc 2>/dev/null); } >/tmp/initrd &&
		mv /tmp/initrd /boot/initrd
}

load_crash_kernel() {
	ok "the crash kernel is loaded" kexec -s -p /boot/kernel-B --initrd=/boot/initrd \
		--command-line="$(sed "s/ stage=[0-9]*/ stage=2/" /proc/cmdline) nr_cpus=1"
}

# It takes the last page for a panic.
panic() {
	echo 1 >/proc/sys/vm/panic_on_oom
	tail /dev/zero
	fail "no panic"
}

cold() {
	is "$(messages 'KHO: exec from')" 0 "nothing was handed over"
	is "$(find /sys/kernel/debug/kho/in -type f 2>/dev/null | wc -l)" 0 "debugfs shows nothing that came in"
}

no_device() {
	ok "no /dev/liveupdate" test ! -e /dev/liveupdate
}

case $case:$stage in
# An image that kexec_load() was given.
legacy:1)
	keep_initrd
	ok "kexec_load() works" load_legacy started=early
	is "$(messages 'KHO: .*kexec_load.*hands nothing over')" 1 "a message says that it hands nothing over"
	halves luo_handler prepare cold
	is "$(messages 'luo: kexec refused: .* would lose [12] files in sessions.*kexec -s')" 2 "a message says what to do"
	halves luo_update prepare simple
	ok "kexec -e is refused" test "$(kexec -e -x -y >/dev/null 2>&1; echo $?)" != 0
	# They hold the sessions.
	killall luo_update
	while pidof luo_update >/dev/null; do sleep 0.1; done
	ok "kexec_load() works" load_legacy
	do_kexec ;;
legacy:2)
	is "$(param started)" "" "it is started when no session holds a file any more, and not before"
	cold
	halves luo_update verify nothing
	pass ;;

# The same from a kernel that itself had something handed over: the next one does not take that for its own.
stale:1)
	next_kernel B ;;
stale:2)
	came_from A 1
	keep_initrd
	ok "kexec_load() works" load_legacy
	do_kexec ;;
stale:3)
	cold
	is "$(messages 'handover not usable')" 0 "nor is it told of anything"
	pass ;;

# A next kernel that does not want to take over.
off:1)	halves luo_update prepare simple
	next_kernel B kho=off ;;
off:2)	is "$(uname -r | tail -c 3)" -B "the next kernel boots with kho=off"
	cold
	no_device
	is "$(messages 'luo: .*without kexec handover')" 1 "a warning says that liveupdate=on has no effect"
	next_kernel A kho=on ;;
off:3)	cold
	halves luo_update verify nothing
	pass ;;

# Kernels with pages of another size, either way.
pages:1)
	halves luo_update prepare simple
	next_kernel other ;;
pages:2)
	cold
	is "$(messages 'KHO: handover not usable.*page')" 1 "a message says that pages are of another size"
	next_kernel B ;;
pages:3)
	cold
	is "$(messages 'KHO: handover not usable.*page')" 1 "a message says that pages are of another size"
	halves luo_update verify nothing
	pass ;;

# KHO or LUO not asked for.
nokho:1)
	no_device
	is "$(messages 'luo: .*without kexec handover')" 1 "a warning says that liveupdate=on has no effect"
	ok "no kho in debugfs" test ! -e /sys/kernel/debug/kho/out
	next_kernel B ;;
nokho:2)
	cold
	pass ;;
noluo:1)
	no_device
	is "$(messages 'luo: ')" 0 "nothing to say about that"
	next_kernel B liveupdate=on ;;
noluo:2)
	came_from A 1
	ok "liveupdate=on in the next kernel" test -e /dev/liveupdate
	halves luo_update verify nothing
	pass ;;

# Scratch memory that cannot hold the next kernel.
small:1)
	halves luo_update prepare simple
	ok "the image is refused" test "$(load_kernel B 2>&1; echo $?)" != 0
	is "$(messages 'KHO: .*does not fit in scratch')" 1 "a message says that it does not fit"
	ok "and with which scratch memory it would" test -n "$(sizes_that_would_do)"
	note "sizes that would do: $(sizes_that_would_do)"
	halves luo_update prepare files
	pass ;;

# With what that message said, update after update.
enough:1)
	halves luo_update prepare simple
	next_kernel B ;;
enough:2)
	came_from A 1
	halves luo_update verify simple
	next_kernel A ;;
enough:3)
	came_from B 2
	pass ;;

# RAM of which the next kernel would not know.
memmap:1)
	halves luo_update prepare simple
	ok "the image is refused" test "$(load_kernel B 2>&1; echo $?)" != 0
	is "$(messages 'KHO: RAM at 0x9fc00 is not in the firmware')" 1 "a message says which RAM that is"
	pass ;;

# kho_scratch= that means nothing.
malformed:1)
	is "$(messages 'KHO: malformed kho_scratch')" 1 "a message says how to write it"
	selftest /selftests/kho/kho
	halves luo_update prepare simple
	next_kernel B ;;
malformed:2)
	came_from A 1
	halves luo_update verify simple
	pass ;;

# A crash kernel: it has memory of its own, and leaves alone what was to be handed over.
crash:1)
	halves luo_update prepare simple
	keep_initrd
	load_crash_kernel
	load_kernel B
	panic ;;
# The same while a handler keeps the freeze waiting. A kexec is under way then, and a panic comes in between.
crash-frozen:1)
	keep_initrd
	load_crash_kernel
	load_kernel B
	halves luo_handler prepare hung
	panic ;;
crash:2 | crash-frozen:2)
	ok "the crash kernel has the memory of the first" test -s /proc/vmcore
	cold
	pass ;;
esac
