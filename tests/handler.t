#!/bin/bash
# File handlers that refuse: to preserve, to freeze, to retrieve, to finish.
# flavours: default debug
. "$(dirname "$0")/lib.bash"

selftests=${SELFTESTS:-$build/x86_64-default/selftests}
vm handler --with "/selftests=$selftests"
done_testing
