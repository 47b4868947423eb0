# shellcheck shell=sh
# Pipes over two updates.
. /tests/selftest.sh

case $stage in
1)	halves luo_pipe prepare written ends kinds empty dump huge_dump unwanted
	next_kernel B "total=$(total_memory)" ;;
2)	came_from A 1
	echo +memory >/cgroup/cgroup.subtree_control
	halves luo_pipe verify written ends kinds empty huge_dump unwanted
	about "$(total_memory)" "$(($(param total) - 4096))" 128 "all but what is in the last pipe is free"
	halves luo_pipe verify dump
	next_kernel A "total=$(param total)" ;;
3)	came_from B 2
	echo +memory >/cgroup/cgroup.subtree_control
	halves luo_pipe verify dump_again
	about "$(total_memory)" "$(param total)" 128 "all is free"
	is "$(messages 'pipe_luo:')" 0 "nothing is wrong"
	pass ;;
esac
