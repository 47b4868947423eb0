#!/bin/bash
# A fragmented set of preserved memory: every second page of 512 MiB.
. "$(dirname "$0")/lib.bash"

vm isolated --with "/selftests=$selftests" --mem 2G
done_testing
