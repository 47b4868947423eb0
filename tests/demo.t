#!/bin/bash
# The demo: memcached has all its items after a live update, and prints what README shows.
# flavours: default
# tier-all: arm64-default arm64-64k
. "$(dirname "$0")/lib.bash"

# Output, with N for each number: other machines take other times.
shape() {
	sed 's/[0-9][0-9.]*/N/g; s/  *N/ N/g; s/  *$//'
}

out=$("$root/scripts/demo" 2>&1)
status=$?
say "# ${out//$'\n'/$'\n'# }"
is "$status" 0 "the demo says that it succeeded"
is "$(sed -n 's/^items: *//p' <<<"$out")" "200000 of 200000 found, 0 missing, 0 different" "every item comes back as it was"
is "$(sed -n 's/^uname -r:.*-\(.\) before.*-\(.\) after$/\1\2/p' <<<"$out")" AB "another kernel runs afterwards"
# README shows some of it, that for x86_64.
shown=$(awk '/^```/ { inside = /text$/; next } inside && !/^ *[.][.][.]$/' "$root/README.md" | shape)
[ "${ARCH:-x86_64}" != x86_64 ] || is "$(grep -vxFf <(shape <<<"$out") <<<"${shown:-no output}")" "" "README shows what it prints"
done_testing
