#!/bin/bash
# The kselftests that need no update.
# flavours: default debug
. "$(dirname "$0")/lib.bash"

vm liveupdate --with "/selftests=$selftests"
done_testing
