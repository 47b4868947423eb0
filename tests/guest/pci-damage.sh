# shellcheck shell=sh
# Damaged lists of devices, and lost ones: what cannot be taken over is stopped, and reset before a driver binds it.
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

# Is igb reset before a driver binds it that resets nothing?
reset_first() {
	load_sample
	bind luo_pci_sample "$IGB"
	is "$(messages "$IGB: live update: was reset before a driver binds it")" 1 "the log says that igb is reset"
	halves luo_pci verify nothing
}

# Are the devices stopped before PCI is up?
early_stopped() {
	is "$(masters "$EDU" "$IGB")" 00 "the devices are stopped"
	is "$(messages 'PCI: live update: memory that devices may use is lost: bus mastering of [0-9]* devices is off')" 1 "the log says so"
}

# Where the name of LUO's subtree begins in the root FDT: behind the tag of a node.
luo_name() {
	hexdump -ve '1/1 "%02x"' /sys/kernel/debug/kho/out/fdt | awk '{ print (index($0, "000000014c554f00") - 1) / 2 + 4 }'
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
	prepare
	for entry in 1 2 3 4 5 6; do
		damage "flb $entry 5 0x01"
	done
	next_kernel A initcall_blacklist=igb_init_module ;;
7)	came_from B 6
	is "$(messages 'luo: list of shared state from the previous kernel is damaged; what is not in it is lost')" 1 \
		"the log says that the list of lists is damaged"
	stopped "$EDU"
	stopped "$IGB"
	reset_first
	halves luo_pci verify damaged
	halves luo_pci prepare registers
	damage "root-fdt 0 0 0x01"
	next_kernel B ;;
8)	is "$(messages 'KHO: handover not usable')" 1 "nothing can be taken over at all"
	is "$(masters "$EDU" "$IGB")" 00 "the devices are stopped"
	early_stopped
	reset_first
	rmmod luo_pci_sample
	prepare
	damage "root-fdt 0 $(luo_name) 0x20"
	next_kernel A initcall_blacklist=igb_init_module ;;
9)	came_from B 1
	is "$(messages 'KHO: root FDT of the previous kernel is damaged, subtree LUO may be lost')" 1 "the log says that LUO's name is damaged"
	early_stopped
	ok "no session can be used" fails cat /dev/liveupdate
	load_sample
	bind luo_pci_sample "$IGB"
	is "$(messages "$IGB: live update: was reset before a driver binds it")" 1 "the log says that igb is reset"
	next_kernel B ;;
10)	came_from A 2
	prepare
	# An entry of the root of the tree that is not in use, and cannot be of this machine.
	damage "tree-node 0 4095 0x01"
	next_kernel A initcall_blacklist=igb_init_module ;;
11)	came_from B 3
	is "$(messages 'KHO: the tree of preserved memory is damaged, 1 entries are ignored')" 1 "memory may be lost"
	early_stopped
	load_sample
	bind luo_pci_sample "$IGB"
	is "$(messages "$IGB: live update: was reset before a driver binds it")" 1 "the log says that igb is reset"
	halves luo_pci verify stopped
	rmmod luo_pci_sample
	prepare
	damage "tree-node 0 4095 0x01"
	next_kernel B pci=noearly ;;
12)	came_from A 4
	is "$(messages 'PCI: live update: memory that devices may use is lost, and they cannot be stopped with pci=noearly')" 1 \
		"the log says that devices may write to lost memory"
	is "$(masters "$EDU" "$IGB")" 11 "they go on"
	pass ;;
esac
