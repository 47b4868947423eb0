# shellcheck shell=sh
# A gigantic page whose memory map has few struct pages leaves the pool: no struct page has the state of another one.
. /tests/selftest.sh

gigantic=/sys/kernel/mm/hugepages/hugepages-1048576kB
huge=/sys/kernel/mm/hugepages/hugepages-2048kB

# Allocates most of the free memory, as huge pages: the page allocator looks at each struct page.
use_all() {
	_most=$(($(free_memory) / 2048 - 100))
	echo $_most >$huge/nr_hugepages
	ok "$_most huge pages" test "$(cat $huge/nr_hugepages)" -gt $((_most - 50))
	echo 0 >$huge/nr_hugepages
}

# HVO stays with the gigantic page, and is for no other: 6.12.117 leaves copies of the first struct pages in those that it frees.
only_ours() {
	echo 0 >/proc/sys/vm/hugetlb_optimize_vmemmap
}

# is_sound DESCRIPTION: the page is memory as any other now
is_sound() {
	use_all
	dmesg | grep -E 'BUG|WARNING|Bad page|bad:' >/tmp/bad
	cat /tmp/bad
	is "$(wc -l </tmp/bad)" 0 "$1: the log tells of nothing bad"
}

# next WORD...: the next kernel, with the page in it and these parameters
next() {
	echo 1 >$gigantic/nr_hugepages
	is "$(cat $gigantic/nr_hugepages)" 1 "a gigantic page"
	halves luo_hugetlb prepare gigantic
	sed 's/ \(hugetlb_free_vmemmap\|whole\)=[^ ]*//g' /proc/cmdline >/tmp/cmdline
	make_initrd
	kexec -s -l /boot/kernel-B --initrd=/tmp/initrd --command-line="$(sed "s/ stage=[0-9]*/ stage=$((stage + 1))/" /tmp/cmdline) whole=$(memmap) $*" || fail "kexec"
	do_kexec
}

# Of the memory map, KiB.
memmap() {
	awk -v page="$page_size" '$1 == "nr_memmap_boot_pages" || $1 == "nr_memmap_pages" { n += $2 } END { print n * page / 1024 }' /proc/vmstat
}

case $stage in
1)	next ;;
2)	came_from A 1
	halves luo_hugetlb verify gigantic
	echo 1 >$gigantic/demote
	is "$(cat $gigantic/nr_hugepages) $(cat $huge/free_hugepages)" "0 512" "the page becomes smaller ones"
	echo 0 >$huge/nr_hugepages
	is_sound "demoted"
	next ;;
3)	came_from B 2
	halves luo_hugetlb verify gigantic
	echo 0 >$gigantic/nr_hugepages
	is "$(cat $gigantic/nr_hugepages)" 0 "the page becomes free memory"
	is_sound "freed"
	next hugetlb_free_vmemmap=on ;;
4)	came_from B 3
	halves luo_hugetlb verify gigantic
	only_ours
	echo 0 >$gigantic/nr_hugepages
	is "$(cat $gigantic/nr_hugepages)" 0 "the page becomes free memory"
	is_sound "freed with HVO on"
	next hugetlb_free_vmemmap=on ;;
5)	came_from B 4
	halves luo_hugetlb verify gigantic
	only_ours
	echo 1 >$gigantic/demote
	is "$(cat $gigantic/nr_hugepages) $(cat $huge/free_hugepages)" "0 512" "the page becomes smaller ones"
	echo 0 >$huge/nr_hugepages
	is_sound "demoted with HVO on"
	next hugetlb_free_vmemmap=off ;;
6)	came_from B 5
	is "$(memmap)" "$(param whole)" "with HVO ruled out all struct pages exist"
	halves luo_hugetlb verify gigantic
	pass ;;
esac
