#!/bin/bash
# Fault injection with pipes: an errno, no leak, no data lost.
# flavours: debug
# tier: all
. "$(dirname "$0")/lib.bash"

# Tables sized by free memory would come out smaller where much is preserved.
vm fault-pipe --with "/selftests=$selftests" \
	--append "dhash_entries=65536 ihash_entries=65536 mhash_entries=4096 mphash_entries=4096 thash_entries=16384"
done_testing
