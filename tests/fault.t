#!/bin/bash
# Fault injection: an errno, no leak, no loss.
# flavours: debug
. "$(dirname "$0")/lib.bash"

selftests=${SELFTESTS:-$build/x86_64-default/selftests}
vm fault --with "/selftests=$selftests"
done_testing
