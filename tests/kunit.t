#!/bin/bash
# The KUnit suites.
# flavours: default debug
. "$(dirname "$0")/lib.bash"
vm kunit --append 'kunit.enable=1'
done_testing
