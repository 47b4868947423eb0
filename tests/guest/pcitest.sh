# shellcheck shell=sh
# For the scripts with PCI devices, as tests/pci.t makes them: igb and edu behind a switch, another edu on a root port of its own.
. /tests/selftest.sh

devices=/sys/bus/pci/devices
drivers=/sys/bus/pci/drivers

# find_device PORT ID: the address of the device of this ID that is below the root port
find_device() {
	find "/sys/devices/pci0000:00/0000:00:$1" -name device -type f -exec grep -lx "$2" {} + | sed 's:.*/\([^/]*\)/device$:\1:'
}

find_devices() {
	IGB=$(find_device 04.0 0x10c9)
	EDU=$(find_device 04.0 0x11e8)
	OTHER=$(find_device 03.0 0x11e8)
	export IGB EDU OTHER
}

# bridges ADDRESS: those above the device
bridges() {
	readlink "$devices/$1" | sed 's:.*pci0000.00/::; s:/[^/]*$::; y:/: :'
}

# Of all devices the address, what it is, and its BARs and windows, without those of virtual functions.
list_devices() {
	for _device in "$devices"/*; do
		echo "${_device##*/} $(cat "$_device/vendor" "$_device/device")" \
			"$(awk 'NR < 8 || NR > 13 { if ($2 !~ /0x0+$/) print $1 "-" $2 }' "$_device/resource")" | tr '\n' ' '
		echo
	done
}

# masters ADDRESS...: for each 1 if it may master the bus, else 0
masters() {
	for _device; do
		printf '%d' $(($(hexdump -s 4 -n 2 -e '1/2 "%d"' "$devices/$_device/config") >> 2 & 1))
	done
}

driver() {
	readlink "$devices/$1/driver" | sed 's:.*/::'
}

# bind DRIVER ADDRESS: instead of the one that has it; without DRIVER the first that wants it
bind() {
	[ ! -e "$devices/$2/driver" ] || echo "$2" >"$devices/$2/driver/unbind"
	echo "$1" >"$devices/$2/driver_override"
	echo "$2" >/sys/bus/pci/drivers_probe 2>/dev/null
}

load_sample() {
	ok "the sample is loaded" insmod "/lib/modules/$(uname -r)/luo_pci_sample.ko"
}

# refused FILE TEXT: it cannot be written
refused() {
	! echo "$2" >"$1"
}

# fails COMMAND...
fails() {
	! "$@"
}

# moment NAME: when it was, in ms after reboot()
moment() {
	awk -v name="$1" '$3 == name { print int($1) }' /sys/kernel/debug/liveupdate/timeline
}

# Did a transfer of 100 ms end after the jump, and before the next kernel was there? A kernel with KASAN takes longer to end.
transfer_ended_in_gap() {
	note "jump at $(moment jump) ms, takeover at $(moment takeover) ms"
	[ "$flavour" = default ] || return 0
	ok "the transfer ended after the jump" test "$(moment jump)" -lt 100
	ok "and before the next kernel was there" test "$(moment takeover)" -ge 100
}

# A device writes to preserved memory while the next kernel boots. The transfer takes 100 ms of the clock, which counts instructions.
# With movable_node the next kernel decompresses itself in that time.
transfer_over_kexec() {
	load_sample
	if [ "$stage" = 1 ]; then
		load_kernel B movable_node
		halves luo_pci prepare transfer
		fail "no kexec"
	fi
	came_from A 1
	transfer_ended_in_gap
	halves luo_pci verify transfer
	pass
}

# mark CHARACTER: writes it to a register without effect, for who reads the trace
mark() {
	printf %s "$1" | dd of="$devices/$OTHER/config" bs=1 seek=12 conv=notrunc 2>/dev/null
}
