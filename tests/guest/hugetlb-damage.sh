# shellcheck shell=sh
# Damaged descriptions of memfds of huge pages, and of how many there are.
. /tests/selftest.sh

pool() {
	cat /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages
}

case $stage in
1)	halves luo_hugetlb prepare full sparse late unwanted
	# The number of folios; a page frame that no machine has; the size of a page.
	cat >/sys/kernel/debug/kho/out/corrupt <<-end
		hugetlb@sparse 0 24 0x01
		folio@full 1 0 0x10
		hugetlb@unwanted 0 20 0x04
	end
	next_kernel B ;;
2)	came_from A 1
	is "$(pool)" 16 "all that was said to come in counts"
	halves luo_hugetlb_rules verify damaged
	halves luo_hugetlb verify late unwanted
	is "$(messages 'hugetlb_luo: a file of huge pages has lost some')" 1 "what was not restored is no hole"
	is "$(messages 'hugetlb_luo: what was handed over of a file of hugetlbfs at .* is damaged')" 3 "the log says which are lost"
	is "$(messages 'hugetlb_luo: the records of folios from number 0 on are damaged')" 1 "and whose folios"
	is "$(messages 'hugetlb_luo: 8 huge pages of the previous kernel are lost')" 1 "and how many pages"
	is "$(pool)" 8 "the pool has none of these"
	echo 16 >/proc/sys/vm/nr_hugepages
	halves luo_hugetlb prepare late
	echo 'hugetlb-pool 0 56 0x01' >/sys/kernel/debug/kho/out/corrupt
	next_kernel A ;;
3)	came_from B 2
	is "$(messages 'hugetlb_luo: what was handed over of the pools of huge pages is damaged')" 1 "the log says that the counts are damaged"
	is "$(pool)" 16 "the pool is as asked for"
	halves luo_hugetlb verify late
	is "$(pool)" 16 "what was not announced is surplus"
	halves luo_hugetlb prepare late
	# The name of the state that files share: its entry is behind the header and those of luo_test, of which there are three.
	echo 'flb 4 0 0x01' >/sys/kernel/debug/kho/out/corrupt
	next_kernel B ;;
4)	came_from A 3
	is "$(messages 'luo_test: incoming flbs at boot: 0')" 1 "no other state is damaged"
	is "$(pool)" 16 "what comes in counts, though the state of the pools has another name"
	is "$(messages 'hugetlb_luo: .* are lost')" 0 "and is not lost"
	halves luo_hugetlb verify late
	is "$(pool)" 16 "the pool is as asked for"
	halves luo_hugetlb prepare late
	echo 'file-block@late 0 8 0x01' >/sys/kernel/debug/kho/out/corrupt
	next_kernel A ;;
5)	came_from B 4
	halves luo_hugetlb_rules verify session_damaged
	is "$(pool)" 16 "memory that stays reserved is in use"
	pass ;;
esac
