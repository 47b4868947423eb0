# shellcheck shell=sh
# Damaged lists of devices: what cannot be taken over is stopped.
. /tests/pcitest.sh

# The order in which they were preserved: igb and three bridges, edu and the port above it.
entry=$((8 + 4 * 8))
# Behind the entries, of which there is one for each device. Without it nothing tells that an entry is damaged.
sum="pci 0 $((8 + 8 * $(find "$devices/" -type l | wc -l))) 0x01"

bus() {
	echo "$1" | sed 's/.*:\(.*\):.*/0x\1/'
}

# damage LINE...: as for debugfs
damage() {
	for _line; do
		echo "$_line"
	done >/sys/kernel/debug/kho/out/corrupt
}

prepare() {
	load_sample
	bind luo_pci_sample "$IGB"
	halves luo_pci prepare registers
}

# Is the device at work no more, and has no driver of its own?
stopped() {
	is "$(masters "$1")" 0 "$1 does not master the bus"
	is "$(messages "$1: live update: not among the devices that came in; bus mastering is off")" 1 "the log says that $1 is stopped"
}

# all_lost ERRNO: by its number
all_lost() {
	is "$(messages "luo: shared state 'pci-v2' cannot be retrieved: -$1;")" 1 "the log says that the list is damaged"
	stopped "$EDU"
	is "$(messages "$IGB: live update: not among")" 1 "the log says that igb is stopped"
	load_sample
	halves luo_pci verify damaged
	rmmod luo_pci_sample
}

find_devices
case $stage in
1)	prepare
	damage "pci 0 $((entry + 5)) 0x01"
	next_kernel B ;;
2)	came_from A 1
	all_lost 22
	prepare
	damage "$sum" "pci 0 $((entry + 4)) 0x01"
	next_kernel A ;;
3)	came_from B 2
	stopped "$EDU"
	is "$(masters "$IGB")" 1 "igb goes on"
	load_sample
	halves luo_pci verify damaged
	rmmod luo_pci_sample
	prepare
	damage "$sum" "pci 0 $((entry + 5)) $(printf '0x%02x' $(($(bus "$EDU") ^ $(bus "$IGB"))))"
	next_kernel B ;;
4)	came_from A 3
	all_lost 16
	prepare
	damage "$sum" "pci 0 7 0x80"
	next_kernel A ;;
5)	came_from B 4
	all_lost 22
	prepare
	damage "$sum" "pci 0 3 0x40"
	next_kernel B ;;
6)	came_from A 5
	all_lost 22
	pass ;;
esac
