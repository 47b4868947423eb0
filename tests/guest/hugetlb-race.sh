# shellcheck shell=sh
# Memfds of huge pages that are preserved while others use them. What a first run leaves cached is not leaked.
. /tests/selftest.sh

selftest /selftests/liveupdate/liveupdate_hugetlb_race
before=$(free_memory)
selftest /selftests/liveupdate/liveupdate_hugetlb_race
about "$(free_memory)" "$before" 16384 "free memory as before"
pass
