# shellcheck shell=sh
# What shows without a live update: the rules of /dev/liveupdate, and what KHO tells about itself.
. /tests/selftest.sh

for program in liveupdate liveupdate_call liveupdate_file liveupdate_memfd liveupdate_race liveupdate_hugetlb liveupdate_tmpfs liveupdate_pipe; do
	selftest "/selftests/liveupdate/$program"
done
selftest /selftests/kho/kho
pass
