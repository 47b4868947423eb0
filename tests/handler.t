#!/bin/bash
# File handlers that refuse: to preserve, to freeze, to retrieve, to finish; and what trace events and debugfs show of it.
# flavours: default debug
. "$(dirname "$0")/lib.bash"

# When the kernel finds its clock unstable it takes another for tracing, and drops what was traced so far, unless told which.
vm handler --with "/selftests=$selftests" --append 'trace_clock=global trace_event=kho:*,liveupdate:*'
done_testing
