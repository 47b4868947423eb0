# shellcheck shell=sh
# Devices behind an IOMMU go on over updates: one writes to preserved memory while the next kernel boots. The transfer takes
# 100 ms of the clock, which counts instructions. All devices keep their right to master the bus in the first update, so that nothing
# but the IOMMU stops the one that is not preserved. With movable_node the next kernel decompresses itself, while the transfers end.
. /tests/pcitest.sh

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
	if grep -q sm_on /proc/cmdline; then
		CHANGE="vtd pasid $(echo "$EDU" | sed 's/.*:\(.*\):.*/\1/')"
		export CHANGE
		halves luo_pci_iommu prepare changed
		is "$(messages "$EDU: live update: what the IOMMU translates was changed")" 1 "the log says that it was changed"
		reload_sample
	fi
	ok "no device is stopped" /bin/kernel-ret pci_clear_master
	halves luo_pci_iommu prepare transfer
	fail "no kexec" ;;
2)	came_from A 1
	transfer_ended_in_gap
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
	is "$(messages "DMAR: \[DMA Write.*Request device \[${EDU#*:}\]")" 1 "a device that nobody has asked for is cut off"
	is "$(messages "$EDU: live update: nobody has taken over what the IOMMU translates for the device; bus mastering is off")" 1 "the log says so"
	reload_sample
	halves luo_pci_iommu verify afresh
	is "$(messages 'No irq handler')" 0 "no interrupt is lost on its way"
	reload_sample
	halves luo_pci_iommu prepare idle
	next_kernel A ;;
5)	came_from B 4
	ok "a device that came in is not removed" refused "$devices/$EDU/remove" 1
	ok "no device stops" /bin/kernel-ret pci_wait_for_pending_transaction 0
	ok "devices are removed as if unplugged" /bin/kernel-ret pci_liveupdate_is_incoming 0
	ok "a device that came in is unplugged" sh -c "echo 1 >$devices/$EDU/remove"
	ok "it is gone" test ! -e "$devices/$EDU"
	is "$(messages "$EDU: live update: nobody.*; bus mastering is off, but the device has transactions pending: reboot the machine")" 1 \
		"the log says that it has not stopped"
	halves luo_pci_iommu verify lost
	pass ;;
esac
