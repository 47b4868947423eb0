#!/bin/bash
# The demo: memcached has all its items after a live update.
# flavours: default
# tier-all: arm64-default arm64-64k
. "$(dirname "$0")/lib.bash"

out=$("$root/scripts/demo" 2>&1)
status=$?
say "# ${out//$'\n'/$'\n'# }"
is "$status" 0 "the demo says that it succeeded"
is "$(sed -n 's/^items: *//p' <<<"$out")" "200000 of 200000 found, 0 missing, 0 different" "every item comes back as it was"
is "$(sed -n 's/^uname -r:.*-\(.\) before.*-\(.\) after$/\1\2/p' <<<"$out")" AB "another kernel runs afterwards"
done_testing
