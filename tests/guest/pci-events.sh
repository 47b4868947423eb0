# shellcheck shell=sh
# Of devices that are preserved, or came in, no slot is turned off, and the system does not sleep. Those that have a fatal error, or are
# pulled, are lost, and the kexec is called off, or they are not handed over.
. /tests/pcievents.sh

stays_awake='live update: the system stays awake; close the sessions of devices first'

# held WHERE USAGE: what is asked for is refused. USAGE: how many keep igb awake. That a port may sleep which has nothing below it
# shows in the first kernel that the others do not for a reason. In the next one it did not sleep either.
held() {
	_refused=$(messages "$IGB: $stays_on")
	ok "the slot of igb is not turned off, $1" refused "$(slot "$IGB")/power" 0
	is "$(messages "$IGB: $stays_on")" $((_refused + 1)) "the log says why"
	is "$(cat "$(slot "$IGB")/power")" 1 "it is on"
	_refused=$(messages "$stays_awake")
	ok "the system does not sleep, $1" refused /sys/power/state freeze
	ok "the log says why" test "$(messages "$stays_awake")" -gt "$_refused"
	echo on >"$devices/$EMPTY/power/control"
	for _device in "$IGB" "$EDU" $(bridges "$IGB") $(bridges "$EDU") "$EMPTY"; do
		echo auto >"$devices/$_device/power/control"
	done
	[ "$stage" != 1 ] || wait_for grep -qx suspended "$devices/$EMPTY/power/runtime_status"
	is "$(cat "$devices/$IGB/power/runtime_usage")" "$2" "igb is kept awake, $1"
	# shellcheck disable=SC2046 # several words
	is "$(awake "$IGB" "$EDU" $(bridges "$IGB") $(bridges "$EDU"))" active "the devices, and the bridges above them, are awake, $1"
}

# Is an uncorrectable error latched in igb? QEMU's igb tells nobody, so the port above it has the others.
has_error() {
	[ "$(get "$IGB" 0x104)" != 0 ]
}

prepare() {
	load_sample
	bind luo_pci_sample "$IGB"
	halves luo_pci prepare registers
}

find_devices
echo devices >/sys/power/pm_test
case $stage in
1)	is "$(messages '_OSC: OS now controls \[.*PCIeHotplug.* AER')" 1 "slots and errors are the kernel's"
	load_kernel B

	prepare
	monitor "pcie_aer_inject_error above DLP"
	wait_for logged 1 'device recovery'
	is "$(messages 'device recovery successful')" 1 "a device is reset that has a fatal error"
	ok "the kexec is called off" no_kexec 'Input/output error'
	is "$(messages "$IGB: live update: $IGB had a fatal error; close its session, and preserve it again")" 1 "the log says why"
	close_sessions luo_pci

	hold "$PULLED"
	unplug "$EMPTY"
	wait_for test ! -e "$devices/$PULLED"
	ok "a card can be pulled" test ! -e "$devices/$PULLED"
	ok "the kexec is called off" no_kexec 'Input/output error'
	is "$(messages "$PULLED: live update: $PULLED was unplugged; close its session, and preserve it again")" 1 "the log says why"
	close_sessions luo_pci

	hold "$CONVENTIONAL"
	ok "the slot of a conventional device is not turned off" refused "$(slot "$CONVENTIONAL")/power" 0
	is "$(messages "$CONVENTIONAL: $stays_on")" 1 "the log says why"
	close_sessions luo_pci
	ok "the system sleeps without devices" sh -c 'echo freeze >/sys/power/state'

	halves luo_pci prepare registers
	held "before the kexec" 2
	monitor "device_del card"
	wait_for logged 2 "$IGB: $stays_on"
	is "$(cat "$(slot "$IGB")/power")" 1 "the button does not turn the slot off"
	ok "igb is there" test -e "$devices/$IGB"
	monitor "pcie_aer_inject_error above BAD_TLP"
	wait_for logged 1 'Correctable error message received'
	monitor "pcie_aer_inject_error above UNX_COMP"
	wait_for logged 2 'device recovery successful'
	is "$(messages 'device recovery successful')" 2 "the driver deals with an error that is not fatal"
	do_kexec ;;
2)	came_from A 1
	held "before the file is retrieved" 1
	load_sample
	bind luo_pci_sample "$IGB"
	halves luo_pci verify registers
	# shellcheck disable=SC2046 # several words
	is "$(cat "$devices/$IGB/power/runtime_usage")" 1 "igb may sleep when it is finished, but for its driver"
	rmmod luo_pci_sample
	prepare
	load_kernel A initcall_blacklist=igb_init_module
	ok "it is too late to call the kexec off" /bin/kernel-ret pci_liveupdate_freeze 0
	monitor "pcie_aer_inject_error above DLP"
	wait_for logged 1 'device recovery'
	do_kexec ;;
3)	came_from B 2
	is "$(messages "$IGB: live update: incoming")" 0 "a device that is lost is not handed over"
	is "$(messages "$IGB: live update: not among")" 0 "it was stopped"
	is "$(masters "$EDU")" 1 "the other device goes on"
	load_sample
	bind luo_pci_sample "$IGB"
	halves luo_pci verify dropped nothing
	halves luo_pci prepare registers
	monitor "pcie_aer_inject_error card DLP"
	wait_for has_error
	# Its interrupts are not masked, so it is as after a reset.
	hold "$CONVENTIONAL"
	put "$CONVENTIONAL" 4 0
	ok "interrupts remain as they are" /bin/kernel-ret pci_mask_interrupts
	next_kernel B ;;
4)	came_from A 3
	is "$(messages "$IGB: live update: errors during the update, as uncorrectable error status tells: 0x10")" 1 \
		"the log tells of an error that no kernel could see"
	is "$(messages "$CONVENTIONAL: live update: the device is as after a reset; finish its session, and use it afresh")" 1 \
		"the log tells of a device that was reset"
	port=$(bridges "$EDU")
	unplug "$port"
	wait_for test ! -e "$devices/$EDU"
	ok "the port above a card that was pulled can be removed" sh -c "echo 1 >'$devices/$port/remove'"
	load_sample
	export OTHER="$CONVENTIONAL"
	halves luo_pci verify replaced
	bind luo_pci_sample "$IGB"
	halves luo_pci verify lost
	is "$(messages "$IGB: live update: $IGB had a fatal error; finish its session, and use it afresh")" 1 "the log says why"
	is "$(masters "$IGB")" 0 "it is stopped"
	monitor "device_del card"
	wait_for test ! -e "$devices/$IGB"
	ok "the button turns the slot off when all is finished" test ! -e "$devices/$IGB"
	pass ;;
esac
