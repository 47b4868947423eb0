# shellcheck shell=sh
# Each allocation of preserve and retrieve of a pipe fails once.
. /tests/selftest.sh

case $stage in
1)	total=$(total_memory)
	halves luo_fault_pipe prepare preserve_fails retrieve_fails
	no_leaks
	next_kernel B "total=$total" ;;
2)	came_from A 1
	halves luo_fault_pipe verify retrieve_fails
	about "$(total_memory)" "$(param total)" 64 "nothing stays preserved"
	pass ;;
esac
