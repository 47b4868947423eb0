# shellcheck shell=sh
# Memory fails in a gigantic page that came in and was not retrieved yet: few of its struct pages exist.
. /tests/selftest.sh

# flags PFN: what /proc/kpageflags has for it
flags() {
	dd if=/proc/kpageflags bs=8 skip="$1" count=1 2>/dev/null | od -An -tu8
}

# kpf_poisoned PAGE: is this page of the gigantic one marked so?
kpf_poisoned() {
	echo $(($(flags $((pfn + $1))) >> 19 & 1))
}

is_reserved() {
	[ $(($(flags "$1") >> 32 & 1)) = 1 ]
}

# The first page of the gigantic one: all of it is reserved, as far as one looks.
find_gigantic() {
	for _gib in 1 2 3 4; do
		_pfn=$((_gib * 262144))
		if is_reserved $_pfn && is_reserved $((_pfn + 100000)) && is_reserved $((_pfn + 262143)); then
			echo $_pfn
			return
		fi
	done
}

corrupted() {
	awk '/^HardwareCorrupted/ { print $2 }' /proc/meminfo
}

# fails PAGE KIB: a page of the gigantic one fails, and so many KiB have
fails() {
	echo $(((pfn + $1) * 4096)) >/sys/devices/system/memory/hard_offline_page 2>/dev/null
	is "$(corrupted)" "$2" "page $1 of it fails"
}

# nobody_wants_it: a page of it fails, and is the only one that is lost
nobody_wants_it() {
	fails 100000 4
	before=$(free_memory)
	halves luo_hugetlb verify gigantic_unwanted
	ok "nobody retrieves it: what did not fail becomes free memory" test "$(($(free_memory) - before))" -ge $((1000 * 1024))
	is "$(kpf_poisoned 100000) $(kpf_poisoned 100064) $(kpf_poisoned 32)" "1 0 0" "the page that failed is marked, and no other"
	pass
}

case $stage in
1)	halves luo_hugetlb prepare gigantic
	next_kernel B ;;
2)	came_from A 1
	pfn=$(find_gigantic)
	ok "the gigantic page is found" test -n "$pfn"
	[ -z "$(param unretrieved)" ] || nobody_wants_it
	# The latter two have the same struct page.
	fails 777 4
	fails 100000 8
	fails $((100000 + 3 * 64)) 12
	echo $(((pfn + 777) * 4096)) >/sys/devices/system/memory/hard_offline_page 2>/dev/null
	is "$(corrupted)" 12 "the first one fails once more, which is no news"
	POISONED="777 100000 $((100000 + 3 * 64))"
	export POISONED
	halves luo_hugetlb verify gigantic_poisoned
	before=$(free_memory)
	echo 0 >/sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages
	ok "the rest becomes free memory" test "$(($(free_memory) - before))" -ge $((1000 * 1024))
	echo 1200 >/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages
	is "$(cat /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages)" 1200 "and can be used"
	pass ;;
esac
