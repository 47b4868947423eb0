# shellcheck shell=sh
# What tests/guest/pci.sh expects is nothing that an update does by itself.
. /tests/pcitest.sh

case $stage in
1)	find_devices
	load_sample
	bind luo_pci_sample "$IGB"
	halves luo_pci prepare nothing
	list_devices >/boot/devices
	is "$(masters "$EDU" "$IGB")" 11 "the devices master the bus"
	load_kernel B pci=assign-busses pcie_ports=compat
	mark U
	do_kexec ;;
2)	was=$(sed -n 's/ 0x1234 0x11e8 .*//p' /boot/devices | tail -n 1)
	find_devices
	mark f
	ok "edu is not where it was, at $was, but at $EDU" test "$EDU" != "$was"
	port=$(bridges "$EDU" | sed 's/.* //')
	is "$(masters "$EDU" "$port")" 00 "edu does not master the bus, and neither does the port above it"
	is "$(driver "$IGB")" igb "igb has its driver"
	load_sample
	bind luo_pci_sample "$IGB"
	halves luo_pci verify nothing
	pass ;;
esac
