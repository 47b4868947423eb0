#!/bin/bash
# The sample driver, built as a module, over two updates.
# flavours: default
. "$(dirname "$0")/lib.bash"

vm sample --with "/selftests=$selftests"
done_testing
