# shellcheck shell=sh
# What tests/guest/vfio.sh expects is nothing that an update does by itself.
. /tests/pcitest.sh

IGB=$(find_device 04.0 0x10c9)
export IGB
case $stage in
1)	bind vfio-pci "$IGB"
	load_kernel B initcall_blacklist=igb_init_module
	halves luo_vfio prepare nothing
	fail "no kexec" ;;
2)	is "$(masters "$IGB")" 0 "the card does not go on"
	halves luo_vfio verify nothing
	pass ;;
esac
