#!/bin/bash
# The demo with a virtual machine: its guest goes on after a live update of the host.
# flavours: default
. "$(dirname "$0")/lib.bash"

out=$(DEMO=vm "$root/scripts/demo" 2>&1)
status=$?
say "# ${out//$'\n'/$'\n'# }"
is "$status" 0 "the demo says that it succeeded"
is "$(sed -n 's/^the guest: //p' <<<"$out")" "its clock, its connection and its memory went on" "the guest goes on"
is "$(sed -n 's/^uname -r:.*-\(.\) before.*-\(.\) after$/\1\2/p' <<<"$out")" AB "another kernel runs afterwards"
done_testing
