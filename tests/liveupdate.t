#!/bin/bash
# The kselftests that need no update.
# flavours: default debug arm64-default
# tier-all: arm64-16k arm64-64k
. "$(dirname "$0")/lib.bash"

vm liveupdate --with "/selftests=$selftests"
done_testing
