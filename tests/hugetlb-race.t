#!/bin/bash
# Memfds of huge pages that are preserved while others use them. Without other tests before: these leave memory too fragmented for
# pools of huge pages that come and go.
# flavours: default
# tier-all: debug
. "$(dirname "$0")/lib.bash"

vm hugetlb-race --with "/selftests=$selftests" --mem 2G
done_testing
