# shellcheck shell=sh
# For the scripts with PCI devices that something happens to, as tests/pci-events.t makes them: edu, igb, an edu on a conventional bus,
# and an edu to be pulled, after which its port, EMPTY, has nothing below it; each below a root port of its own.
. /tests/pcitest.sh

# What the log says of a device whose slot is not turned off.
# shellcheck disable=SC2034 # for the scripts
stays_on='live update: the slot remains turned on; close the sessions of the devices in it first'

find_devices() {
	EDU=$(find_device 03.0 0x11e8)
	IGB=$(find_device 04.0 0x10c9)
	CONVENTIONAL=$(find_device 05.0 0x11e8)
	EMPTY=0000:00:06.0
	PULLED=$(find_device 06.0 0x11e8)
	export EDU IGB
}

# monitor COMMAND: has QEMU's monitor do something
monitor() {
	debugcon "$1"
}

# wait_for COMMAND...: until it succeeds
wait_for() {
	until "$@"; do
		sleep 0.1
	done
}

# logged COUNT PATTERN: are there as many messages?
logged() {
	[ "$(messages "$2")" -ge "$1" ]
}

# slot ADDRESS: the folder of the slot that a device is in
slot() {
	for _slot in /sys/bus/pci/slots/*; do
		[ "$(cat "$_slot/address")" != "${1%.*}" ] || echo "$_slot"
	done
}

# put ADDRESS OFFSET VALUE, get ADDRESS OFFSET: 16 bits in configuration space
put() {
	# shellcheck disable=SC2059 # the format is the bytes
	printf "\\$(printf %03o $(($3 & 255)))\\$(printf %03o $(($3 >> 8)))" |
		dd of="$devices/$1/config" bs=2 seek=$(($2 / 2)) conv=notrunc 2>/dev/null
}

get() {
	hexdump -s $(($2)) -n 2 -e '1/2 "%d"' "$devices/$1/config"
}

# Slot control of QEMU's root ports
slot_control=0x6c

# unplug PORT: as if somebody pulled the card below it. QEMU lets go of the card when power and its indicator are off; the kernel is
# told when power is on again.
unplug() {
	_was=$(get "$1" $slot_control)
	put "$1" $slot_control 0x0700
	put "$1" $slot_control "$_was"
}

# hold ADDRESS: a session has an edu, and its name is the address
hold() {
	export OTHER="$1"
	halves luo_pci prepare other
}

# block PROGRAM ADDRESS: the shutdown gets no further than this device, which vfio-pci has bound, as long as there is the process PROGRAM
block() {
	ln -s luo_vfio "/selftests/liveupdate/$1"
	(
		export IGB="$2"
		halves "$1" prepare opened
	)
	echo "$2" >"$drivers/vfio-pci/unbind" &
	wait_for logged 1 "$2: No device request channel registered, blocked until released by user"
}

# begin_kexec ADDRESS: it begins, and gets no further than this device before go_on_with_kexec. The device must be the last one, for it is
# the first that is shut down.
begin_kexec() {
	block luo_opener "$1"
	kexec -e -x -y &
	wait_for grep -qx device_shutdown "/proc/$!/wchan"
}

# Does not come back.
go_on_with_kexec() {
	killall luo_opener
	wait
	fail "the kexec does not go on"
}

# no_kexec TEXT: it is called off, and kexec says so
no_kexec() {
	! kexec -e -x -y 2>/tmp/kexec || return
	grep -q "$1" /tmp/kexec
}

# close_sessions PROGRAM: of the tests that hold them
close_sessions() {
	killall "$1"
	while pidof "$1" >/dev/null; do sleep 0.1; done
}

# awake ADDRESS...: all different states of runtime power management
awake() {
	for _device; do
		cat "$devices/$_device/power/runtime_status"
	done | sort -u
}
