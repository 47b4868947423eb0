#!/bin/bash
# A device that a program drives by vfio, with and without an IOMMU, receives frames over updates; one that is not preserved does
# not.
# flavours: pci pcidebug
# tier: all
. "$(dirname "$0")/lib.bash"

# With ICOUNT=1 the clock counts instructions: the ticks of the test are what the program is without its device.
icount=()
[ -z "${ICOUNT:-}" ] || icount=(-smp 1 -icount 'shift=0,sleep=off')

# A kernel with KASAN takes so long that the ring would be full.
pace=0.05
[ "$FLAVOUR" != pcidebug ] || pace=0.25

# vm_vfio NAME APPEND [QEMU-OPTION]...: with a card whose peer is outside; the QEMU of Debian 12 has no igb
vm_vfio() {
	local qemu peer

	coproc frames { exec "$root/tests/frames.pl" "$pace"; }
	read -r qemu peer <&"${frames[0]}"
	vm "$1" --with "/selftests=$selftests" --accel nested --append "$2" -- -machine q35 "${icount[@]}" "${@:3}" \
		-device 'pcie-root-port,id=above,chassis=1,slot=1,addr=4' \
		-netdev "dgram,id=outside,local.type=inet,local.host=127.0.0.1,local.port=$qemu,remote.type=inet,remote.host=127.0.0.1,remote.port=$peer" \
		-device 'igb,bus=above,netdev=outside,romfile='
	# shellcheck disable=SC2154 # coproc sets it
	kill "$frames_PID"
	wait "$frames_PID"
}

noiommu='vfio.enable_unsafe_noiommu_mode=1'
vm_vfio vfio "$noiommu"
vm_vfio vfio-nothing "$noiommu"
vm_vfio vfio-damage "$noiommu" \
	-device 'pcie-root-port,id=beside,chassis=2,slot=2,addr=5' -device 'edu,bus=beside,dma_mask=0xffffffffffffffff'
iommu='intel-iommu,intremap=on,caching-mode=on,aw-bits=48,snoop-control=on'
# The huge page is reserved at boot: later there may be none outside of scratch memory.
vm_vfio vfio-iommu 'intel_iommu=on hugepages=1' -device "$iommu"
vm_vfio vfio-iommu 'intel_iommu=on,sm_on hugepages=1' -device "$iommu,x-scalable-mode=on"
done_testing
