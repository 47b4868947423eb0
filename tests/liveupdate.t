#!/bin/bash
# The kselftests that need no update.
# flavours: default debug
. "$(dirname "$0")/lib.bash"

selftests=${SELFTESTS:-$build/x86_64-default/selftests}
vm liveupdate --with "/selftests=$selftests"
done_testing
