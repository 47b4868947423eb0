# shellcheck shell=sh
# 65536 preserved pages, none beside another. The next kernel is asked to test its memory, and is to allow no fewer threads.
. /tests/selftest.sh

threads=$(cat /proc/sys/kernel/threads-max)
case $stage in
1)	halves luo_memfd prepare isolated
	next_kernel B memtest=1 threads="$threads" ;;
2)	came_from A 1
	is "$(messages 'memtest= is ignored')" 1 "memory is not tested while that would destroy it"
	halves luo_memfd verify isolated
	ok "as many threads may run: $threads of $(param threads)" test $((threads * 10)) -ge $(($(param threads) * 9))
	pass ;;
esac
