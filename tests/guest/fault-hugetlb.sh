# shellcheck shell=sh
# Each allocation of preserve, freeze and retrieve of a memfd of huge pages fails once.
. /tests/selftest.sh

pool() {
	cat /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages /sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages | tr '\n' ' '
}

case $stage in
1)	total=$(total_memory)
	ok "the next kernel is loaded" load_kernel B
	halves luo_fault_hugetlb prepare preserve_fails freeze_fails retrieve_fails
	no_leaks
	next_kernel B "total=$total" ;;
2)	came_from A 1
	is "$(pool)" "50 0 " "what comes in is surplus"
	halves luo_fault_hugetlb verify preserve_fails retrieve_fails
	is "$(pool)" "0 0 " "nothing stays in the pool"
	about "$(total_memory)" "$(param total)" 64 "nothing stays preserved"
	pass ;;
esac
