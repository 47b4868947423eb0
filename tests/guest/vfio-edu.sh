# shellcheck shell=sh
# A device with MSI, but without MSI-X, goes on over an update, in the middle of which it interrupts; over one more, after which it has
# a fatal error; and over a third, after which it is pulled.
. /tests/pcievents.sh

find_devices
EDU=$PULLED
bind vfio-pci "$EDU"
case $stage in
1)	load_kernel B
	halves luo_vfio_edu prepare msi
	fail "no kexec" ;;
2)	came_from A 1
	halves luo_vfio_edu verify msi
	is "$(messages 'No irq handler|nobody cared')" 0 "no interrupt is lost"
	load_kernel A
	halves luo_vfio_edu prepare msi
	fail "no kexec" ;;
3)	came_from B 2
	(
		wait_for test -e /tmp/retrieved
		monitor "pcie_aer_inject_error pulled DLP"
		wait_for logged 1 'device recovery'
		rm /tmp/retrieved
	) &
	halves luo_vfio_edu verify lost
	is "$(messages "$EDU: live update: $EDU had a fatal error; finish its session, and use it afresh")" 1 "the log says why"
	# vfio does not give back to its configuration space what it had before it was reset.
	echo 1 >"$devices/$EDU/remove"
	echo 1 >/sys/bus/pci/rescan
	bind vfio-pci "$EDU"
	load_kernel B
	halves luo_vfio_edu prepare msi
	fail "no kexec" ;;
4)	came_from A 3
	port=$(bridges "$EDU")
	(
		wait_for test -e /tmp/retrieved
		unplug "$port"
	) &
	halves luo_vfio_edu verify pulled
	wait_for test ! -e "$devices/$EDU"
	ok "the device is gone when its file is closed" test ! -e "$devices/$EDU"
	is "$(messages 'WARNING:')" 0 "and nothing is wrong"
	pass ;;
esac
