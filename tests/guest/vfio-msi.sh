# shellcheck shell=sh
# A device with MSI, but without MSI-X, goes on over an update, in the middle of which it interrupts.
. /tests/pcitest.sh

EDU=$(find_device 05.0 0x11e8)
export EDU
bind vfio-pci "$EDU"
case $stage in
1)	load_kernel B
	halves luo_vfio_msi prepare msi
	fail "no kexec" ;;
2)	came_from A 1
	halves luo_vfio_msi verify msi
	is "$(messages 'No irq handler|nobody cared')" 0 "no interrupt is lost"
	pass ;;
esac
