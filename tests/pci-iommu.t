#!/bin/bash
# PCI devices behind an IOMMU that go on over updates, those that do not, and damaged tables.
# flavours: pci pcidebug
# tier: all
. "$(dirname "$0")/lib.bash"

mkdir -p "$build/guest"
for program in kernel-ret vtd; do
	ok "$program builds" gcc -static -O2 -Wall -o "$build/guest/$program" "$root/tests/programs/$program.c"
done

crash=192M
[ "$FLAVOUR" != pcidebug ] || crash=640M
machine=(-machine q35
	-device 'pcie-root-port,id=alone,chassis=1,slot=1,addr=3'
	-device 'edu,bus=alone,dma_mask=0xffffffffffffffff'
	-device 'pcie-root-port,id=above,chassis=2,slot=2,addr=4'
	-device 'edu,bus=above,dma_mask=0xffffffffffffffff')

# vm_iommu NAME LOG IOMMU-OPTIONS KERNEL-OPTIONS [VM-OPTION]...: what the guest does with the IOMMU is in the trace
vm_iommu() {
	vm "$1" --with "/selftests=$selftests" --with "/bin/kernel-ret=$build/guest/kernel-ret" --with "/bin/vtd=$build/guest/vtd" \
		--accel nested --smp 1 \
		--append "intel_iommu=on$4" "${@:5}" -- \
		-icount shift=0,sleep=off -device "intel-iommu,intremap=on,caching-mode=on$3" "${machine[@]}" \
		-D "$build/logs/$2.trace" -trace vtd_dmar_enable
}

# switches LOG: how often translation was switched on (1) and off (0)
switches() {
	sed -n 's/.*vtd_dmar_enable.* \([01]\)$/\1/p' "$build/logs/$1.trace" | tr -d '\n'
}

rm -f "$build"/logs/pci-iommu*.trace
vm_iommu pci-iommu pci-iommu ',aw-bits=48' ''
is "$(switches pci-iommu)" 10 'translation is never switched off before the end'
vm_iommu pci-iommu pci-iommu-scalable ',aw-bits=48,x-scalable-mode=on' ',sm_on'
is "$(switches pci-iommu-scalable)" 10 'translation is never switched off before the end in scalable mode'
vm_iommu pci-iommu-nothing pci-iommu-nothing ',aw-bits=48' ''
is "$(switches pci-iommu-nothing)" 1010 'without preserved devices, or a kexec, it is switched off'
vm_iommu pci-iommu-damage pci-iommu-damage ',aw-bits=48' ''
vm_iommu pci-iommu-damage pci-iommu-damage-scalable ',aw-bits=48,x-scalable-mode=on' ',sm_on'
vm_iommu pci-iommu-crash pci-iommu-crash ',aw-bits=48' " crashkernel=$crash" --allow 'Kernel panic - not syncing: Out of memory'
is "$(switches pci-iommu-crash)" 10 'translation is not switched off for a crash kernel'
done_testing
