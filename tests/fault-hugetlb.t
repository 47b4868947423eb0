#!/bin/bash
# Fault injection with memfds of huge pages: an errno, no leak, no page lost.
# flavours: debug
# tier: all
. "$(dirname "$0")/lib.bash"

# Tables sized by free memory would come out smaller where much is preserved.
vm fault-hugetlb --with "/selftests=$selftests" \
	--append "dhash_entries=65536 ihash_entries=65536 mhash_entries=4096 mphash_entries=4096 thash_entries=16384"
done_testing
