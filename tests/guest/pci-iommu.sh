# shellcheck shell=sh
# Devices behind an IOMMU go on over three updates: one writes to preserved memory while the next kernel boots. The transfer takes
# 100 ms of the clock, which counts instructions. All devices keep their right to master the bus in the first update, so that nothing
# but the IOMMU stops the one that is not preserved. With movable_node the next kernel decompresses itself, while the transfers end.
. /tests/pcitest.sh

# moment NAME: when it was, in ms after reboot()
moment() {
	awk -v name="$1" '$3 == name { print int($1) }' /sys/kernel/debug/liveupdate/timeline
}

reload_sample() {
	ok "the sample is unloaded" rmmod luo_pci_sample
	load_sample
}

find_devices
load_sample
case $stage in
1)	halves luo_pci_iommu prepare refused
	reload_sample
	halves luo_pci_iommu prepare elsewhere
	reload_sample
	load_kernel B movable_node
	ok "no device is stopped" /bin/kernel-ret pci_clear_master
	halves luo_pci_iommu prepare transfer
	fail "no kexec" ;;
2)	came_from A 1
	note "jump at $(moment jump) ms, takeover at $(moment takeover) ms"
	ok "the transfers ended after the jump" test "$(moment jump)" -lt 100
	ok "and before the next kernel was there" test "$(moment takeover)" -ge 100
	is "$(messages "DMAR: live update: dmar0 goes on translating for 1 devices")" 1 "the IOMMU goes on"
	is "$(messages "DMAR: \[DMA Write.*Request device \[${OTHER#*:}\].*Present bit in")" 1 "the other device was cut off"
	is "$(masters "$EDU" "$OTHER")" 11 "both devices had the right to master the bus"
	halves luo_pci_iommu verify transfer
	reload_sample
	halves luo_pci_iommu prepare idle
	next_kernel A ;;
3)	came_from B 2
	load_kernel B
	halves luo_pci_iommu verify again
	fail "no kexec" ;;
4)	came_from A 3
	halves luo_pci_iommu verify forgotten
	is "$(masters "$EDU")" 0 "a device that nobody has asked for is stopped"
	is "$(messages "$EDU: live update: nobody has taken over what the IOMMU translates for the device; bus mastering is off")" 1 "the log says so"
	reload_sample
	halves luo_pci_iommu verify afresh
	is "$(messages 'No irq handler')" 0 "no interrupt is lost on its way"
	pass ;;
esac
