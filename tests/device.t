#!/bin/bash
# A device writes to preserved memory while the kernel is replaced. Devices with bridges or an IOMMU above them: tests/pci*.t.
. "$(dirname "$0")/lib.bash"
vm device --with "/selftests=$selftests" --accel tcg --smp 1 -- -icount shift=0,sleep=off \
	-device 'edu,addr=5,dma_mask=0xffffffffffffffff' -device 'edu,addr=6,dma_mask=0xffffffffffffffff'
done_testing
