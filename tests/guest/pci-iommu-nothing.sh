# shellcheck shell=sh
# Without a preserved device an update switches translation off, and on again. So does the end, also with one.
. /tests/pcitest.sh

case $stage in
1)	find_devices
	load_sample
	halves luo_pci_iommu verify afresh
	next_kernel B ;;
2)	find_devices
	load_sample
	is "$(messages 'DMAR: live update')" 0 "nothing came in"
	halves luo_pci_iommu verify afresh
	ok "the sample is unloaded" rmmod luo_pci_sample
	load_sample
	halves luo_pci_iommu prepare idle
	pass ;;
esac
