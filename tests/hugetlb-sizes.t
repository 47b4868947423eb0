#!/bin/bash
# Memfds of huge pages of all sizes that an architecture has.
# flavours: arm64-default arm64-16k arm64-64k plain
# tier-all: debug
# tier: all
. "$(dirname "$0")/lib.bash"

# Gigantic pages need memory that is aligned to them; the kernel must not lie in it.
vm hugetlb-sizes --with "/selftests=$selftests" --mem 6G \
	--append "nokaslr dhash_entries=65536 ihash_entries=65536 mhash_entries=4096 mphash_entries=4096 thash_entries=16384"
done_testing
