# shellcheck shell=sh
# What an IOMMU cannot go on with is stopped: damaged tables, and a next kernel that does not use the IOMMU.
. /tests/pcitest.sh

# damage LINE: as for debugfs
damage() {
	echo "$1" >/sys/kernel/debug/kho/out/corrupt
}

prepare() {
	load_sample
	halves luo_pci_iommu prepare idle
}

# lost MESSAGE: the device was stopped, and the log says why
lost() {
	is "$(masters "$EDU")" 0 "the device is stopped"
	is "$(messages "$1")" 1 "the log says: $1"
	load_sample
	halves luo_pci_iommu verify lost
	rmmod luo_pci_sample
}

damaged='DMAR: live update: dmar0: the tables of the previous kernel are damaged: all devices that came in are stopped'

find_devices
case $stage in
1)	prepare
	damage "iommu 0 16 0x01"
	next_kernel B ;;
2)	came_from A 1
	lost "$damaged"
	prepare
	damage "iommu-root 0 $(($(echo "$EDU" | sed 's/.*:\(.*\):.*/0x\1/') * 16 + 1)) 0x10"
	next_kernel A ;;
3)	came_from B 2
	lost "$damaged"
	prepare
	damage "iommu-table 0 1 0x10"
	next_kernel B ;;
4)	came_from A 3
	lost "$damaged"
	prepare
	next_kernel A intel_iommu=off ;;
5)	came_from B 4
	lost "DMAR: live update: translation is switched off: all devices that came in are stopped"
	pass ;;
esac
