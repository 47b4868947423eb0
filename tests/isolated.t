#!/bin/bash
# A fragmented set of preserved memory: every second page of 512 MiB.
. "$(dirname "$0")/lib.bash"

selftests=${SELFTESTS:-$build/x86_64-default/selftests}
vm isolated --with "/selftests=$selftests" --mem 2G
done_testing
