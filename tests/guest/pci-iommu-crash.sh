# shellcheck shell=sh
# A crash between the jump and the takeover of a device that goes on: the crash kernel finds translation on, and goes on with the
# tables that the IOMMU has, as ever.
. /tests/pcitest.sh

find_devices
case $stage in
1)	load_sample
	halves luo_pci_iommu prepare idle
	next_kernel B ;;
2)	came_from A 1
	is "$(messages 'DMAR: live update: dmar0 goes on translating for 1 devices')" 1 "the IOMMU goes on"
	make_initrd
	ok "the crash kernel is loaded" kexec -s -p /boot/kernel-A --initrd=/tmp/initrd \
		--command-line="$(sed 's/ stage=[0-9]*/ stage=3/; s/ crashkernel=[^ ]*//' /proc/cmdline) nr_cpus=1"
	echo 1 >/proc/sys/vm/panic_on_oom
	tail /dev/zero
	fail "no panic" ;;
3)	ok "the crash kernel has the memory of the other" test -s /proc/vmcore
	is "$(messages 'DMAR: Copied translation tables from previous kernel for dmar0')" 1 "it has copied the tables"
	is "$(messages 'live update: .*(translat|stopped|bus mastering)')" 0 "it knows of no device that came in"
	is "$(masters "$EDU")" 1 "the device is not stopped"
	pass ;;
esac
