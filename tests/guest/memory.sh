# shellcheck shell=sh
# A large memfd and 500 small ones; and that all memory is free again afterwards, update after update.
. /tests/selftest.sh

# prepare MIB
prepare() {
	export BIG_MIB="$1"
	halves luo_folios prepare big
	halves luo_update prepare files
}

big=1024
[ "$flavour" = default ] || big=128

case $stage in
1)	next_kernel B ;;
2)	came_from A 1
	free=$(free_memory) total=$(total_memory)
	prepare $big
	next_kernel A "free=$free" "total=$total" ;;
3)	came_from B 2
	export BIG_MIB=$big
	before=$(free_memory)
	halves luo_update verify files
	halves luo_folios verify big
	free=$(free_memory)
	ok "the memory of the files was not free before" test "$((free - before))" -ge "$((big * 1024))"
	about "$free" "$(param free)" 1024 "free memory as without an update"
	about "$(total_memory)" "$(param total)" 64 "memory managed as without an update"
	prepare 128
	next_kernel B "free=$free" ;;
4)	came_from A 3
	before=$(free_memory)
	halves luo_update verify discarded
	halves luo_folios verify big_discarded
	free=$(free_memory)
	ok "the memory of the files was not free before" test "$((free - before))" -ge "$((128 * 1024))"
	about "$free" "$(param free)" 1024 "free memory as after the last update"
	about "$(total_memory)" "$(param total)" 64 "memory managed as without an update"
	pass ;;
esac
