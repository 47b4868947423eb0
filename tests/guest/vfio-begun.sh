# shellcheck shell=sh
# What happens to devices once the kexec has begun, when nobody can call it off any more: it does not wait for their files. One that
# is to be unbound goes on, and those whose link fails, or whose card is pulled, are left to the next kernel, which does not get them.
. /tests/pcievents.sh

find_devices
case $stage in
1)	load_kernel B
	load_sample
	bind vfio-pci "$IGB"
	bind vfio-pci "$PULLED"
	hold "$EDU"
	hold "$CONVENTIONAL"
	halves luo_vfio prepare held
	begin_kexec "$PULLED"
	echo "$IGB" >"$drivers/vfio-pci/unbind" &
	wait_for logged 1 "$IGB: live update: the device keeps its driver, since the kexec has begun"
	monitor "pcie_aer_inject_error older DLP"
	wait_for logged 1 '0000:00:05.0: live update: the link has failed, and is not reset, since the kexec has begun'
	unplug 0000:00:03.0
	wait_for logged 1 '0000:00:03.0: live update: the card in the slot has gone, or has lost its link, and is left to the next kernel'
	go_on_with_kexec ;;
2)	came_from A 1
	is "$(messages "$IGB: live update: incoming")" 1 "a device that was to be unbound is handed over"
	is "$(messages "live update: incoming")" 2 "the others are not"
	is "$(messages '0000:0[1-5]:.*live update: not among')" 0 "they were stopped"
	bind vfio-pci "$IGB"
	halves luo_vfio verify unopened
	pass ;;
esac
