#!/bin/bash
# Mounts of tmpfs over updates: all that is in them, and what is not.
# flavours: default
# tier-all: debug arm64-default arm64-16k arm64-64k
. "$(dirname "$0")/lib.bash"

# The kernel must not come to lie by chance on the page that fails.
vm tmpfs --append nokaslr --with "/selftests=$selftests" --mem 1G
done_testing
