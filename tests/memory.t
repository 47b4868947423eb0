#!/bin/bash
# A memfd of 1 GiB, and the memory balance over three updates.
# flavours: default
# tier-all: arm64-default
. "$(dirname "$0")/lib.bash"

# Tables sized by free memory would come out smaller where much is preserved.
vm memory --with "/selftests=$selftests" --mem 2G \
	--append "dhash_entries=65536 ihash_entries=65536 mhash_entries=4096 mphash_entries=4096 thash_entries=16384"
done_testing
