#!/bin/bash
# A memfd of 1 GiB, and the memory balance over three updates.
# flavours: default
# tier-all: arm64-default
. "$(dirname "$0")/lib.bash"

vm memory --with "/selftests=$selftests" --mem 2G
done_testing
