#!/bin/bash
# State that files share.
# flavours: default debug
. "$(dirname "$0")/lib.bash"

vm flb --with "/selftests=$selftests"
done_testing
