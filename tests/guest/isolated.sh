# shellcheck shell=sh
# 65536 preserved pages, none beside another. The next kernel is asked to test its memory, and is to allow no fewer threads.
. /tests/selftest.sh

threads=$(cat /proc/sys/kernel/threads-max)

# Of scratch memory by default, the node's area is as large as the others, which are not larger for being counted themselves.
# The sizes are rounded up to 4 MiB.
node_area() {
	_sum=0 _node=0
	while read -r _size; do
		_sum=$((_sum + _node)) _node=$((_size))
	done </sys/kernel/debug/kho/out/scratch_len
	ok "the node's area of scratch memory: $_node of $_sum" test $_node -le $((_sum + 8 * 1024 * 1024))
}

case $stage in
1)	node_area
	halves luo_folios prepare isolated
	next_kernel B memtest=1 memory_corruption_check=1 memory_corruption_check_size=1G threads="$threads" ;;
2)	came_from A 1
	is "$(messages 'memtest= is ignored')" 1 "memory is not tested while that would destroy it"
	is "$(messages 'memory_corruption_check_size= above 1M is ignored')" 1 "nor zeroed to see whether that stays so"
	halves luo_folios verify isolated
	ok "as many threads may run: $threads of $(param threads)" test $((threads * 10)) -ge $(($(param threads) * 9))
	pass ;;
esac
