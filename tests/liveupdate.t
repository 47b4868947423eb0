#!/bin/bash
# The kselftests that need no update.
# flavours: default debug arm64-default
# tier-all: arm64-16k arm64-64k
. "$(dirname "$0")/lib.bash"

# Memory with tags has only a machine that is told so.
tags=()
[ "$ARCH" != arm64 ] || tags=(-- -machine mte=on)
vm liveupdate --with "/selftests=$selftests" "${tags[@]}"
done_testing
