# shellcheck shell=sh
# A large list of measurements over two updates; then, without KHO, to a kernel that is not to use the memory that it is in.
. /tests/selftest.sh

ima=/sys/kernel/security/ima
module=/lib/modules/$(uname -r)/test_kho.ko

measured() {
	cat $ima/runtime_measurements_count
}

# A measurement has the name of the file in it, which is long.
make_list() {
	_name=$(printf '%0240d' 0)
	_dir=$(for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do printf '/%s' "$_name"; done)
	mkdir -p "/tmp$_dir"
	(
		cd "/tmp$_dir" || exit
		_n=0
		while [ $_n -lt $(($(param list) * 280)) ]; do
			echo >$_n
			_n=$((_n + 1))
		done
		cat ./* >/dev/null
	)
	ok "there is much in the list of measurements" test "$(wc -c <$ima/binary_runtime_measurements)" -gt $(($(param list) * 1000000))
}

# Of the kernels before nothing is missing.
list_restored() {
	is "$(messages 'Failed to restore the measurement list')" 0 "kernel $stage: the list of measurements is whole"
	ok "kernel $stage: it has what was measured before" test "$(measured)" -ge "$(param measured)"
}

mount -t securityfs security /sys/kernel/security
case $stage in
1)	make_list
	halves luo_handler prepare alone
	ok "the module loads" insmod "$module"
	next_kernel B "measured=$(measured)" ;;
2)	came_from A 1
	list_restored
	halves luo_handler verify alone
	halves luo_handler prepare alone
	ok "what the module preserved is there" insmod "$module"
	next_kernel A "measured=$(measured)" ;;
3)	came_from B 2
	list_restored
	halves luo_handler verify alone
	next_kernel B kho=off "measured=$(measured)" ;;
4)	list_restored
	next_kernel A "mem=640M measured=$(measured)" ;;
5)	is "$(messages 'IMA: previous kernel measurement buffer .* lies outside available memory')" 1 "a list that cannot be read is left alone"
	ok "measuring goes on" test "$(measured)" -gt 0
	pass ;;
esac
