#!/bin/bash
# The KUnit suites.
# flavours: default arm64-default
# tier-all: debug pci arm64-16k arm64-64k
. "$(dirname "$0")/lib.bash"
vm kunit --append 'kunit.enable=1'
done_testing
