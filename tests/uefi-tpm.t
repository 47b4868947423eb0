#!/bin/bash
# The updates of update.t on a machine with UEFI firmware and a TPM: what the TPM, IMA and a trace instance have told the first
# kernel, all kernels tell.
# flavours: host
# tier: all
. "$(dirname "$0")/lib.bash"

"$root/scripts/setup" hosts
vm uefi-tpm --with "/selftests=$selftests" --firmware uefi --tpm tpm-tis \
	--append 'reserve_mem=4M:4096:trace trace_instance=kept@trace' -- -machine q35
done_testing
