# shellcheck shell=sh
# Each allocation of create, preserve and retrieve fails once.
. /tests/selftest.sh

case $stage in
1)	total=$(total_memory)
	halves luo_fault prepare create_fails preserve_fails retrieve_fails
	no_leaks
	next_kernel B "total=$total" ;;
2)	came_from A 1
	selftest /selftests/liveupdate/luo_fault -r global.open_fails
	halves luo_fault verify create_fails preserve_fails retrieve_fails
	about "$(total_memory)" "$(param total)" 64 "nothing stays preserved"
	pass ;;
esac
