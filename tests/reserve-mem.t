#!/bin/bash
# Areas of reserve_mem= over updates: at the same place as long as nothing about them changes.
# flavours: default
. "$(dirname "$0")/lib.bash"

# As many areas as there can be.
vm reserve-mem --append "reserve_mem=1M:4096:oops reserve_mem=12345:64:odd reserve_mem=8M:2M:big reserve_mem=64K:64K:aligned \
reserve_mem=4K:0:p1 reserve_mem=4K:4K:p2 reserve_mem=400K:4K:p@1 reserve_mem=1:1:p ramoops.mem_name=oops ramoops.pmsg_size=65536"
# The sizes are for the kernel of this flavour.
[ "$FLAVOUR" != default ] || vm reserve-mem-scratch --append "nokaslr kho_scratch=160M,500M,32M"
# The kernel must not come to lie by chance on the page that fails.
vm reserve-mem-poison --append "nokaslr reserve_mem=64K:64K:spare"
done_testing
