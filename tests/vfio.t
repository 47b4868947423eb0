#!/bin/bash
# A device that a program drives by vfio receives frames over updates; one that is not preserved does not.
# flavours: pci
# tier: all
. "$(dirname "$0")/lib.bash"

# vm_vfio NAME: with a card whose peer is outside; the QEMU of Debian 12 has no igb
vm_vfio() {
	local qemu peer

	coproc frames { exec "$root/tests/frames.pl"; }
	read -r qemu peer <&"${frames[0]}"
	vm "$1" --with "/selftests=$selftests" --accel nested --append 'vfio.enable_unsafe_noiommu_mode=1' -- -machine q35 \
		-device 'pcie-root-port,id=above,chassis=1,slot=1,addr=4' \
		-netdev "dgram,id=outside,local.type=inet,local.host=127.0.0.1,local.port=$qemu,remote.type=inet,remote.host=127.0.0.1,remote.port=$peer" \
		-device 'igb,bus=above,netdev=outside,romfile='
	# shellcheck disable=SC2154 # coproc sets it
	kill "$frames_PID"
	wait "$frames_PID"
}

vm_vfio vfio
vm_vfio vfio-nothing
done_testing
