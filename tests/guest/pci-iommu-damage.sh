# shellcheck shell=sh
# What an IOMMU cannot go on with is stopped: damaged tables, another unit, a list of another version, and a next kernel that does
# not use the IOMMU, or does so for the first time.
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
other='DMAR: live update: dmar0: the previous kernel has not handed the unit over: all devices that came in are stopped'

# An entry of a table that is not in use: PASID 1 of the PASID table, or of the page table.
grep -q sm_on /proc/cmdline && unused="iommu-table 1 64 0x01" || unused="iommu-table 0 4088 0x01"

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
	damage "iommu-context 0 2 0x10"
	next_kernel B ;;
4)	came_from A 3
	lost "$damaged"
	prepare
	damage "iommu-table 0 1 0x10"
	next_kernel A ;;
5)	came_from B 4
	lost "$damaged"
	prepare
	damage "$unused"
	next_kernel B ;;
6)	came_from A 5
	lost "$damaged"
	prepare
	for entry in 1 2 3 4 5; do
		damage "flb $entry 17 0x03"
	done
	# As if that kernel wrote no checksum, by which a version is told from damage.
	damage "flb-sum 0 0 0x01"
	next_kernel A ;;
7)	came_from B 6
	lost "$other"
	prepare
	ok "the list names another unit" vtd unit
	next_kernel B ;;
8)	came_from A 7
	lost "$other"
	prepare
	ok "no kernel is loaded with intel_iommu=off" fails load_kernel A intel_iommu=off
	is "$(messages "luo: the next kernel does not say that it takes over 'intel-iommu-lts-v2': load one that does")" 1 "the log says why"
	echo 1 >/sys/module/liveupdate/parameters/trust_next
	next_kernel A intel_iommu=off ;;
9)	came_from B 8
	lost "DMAR: live update: dmar0: translation is switched off: all devices that came in are stopped"
	load_sample
	halves luo_pci_iommu prepare untranslated
	next_kernel B intel_iommu=on ;;
10)	came_from A 9
	lost "$EDU: live update: the IOMMU does not translate as it did before the update; bus mastering is off"
	pass ;;
esac
