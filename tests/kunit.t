#!/bin/bash
# The KUnit suites.
# flavours: default debug arm64-default
# tier-all: arm64-64k
. "$(dirname "$0")/lib.bash"
vm kunit --append 'kunit.enable=1'
done_testing
