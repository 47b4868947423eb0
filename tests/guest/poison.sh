# shellcheck shell=sh
# Memory that fails, in three kernels.
. /tests/selftest.sh

corrupted() {
	awk '/^HardwareCorrupted/ { print $2 }' /proc/meminfo
}

# known: what the last kernel knew, on the command line, this one knows too
known() {
	POISONED=$(param poisoned)
	CORRUPTED=$(param corrupted)
	export POISONED CORRUPTED
	halves luo_poison global known
	is "$(messages 'KHO: .* pages are poisoned, by what the previous kernel told')" 1 "it says that there is such memory"
}

# 1 where kernels hand the frequency of the APIC timer on: there is a timer to confirm it
hands_timer() {
	if kernel_has X86_PM_TIMER; then echo 1; else echo 0; fi
}

case $stage in
1)	is "$(corrupted)" 0 "all memory is good"
	halves luo_poison prepare before after huge unwanted given_up scratch late hugetlb_before hugetlb_after
	halves luo_pipe prepare poisoned
	[ "$(hands_timer)" = 0 ] || halves luo_poison global timer
	make_initrd
	ok "an image is loaded without nokaslr" kexec -s -l /boot/kernel-B --initrd=/tmp/initrd \
		--command-line="$(sed 's/ nokaslr//g' /proc/cmdline)"
	is "$(messages 'KHO: the page at .* in scratch memory is poisoned, and KASLR may put')" 0 "it has its place already, where memory is good"
	ok "an image is loaded" load_kernel B
	halves luo_poison global image
	poisoned=$(cat /tmp/poisoned)
	ok "it is not started when its memory has failed" sh -c '! kexec -e -x -y'
	is "$(messages 'KHO: the page at .* is poisoned, where the kexec image goes; load it again')" 1 "the log says why"
	# One page stands for another that could not be preserved.
	next_kernel B "poisoned=$poisoned" "corrupted=$(($(corrupted) + 4))" ;;
2)	came_from A 1
	is "$(messages 'frequency of the APIC timer is of another version or damaged, ignored')" "$(hands_timer)" "it does not read what is on a page that failed"
	known
	halves luo_poison verify late before after huge unwanted scratch hugetlb_before hugetlb_after
	halves luo_pipe verify poisoned
	next_kernel A "corrupted=$(corrupted)" ;;
3)	came_from B 2
	known
	halves luo_poison verify replaced hugetlb_replaced
	pass ;;
esac
