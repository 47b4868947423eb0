# shellcheck shell=sh
# The KUnit suites of KHO and LUO.
. /tests/selftest.sh

suites=$(find /sys/kernel/debug/kunit -maxdepth 1 \( -name '*kho*' -o -name '*luo*' -o -name '*liveupdate*' \) -exec basename {} \;)
ok "there are suites" test -n "$suites"
# shellcheck disable=SC2086 # a list of words
kunit $suites
pass
