# shellcheck shell=sh
# State that files share: first and last, at the same time, failing, over two updates.
. /tests/selftest.sh

# at_boot ERRNO: what the FLBs found when this kernel started
at_boot() {
	is "$(messages "luo_test: incoming flbs at boot: $1\$")" 1 "kernel $stage: FLBs come in before userspace, $1"
}

# early ERRNO: what they found before that, with one processor and most memory not there yet
early() {
	is "$(messages "luo_test: incoming flbs early: $1\$")" 1 "kernel $stage: FLBs come in for early initcalls, $1"
}

case $stage in
1)	at_boot -61
	early -61
	halves luo_flb prepare first_and_last handler_fails flb_fails concurrent second_waits_for_first killed_in_callback
	ok "the next kernel is loaded" load_kernel B
	halves luo_flb prepare freeze_waits
	halves luo_flb prepare shared
	no_leaks
	do_kexec ;;
2)	came_from A 1
	at_boot 0
	early 0
	is "$(messages 'was taken back already')" 0 "what came in was in place for debugfs"
	ok "debugfs shows what came in" test -e /sys/kernel/debug/kho/in/sub_fdts/LUO
	halves luo_flb prepare shared
	halves luo_flb verify shared
	is "$(dmesg | sed -n 's/.*luo_test: finish flb //p' | tr '\n' ' ')" "2 1 0 " "FLBs are finished in reverse"
	next_kernel A ;;
3)	came_from B 2
	at_boot -5
	early -5
	halves luo_flb verify shared
	is "$(messages "luo: shared state 'luo-test-flb2-v1' cannot be retrieved: ")" 1 "a message names the FLB that cannot be retrieved"
	pass ;;
esac
