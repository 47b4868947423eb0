# shellcheck shell=sh
# Memfds of huge pages over updates: contents, and each counter of the pools.
. /tests/selftest.sh

names='full sparse late attributes unlinked one'
# Pages of 2 MiB that these have, and that the unwanted one has.
nr_files=12 nr_unwanted=2

# pool KIB [NODE]: nr free resv surplus
pool() {
	_dir=/sys/${2:+devices/system/node/node$2}
	[ -n "$2" ] || _dir=/sys/kernel/mm
	_dir=$_dir/hugepages/hugepages-$1kB
	cat "$_dir/nr_hugepages" "$_dir/free_hugepages" "$_dir/resv_hugepages" "$_dir/surplus_hugepages" 2>/dev/null | tr '\n' ' '
}

# expect_pool KIB NR FREE SURPLUS DESCRIPTION: with nothing reserved, and the same on the only node, if the kernel knows of nodes
expect_pool() {
	is "$(pool "$1")" "$2 $3 0 $4 " "$5: $2 pages of $1 KiB, $3 free, $4 surplus"
	! kernel_has NUMA || is "$(pool "$1" 0)" "$2 $3 $4 " "and on the node"
}

# next_pools A|B WORD...: the next kernel, with these parameters for its pools
next_pools() {
	_image=$1
	shift
	make_initrd
	kexec -s -l "/boot/kernel-$_image" --initrd=/tmp/initrd --command-line="$(sed "s/ stage=[0-9]*/ stage=$((stage + 1))/; \
		s/ \(default_hugepagesz\|hugepagesz\|hugepages\|hugetlb_free_vmemmap\|total\|memmap_kib\)=[^ ]*//g" /proc/cmdline) total=$(total_memory) memmap_kib=$(memmap) $*" || fail "kexec"
	do_kexec
}

# KiB of memory that is the memory map.
memmap() {
	awk -v page="$page_size" '$1 == "nr_memmap_boot_pages" || $1 == "nr_memmap_pages" { n += $2 } END { print n * page / 1024 }' /proc/vmstat
}

# expect_memmap LESS DESCRIPTION: it is smaller than the previous kernel's by so many KiB
expect_memmap() {
	about "$(memmap)" $(($(param memmap_kib) - $1)) 64 "memory map: $2"
}

# Looks at each page frame, as much of the kernel does.
walk_pages() {
	echo 1 >/proc/sys/vm/compact_memory
	ok "$1: all page frames can be looked at" cat /proc/kpage* /proc/pagetypeinfo >/dev/null
	[ ! -e /sys/kernel/debug/kmemleak ] || echo scan >/sys/kernel/debug/kmemleak
}

# What a pool of this kernel's parameters is once nothing is preserved or in use.
is_as_asked() {
	expect_pool 2048 "$1" "$1" 0 "in the end"
	expect_pool 1048576 "$2" "$2" 0 "in the end"
	is "$(messages 'hugetlb_luo:')" 0 "nothing is wrong"
}

prepare() {
	# shellcheck disable=SC2086 # a list of words
	halves luo_hugetlb prepare $names unwanted
}

verify() {
	# shellcheck disable=SC2086 # a list of words
	halves luo_hugetlb verify $names
	expect_pool 2048 "$@" "retrieved and closed"
	halves luo_hugetlb verify unwanted
}

# The cgroup that retrieves a file is charged for it, if there are cgroups.
charged() {
	if ! kernel_has CGROUP_HUGETLB; then
		halves luo_hugetlb verify full
		return
	fi
	mount -o remount,memory_hugetlb_accounting /cgroup
	mkdir /cgroup/limited
	echo +hugetlb +memory >/cgroup/cgroup.subtree_control
	echo 0 >/cgroup/limited/hugetlb.2MB.max
	echo 0 >/cgroup/limited/hugetlb.2MB.rsvd.max
	halves luo_hugetlb_rules verify charged
}

n=$((nr_files + nr_unwanted))
case $stage in
1)	is_as_asked 64 2
	prepare
	expect_pool 2048 64 $((64 - n)) 0 "preserved"
	halves luo_hugetlb prepare gigantic
	expect_pool 1048576 2 1 0 "preserved"
	next_pools B hugepagesz=2M hugepages=64 hugepagesz=1G hugepages=2 ;;
2)	came_from A 1
	expect_memmap "$(spared)" "a gigantic page that came in has few struct pages"
	walk_pages "before it is retrieved"
	# The same pools: what comes in is part of them.
	expect_pool 2048 64 $((64 - n)) 0 "as asked for"
	expect_pool 1048576 2 1 0 "as asked for"
	verify 64 $((64 - nr_unwanted)) 0
	halves luo_hugetlb verify gigantic
	walk_pages "when it is in the pool"
	echo 0 >/sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages
	expect_pool 1048576 0 0 0 "given back"
	expect_memmap 0 "all of its struct pages"
	walk_pages "when it is free memory"
	echo 2 >/sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages
	is_as_asked 64 2
	about "$(total_memory)" $(($(param total) + $(spared))) 64 "memory managed as without an update, and what boot did not need"
	prepare
	halves luo_hugetlb prepare gigantic
	next_pools A hugepagesz=2M hugepages=4 hugetlb_free_vmemmap=on ;;
3)	came_from B 2
	# Smaller pools: what comes in beyond them is surplus. HVO is on in this kernel.
	expect_pool 2048 $n 0 $((n - 4)) "smaller"
	expect_pool 1048576 1 0 1 "not asked for"
	halves luo_hugetlb_rules verify overcommit
	expect_pool 2048 $n 0 $((n - 4)) "not overcommitted any more"
	# Reads the files and closes them: more are surplus than are left.
	verify 4 $((4 - nr_unwanted)) 0
	halves luo_hugetlb verify gigantic
	is_as_asked 4 0
	echo 64 >/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages
	echo 1 >/sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages
	is_as_asked 64 1
	prepare
	halves luo_hugetlb prepare gigantic
	next_pools B hugepagesz=2M hugepages=100 hugepagesz=1G hugepages=1 hugetlb_free_vmemmap=on ;;
4)	came_from A 3
	# HVO is on in this kernel, too, and in the next one it is off.
	expect_pool 2048 100 $((100 - n)) 0 "larger"
	expect_pool 1048576 1 0 0 "just that"
	walk_pages "before anything is retrieved"
	# Nothing is retrieved.
	halves luo_hugetlb verify none unwanted
	is_as_asked 100 1
	prepare
	halves luo_hugetlb prepare gigantic
	# QEMU's first processors had no pages of 1 GiB, and the kernel can do without.
	next_pools A hugepagesz=2M hugepages=20 clearcpuid=pdpe1gb ;;
5)	came_from B 4
	ok "there are no pages of 1 GiB" test ! -e /sys/kernel/mm/hugepages/hugepages-1048576kB
	expect_pool 2048 20 $((20 - n)) 0 "of one size"
	before=$(free_memory)
	halves luo_hugetlb verify no_such_size
	ok "a page of 1 GiB became free memory" test "$(($(free_memory) - before))" -ge $((1000 * 1024))
	is "$(messages 'hugetlb_luo: this kernel has no huge pages of 1048576 KiB')" 1 "and the log says why"
	charged
	halves luo_hugetlb verify sparse late attributes unlinked one unwanted
	expect_pool 2048 20 20 0 "in the end"
	pass ;;
esac
