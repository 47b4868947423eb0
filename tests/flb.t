#!/bin/bash
# State that files share.
# flavours: default debug
. "$(dirname "$0")/lib.bash"

vm flb --with "/selftests=$selftests" --append luo_test.early
done_testing
