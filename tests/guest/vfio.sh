# shellcheck shell=sh
# A card that a program drives goes on over two updates, and is stopped when nobody wants it any more.
. /tests/pcitest.sh

IGB=$(find_device 04.0 0x10c9)
export IGB
case $stage in
1)	bind vfio-pci "$IGB"
	halves luo_vfio prepare others
	[ -z "${IOMMU:-}" ] || halves luo_vfio prepare stranger
	load_kernel B
	halves luo_vfio prepare frozen
	halves luo_vfio prepare card
	fail "no kexec" ;;
2)	came_from A 1
	is "$(driver "$IGB")" "" "igb has no driver"
	halves luo_vfio verify gap
	bind vfio-pci "$IGB"
	is "$(driver "$IGB")" vfio-pci "vfio-pci binds a device that came in"
	halves luo_vfio verify card
	is "$(messages 'WARNING:')" 0 "and nothing is wrong"
	next_kernel A ;;
3)	came_from B 2
	is "$(masters "$IGB")" 1 "the card goes on"
	bind vfio-pci "$IGB"
	halves luo_vfio verify unopened
	is "$(masters "$IGB")" 0 "the card is stopped when it is closed"
	is "$(messages 'No irq handler|nobody cared')" 0 "no interrupt is lost"
	bind '' "$IGB"
	is "$(driver "$IGB")" igb "any driver can bind igb afterwards"
	pass ;;
esac
