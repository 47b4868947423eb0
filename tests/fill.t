#!/bin/bash
# Memfds that get their folios after they were retrieved: all of them at once, and with records damaged.
# flavours: default debug
# tier-all: arm64-default
. "$(dirname "$0")/lib.bash"

vm fill --with "/selftests=$selftests"
done_testing
