# shellcheck shell=sh
# Devices go on over two updates, where others would be stopped, reset, and found at other addresses.
. /tests/pcitest.sh

trust=/sys/module/liveupdate/parameters/trust_next

case $stage in
1)	find_devices
	is "$(driver "$IGB")" igb "a driver has igb that cannot take it over"
	load_sample
	echo 1 >"$devices/$IGB/sriov_numvfs"
	VF=$(readlink "$devices/$IGB/virtfn0" | sed 's:.*/::')
	export VF
	bind luo_pci_sample "$VF"
	halves luo_pci prepare virtual
	echo 0 >"$devices/$IGB/sriov_numvfs"
	bind luo_pci_sample "$IGB"
	for words in kho=off liveupdate=off pci=off; do
		ok "a kernel is loaded with $words" load_kernel B "$words"
		halves luo_pci prepare untaken
	done
	ok "a kernel without live update is loaded" load_kernel off
	halves luo_pci prepare untaken
	load_kernel B pci=assign-busses pcie_ports=compat
	halves luo_pci prepare unbound
	is "$(messages "$OTHER: live update: the device is preserved, and loses its driver")" 1 "the log says that a device loses its driver"
	halves luo_pci prepare registers
	for words in kho=off liveupdate=off pci=off; do
		ok "no kernel is loaded with $words" fails load_kernel B "$words"
	done
	ok "no kernel is loaded that has no live update" fails load_kernel off
	echo 1 >"$trust"
	ok "it is when the administrator says so" load_kernel off
	echo 0 >"$trust"
	halves luo_pci prepare untaken_late
	is "$(messages "luo: the next kernel does not say that it takes over 'pci-v2': load one that does")" 9 "the log says why"
	for device in "$EDU" "$IGB" $(bridges "$EDU"); do
		ok "$device is not removed" refused "$devices/$device/remove" 1
	done
	ok "igb is not reset" refused "$devices/$IGB/reset" 1
	is "$(masters "$EDU" "$IGB" "$OTHER")" 111 "all devices master the bus"
	list_devices >/boot/devices
	load_kernel B pci=assign-busses pcie_ports=compat
	mark U
	do_kexec ;;
2)	find_devices
	mark f
	came_from A 1
	is "$(list_devices)" "$(cat /boot/devices)" "all devices are where they were, and so are their BARs and windows"
	is "$(masters "$EDU" "$IGB")" 11 "preserved devices master the bus"
	# shellcheck disable=SC2046 # several words
	is "$(masters $(bridges "$EDU") $(bridges "$IGB"))" 111111 "so do the bridges above them"
	# shellcheck disable=SC2046 # several words
	is "$(masters "$OTHER" $(bridges "$OTHER"))" 00 "another device does not, and neither does its bridge"
	is "$(driver "$IGB")" "" "igb has no driver"
	is "$(messages "$IGB: live update: not bound by igb, which cannot take it over")" 1 "the log says why"
	load_sample
	bind luo_pci_sample "$IGB"
	ok "igb is not reset" refused "$devices/$IGB/reset" 1
	halves luo_pci verify registers
	ok "igb can be reset when all is finished" sh -c "echo 1 >$devices/$IGB/reset"
	halves luo_pci prepare registers
	make_initrd
	kexec -s -l /boot/kernel-A --initrd=/tmp/initrd --command-line="$(sed 's/ stage=2/ stage=3/; s/ pcie_ports=compat//' /proc/cmdline)"
	do_kexec ;;
3)	find_devices
	came_from B 2
	is "$(list_devices)" "$(cat /boot/devices)" "all devices are where they were, also when their ports have a driver"
	# shellcheck disable=SC2046 # several words
	set -- $(bridges "$EDU")
	is "$(driver "$1")" pcieport "the driver of ports binds those above a device that came in"
	halves luo_pci verify unhandled
	is "$(masters "$EDU" "$IGB")" 11 "preserved devices master the bus"
	is "$(messages "luo: session 'devices': no handler 'luo-pci-sample-v2' for token 0x1, not finished as long as 'pci-v2' is in use")" \
		2 "the log says why their session is not finished"
	load_sample
	halves luo_pci verify unbound
	is "$(masters "$EDU" "$IGB")" 00 "devices that nobody has asked for are stopped"
	bind '' "$IGB"
	is "$(driver "$IGB")" igb "any driver can bind igb afterwards"
	ok "devices can be removed afterwards" sh -c "echo 1 >$devices/$1/remove"
	pass ;;
esac
