#!/bin/bash
# Boots without a handover: of the crash kernel, by kexec_load(), with KHO off on either side; and what is refused.
# flavours: default arm64-default
. "$(dirname "$0")/lib.bash"

# cold CASE PARAMETERS [VM-OPTION]...
cold() {
	vm "kho-cold-$1" --with "/selftests=$selftests" --append "test=kho-cold case=$1 $2" "${@:3}"
}

cold legacy ''
cold stale ''
cold off ''
cold nokho 'kho=off'
cold noluo 'liveupdate=off'
cold small 'kho_scratch=4M,4M,4M'
cold malformed 'kho_scratch=64M,fish,4M'
cold crash 'crashkernel=192M' --allow 'Kernel panic - not syncing: Out of memory'
done_testing
