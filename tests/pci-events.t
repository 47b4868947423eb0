#!/bin/bash
# What happens to PCI devices while they are preserved, and before they are finished: errors, slots that are turned off, cards that
# are pulled, and sleep.
# flavours: pci pcidebug
# tier: all
. "$(dirname "$0")/lib.bash"

mkdir -p "$build/guest"
for program in debugcon kernel-ret; do
	ok "$program builds" gcc -static -O2 -Wall -o "$build/guest/$program" "$root/tests/programs/$program.c"
done

# What the guest writes to the debug console are commands for QEMU's monitor.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
machine=(-machine q35
	-chardev "socket,id=monitor,path=$folder/monitor,server=on,wait=off" -mon 'chardev=monitor,mode=readline'
	-chardev "socket,id=commands,path=$folder/monitor" -device 'isa-debugcon,iobase=0xe9,chardev=commands'
	-device 'pcie-root-port,id=alone,chassis=1,slot=1,addr=3'
	-device 'edu,bus=alone,dma_mask=0xffffffffffffffff'
	-device 'pcie-root-port,id=above,chassis=2,slot=2,addr=4'
	-device 'igb,id=card,bus=above,romfile='
	-device 'pcie-root-port,id=older,chassis=3,slot=3,addr=5,hotplug=off'
	-device 'pcie-pci-bridge,id=bridge,bus=older'
	-device 'edu,bus=bridge,addr=1,dma_mask=0xffffffffffffffff'
	-device 'pcie-root-port,id=pulled,chassis=4,slot=4,addr=6'
	-device 'edu,bus=pulled,dma_mask=0xffffffffffffffff')

# Lockdep takes it for a deadlock when 6.12 removes a card, also without our patches: pciehp_unconfigure_device() waits for reset_lock
# with pci_rescan_remove_lock held, and the other way round, but in one thread.
unproved=
[ "$FLAVOUR" != pcidebug ] || unproved=lockdep.prove_locking=0

# vm_events NAME KERNEL-OPTIONS [QEMU-OPTION]...
vm_events() {
	vm "$1" --with "/selftests=$selftests" --with "/bin/debugcon=$build/guest/debugcon" \
		--with "/bin/kernel-ret=$build/guest/kernel-ret" --accel nested --append "$2" -- "${machine[@]}" "${@:3}"
}

# Firmware that leaves slots to the kernel
native=(-global 'ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off')
noiommu='vfio.enable_unsafe_noiommu_mode=1'
vm_events pci-events "suspend.pm_test_delay=1 pcie_port_pm=force $unproved" "${native[@]}"
vm_events vfio-events "$noiommu pcie_port_pm=force $unproved" "${native[@]}"
vm_events vfio-begun "$noiommu" "${native[@]}"
vm_events vfio-slot "$noiommu" "${native[@]}"
vm_events vfio-edu "intel_iommu=on $unproved" "${native[@]}" -device 'intel-iommu,intremap=on,caching-mode=on,aw-bits=48,snoop-control=on'

# Firmware that asks for slots: Scope (\_SB.PCI0.S20.S00) { Method (_OST, 3) { Debug = Arg1 } }
printf '\x10\x1f\\/\x04_SB_PCI0S20_S00_\x14\x0a_OST\x03\x70\x69\x5b\x31' >"$folder/ost.aml"
vm_events pci-eject "acpi.aml_debug_output=1 $unproved" -acpitable "sig=SSDT,rev=2,data=$folder/ost.aml"
done_testing
