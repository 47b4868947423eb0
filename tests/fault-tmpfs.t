#!/bin/bash
# Fault injection while mounts of tmpfs are preserved and retrieved: an errno, no leak, no loss.
# flavours: debug
# tier: all
. "$(dirname "$0")/lib.bash"

vm fault-tmpfs --with "/selftests=$selftests" --append "dhash_entries=65536 ihash_entries=65536 mhash_entries=4096 mphash_entries=4096"
done_testing
