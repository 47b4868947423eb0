# shellcheck shell=sh
# What shows without a live update: the rules of /dev/liveupdate, and what KHO tells about itself.
. /tests/selftest.sh

selftest /selftests/liveupdate/liveupdate
selftest /selftests/kho/kho
pass
