# shellcheck shell=sh
# Huge pages in scratch memory are moved out when they are preserved; and an update that is called off.
. /tests/selftest.sh

case $stage in
1)	used=$(scratch_in_use)
	ok "huge pages are in scratch memory" test "$used" -ge $((8 * 2048))
	! kernel_has USERFAULTFD || halves luo_hugetlb_rules prepare outside
	halves luo_hugetlb prepare full
	is "$(cat /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages)" 8 "the pool is as large as before"
	ok "the next kernel is loaded" load_kernel B
	halves luo_hugetlb_rules prepare called_off
	do_kexec ;;
2)	came_from A 1
	halves luo_hugetlb_rules verify called_off
	halves luo_hugetlb verify full
	is "$(cat /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages)" 8 "the pool is as large as before"
	pass ;;
esac
