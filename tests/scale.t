#!/bin/bash
# 20,000 files in one session and 2,000 sessions.
# flavours: default
# tier: all
. "$(dirname "$0")/lib.bash"

vm scale --with "/selftests=$selftests" --mem 2G
done_testing
