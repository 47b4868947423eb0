# shellcheck shell=sh
# Sessions, files and memfds over four updates in a row; over two with the debug kernel.
. /tests/selftest.sh

sessions='simple session_file empty several files closed killed'
incoming='retrieved_once close_finishes finish busy_until_finished preserves_nothing_more same_file name_again bad_pointers sizes'
memfds='attributes unnamed empty position seals modified holes'
folios='sparse comb unwritten frames counted swapped'
# With pages of 64 KiB a huge one has 512 MiB, and there is hardly one to be had.
[ "$page_size" != 4096 ] || folios="$folios huge beside"

swap() {
	mkswap /dev/ram0 >/dev/null && swapon /dev/ram0
}

same_scratch() {
	is "$(scratch_areas)" "$(param scratch)" "the same scratch memory"
}

# What the previous kernel noted, and then this one, in the order of time.
timeline() {
	is "$(awk 'NR > 1 { print $3 }' /sys/kernel/debug/liveupdate/timeline | tr '\n' ' ')" "$*" "the timeline of the update"
}

# KiB of RAM that /proc/iomem shows as reserved: what is preserved is not.
iomem_reserved() {
	awk -F '[- :]+' '/^ +[0-9a-f]+-[0-9a-f]+ : reserved/ {
		kib += (("0x" $3) - ("0x" $2) + 1) / 1024 } END { print int(kib) }' /proc/iomem
}

# On x86 the array of scratch areas is where other kernels' decompressors keep off.
setup_data() {
	for _node in /sys/kernel/boot_params/setup_data/*; do
		[ "$(cat "$_node/type" 2>/dev/null)" = 0xa ] || continue
		is "$(wc -c <"$_node/data")" $((32 + 16 * $(wc -l </sys/kernel/debug/kho/out/scratch_len))) "the array is part of setup_data"
	done
}

# The previous kernel's tables for interrupts are nobody's, wherever they were; but EFI has a list of them, by which they are kept.
interrupts() {
	[ "$(uname -m)" = aarch64 ] || return 0
	# Lean kernels have no PCI.
	[ ! -d /sys/bus/pci ] || ok "there are interrupts through the ITS" grep -q ITS-PCI-MSI /proc/interrupts
	_kept=0
	[ ! -d /sys/firmware/efi ] || _kept=1
	is "$(messages 'Using preallocated redistributor tables')" $_kept "the GIC uses tables of this kernel, or those that EFI kept"
}

# Where a kernel has to measure how fast it runs, the next one does not.
apic_timer() {
	[ -e /sys/kernel/debug/kho/in/sub_fdts/x86-apic-timer ] || return 0
	ok "the previous kernel told how fast the APIC timer runs" \
		sh -c 'dmesg | grep -q "KHO: APIC timer runs at .* Hz, as the previous kernel measured"'
}

# shellcheck disable=SC2086 # lists of words
case $stage in
1)	timeline
	ok "swap" swap
	halves luo_update prepare $sessions chain left
	halves luo_incoming prepare $incoming
	halves luo_memfd prepare $memfds reused
	halves luo_folios prepare $folios
	halves luo_update prepare no_guest
	monitor vm1 booted "ready for the next kernel after 2 rounds"
	monitor vm1 booted "goes on in this kernel"
	monitor_advises "another monitor holds a guest of this name"
	next_kernel B "scratch=$(scratch_areas)" "reserved=$(iomem_reserved)" ;;
2)	came_from A 1
	same_scratch
	setup_data
	interrupts
	ok "no more RAM shows as reserved than before: $(iomem_reserved) KiB" test "$(iomem_reserved)" -le "$(param reserved)"
	ok "swap" swap
	halves luo_memfd verify $memfds reused
	halves luo_folios verify $folios
	halves luo_update verify $sessions chain
	halves luo_incoming verify $incoming
	timeline reboot frozen jump takeover memory devices opened retrieved finished ""
	apic_timer
	selftest /selftests/kho/kho
	monitor vm1 resumed "ready for the next kernel after 4 rounds"
	monitor "no guest"
	monitor_advises "another monitor, or another version, wrote it"
	no_leaks
	# Whatever is freed too early is lost then, such as the tree of preserved memory while it is still read.
	next_kernel A init_on_free=1 ;;
3)	came_from B 2
	same_scratch
	halves luo_update verify left chain
	halves luo_memfd verify reused
	monitor vm1 resumed "ready for the next kernel after 6 rounds"
	# The debug kernel is slow, and has shown by now what it can.
	[ "$flavour" = default ] || pass
	next_kernel B ;;
4)	came_from A 3
	same_scratch
	halves luo_update verify chain
	next_kernel A ;;
5)	came_from B 4
	same_scratch
	halves luo_update verify chain
	pass ;;
esac
