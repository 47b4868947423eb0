#!/bin/bash
# Pipes over updates, with what is in them: what stays where it is, what is copied, and what is damaged.
# flavours: default
# tier-all: debug arm64-default
. "$(dirname "$0")/lib.bash"

vm pipe --with "/selftests=$selftests"
vm pipe-damage --with "/selftests=$selftests"
done_testing
