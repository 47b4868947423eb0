#!/bin/bash
# The demo with redis, which knows nothing of live updates: it goes on with its keys and its client, with pre-dumps and without.
# flavours: criu
# tier: all
. "$(dirname "$0")/lib.bash"

out=$(DEMO=process "$root/scripts/demo" 2>&1)
status=$?
say "# ${out//$'\n'/$'\n'# }"
is "$status" 0 "the demo says that it succeeded"
is "$(grep -c '^the client: [1-9][0-9]* answers, all of them by one connection$' <<<"$out")" 1 "the client goes on"
for phase in 'park redis' 'dump it' 'shut devices down' 'begin kernel B' 'take the preserved memory over' 'restore redis' \
	'redis was away for'; do
	is "$(grep -c "^  $phase" <<<"$out")" 2 "it shows for both updates: $phase"
done
ok "the first of them has pre-dumps" grep -q '^    | pre-dump [1-3]: [0-9.]* MiB$' <<<"$out"
is "$(sed -n 's/^uname -r:.*-\(.\) before.*-\(.\) after$/\1\2/p' <<<"$out")" AB "another kernel runs after an update"
done_testing
