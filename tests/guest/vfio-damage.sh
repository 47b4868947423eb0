# shellcheck shell=sh
# A file of a device that is damaged: its device is stopped before its session is finished, and no other device is.
. /tests/pcitest.sh

IGB=$(find_device 04.0 0x10c9)
EDU=$(find_device 05.0 0x11e8)
export IGB EDU
case $stage in
1)	bind vfio-pci "$IGB"
	bind vfio-pci "$EDU"
	load_kernel B
	halves luo_vfio prepare two
	echo "file@card 0 48 0x08" >/sys/kernel/debug/kho/out/corrupt
	do_kexec ;;
2)	came_from A 1
	is "$(masters "$IGB" "$EDU")" 11 "both devices go on"
	bind vfio-pci "$EDU"
	halves luo_vfio verify two
	is "$(masters "$IGB")" 0 "the device of the damaged file is stopped"
	is "$(messages 'vfio-pci: live update: a file from the previous kernel is damaged: retrieve the files of all other devices')" 1 \
		"the log says what it waits for"
	is "$(messages 'WARNING:')" 0 "and nothing is wrong"
	bind '' "$IGB"
	is "$(driver "$IGB")" igb "any driver can bind igb afterwards"
	pass ;;
esac
