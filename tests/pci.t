#!/bin/bash
# PCI devices that go on over updates, those that do not, and damaged lists of them.
# flavours: pci pcidebug
# tier: all
# peer: off
. "$(dirname "$0")/lib.bash"

# The one port has more bus numbers than it needs, so that later ones would move down. QEMU looks neither at the bus mastering of
# bridges, nor resets edu: hence igb, and what is in configuration space.
machine=(-machine q35
	-device 'pcie-root-port,id=alone,chassis=1,slot=1,addr=3,bus-reserve=4'
	-device 'edu,bus=alone,dma_mask=0xffffffffffffffff'
	-device 'pcie-root-port,id=above,chassis=2,slot=2,addr=4'
	-device 'x3130-upstream,id=switch,bus=above'
	-device 'xio3130-downstream,id=down1,bus=switch,chassis=3,slot=3'
	-device 'xio3130-downstream,id=down2,bus=switch,chassis=4,slot=4'
	-device 'edu,bus=down1,dma_mask=0xffffffffffffffff'
	-device 'igb,bus=down2,romfile=')

# vm_pci NAME [VM-OPTION]... [-- QEMU-OPTION...]: the QEMU of Debian 12 has no igb
vm_pci() {
	local name=$1 options=()

	shift
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	vm "$name" --with "/selftests=$selftests" --accel nested "${options[@]}" -- "${machine[@]}" "${@:2}"
}

# disturbances TRACE: what the first kexec writes to the devices below the switch, and to the bridges above them, that they would
# notice: no bus mastering, no memory decoding, BARs, bus numbers, windows, SR-IOV. The guest marks where it begins and ends.
disturbances() {
	perl -ne '
		next unless /pci_cfg_write (\S+) (\S+) @(0x\w+) <- (0x\w+)/;
		my ($name, $where, $at, $value) = ($1, $2, hex $3, hex $4);
		$inside = $value == ord "U" if $at == 12 && $name eq "edu";
		next if !$inside || $name !~ /^(igb|x.*3130.*)$|edu|root-port/ || $where =~ /^(00:03|01:)/;
		my $bridge = $name !~ /^(edu|igb)$/;
		print if $at == 4 && ($value & 6) != 6 || $at >= 0x10 && $at <= 0x27 && $at != 0x1e || $bridge && $at >= 0x28 && $at <= 0x33 ||
			!$bridge && $at == 0x30 || $bridge && $at == 0x38 || $name eq "igb" && $at >= 0x160 && $at < 0x1a0' "$1"
}

trace=$build/logs/pci
rm -f "$trace"*.trace
vm_pci pci --with "/boot/kernel-off=$build/$ARCH-off/kernel-A" -- -D "$trace.trace" -trace pci_cfg_write
is "$(disturbances "$trace.trace")" '' 'nothing disturbs preserved devices'
vm_pci pci-nothing -- -D "$trace-nothing.trace" -trace pci_cfg_write
ok 'what disturbs devices is seen' test -n "$(disturbances "$trace-nothing.trace")"
vm_pci pci-damage
# The driver of igb takes half a second to shut it down, by when the transfer is over.
vm_pci pci-dma --smp 1 --append initcall_blacklist=igb_init_module -- -icount shift=0,sleep=off
done_testing
