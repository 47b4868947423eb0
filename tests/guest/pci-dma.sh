# shellcheck shell=sh
# A device writes to preserved memory while the next kernel boots. The transfer takes 100 ms of the clock, which counts instructions.
# With movable_node the next kernel decompresses itself in that time.
. /tests/pcitest.sh

# moment NAME: when it was, in ms after reboot()
moment() {
	awk -v name="$1" '$3 == name { print int($1) }' /sys/kernel/debug/liveupdate/timeline
}

find_devices
load_sample
case $stage in
1)	load_kernel B movable_node
	halves luo_pci prepare transfer
	fail "no kexec" ;;
2)	came_from A 1
	note "jump at $(moment jump) ms, takeover at $(moment takeover) ms"
	ok "the transfer ended after the jump" test "$(moment jump)" -lt 100
	ok "and before the next kernel was there" test "$(moment takeover)" -ge 100
	halves luo_pci verify transfer
	pass ;;
esac
