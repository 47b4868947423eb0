#!/bin/bash
# Updates while subtrees are added to the root FDT and removed from it: at the jump it must be whole.
# flavours: odd
# tier: all
. "$(dirname "$0")/lib.bash"

vm kho-churn
done_testing
