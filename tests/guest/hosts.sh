# shellcheck shell=sh
# Updates on machines that users reported trouble with; tests/hosts.t and tests/hosts-host.t say with which parameters and hardware.
. /tests/selftest.sh

# without PARAMETER...: not on the command lines of the kernels to come
without() {
	cp /proc/cmdline "/tmp/cmdline$stage"
	for _parameter; do
		sed -i "s/ $_parameter\(=[^ ]*\)\?\( \|\$\)/ /g" "/tmp/cmdline$stage"
	done
	mount --bind "/tmp/cmdline$stage" /proc/cmdline
}

# Levels of page tables: 5 or 4.
levels() {
	grep -qw la57 /proc/cpuinfo && echo 5 || echo 4
}

# next_unpacked 1|0 A|B [PARAMETER]...: goes on to it, when it was unpacked or for its page tables was not
next_unpacked() {
	_unpacked=$1
	shift
	load_kernel "$@" || fail "kexec -s -l of kernel $1"
	is "$(messages 'KHO: the next kernel decompresses itself .*: it has page tables of another number of levels')" \
		$((1 - _unpacked)) "kernel $stage: the next one is unpacked: $_unpacked"
	is "$(messages 'KHO: the next kernel decompresses itself')" $((1 - _unpacked)) "kernel $stage: it says so once, or not at all"
	do_kexec
}

nodes() {
	find /sys/devices/system/node -name 'node[0-9]*' -maxdepth 1 | wc -l
}

prepare() {
	halves luo_update prepare simple chain
	halves luo_folios prepare sparse comb huge
	halves luo_memfd prepare reused
}

verify() {
	halves luo_folios verify sparse comb huge
	halves luo_memfd verify reused
	halves luo_update verify simple chain
}

verify_last() {
	halves luo_update verify chain
	halves luo_memfd verify reused
}

# on_node NODE COMMAND...: with memory of this node
on_node() {
	echo +cpuset >/cgroup/cgroup.subtree_control
	mkdir /cgroup/on_node
	echo "$1" >/cgroup/on_node/cpuset.mems
	shift
	echo 0 >/cgroup/on_node/cgroup.procs
	"$@"
	echo 0 >/cgroup/cgroup.procs
}

# load_larger A|B: as load_kernel, with an initramfs that is larger by 100 MiB
load_larger() {
	make_initrd
	dd if=/dev/zero bs=1M count=100 >>/tmp/initrd
	kexec -s -l "/boot/kernel-$1" --initrd=/tmp/initrd \
		--command-line="$(sed "s/ stage=[0-9]*/ stage=$((stage + 1))/" /proc/cmdline)"
}

# Who owns which page can be read, of preserved pages as well.
owners() {
	[ -n "$(param page_owner)" ] || return 0
	is "$(cat /sys/kernel/slab/kmalloc-64/poison)" 1 "kernel $stage: SLUB fills what is free"
	ok "kernel $stage: pages have owners: $(grep -c '^Page allocated' /sys/kernel/debug/page_owner)" \
		grep -q '^Page allocated' /sys/kernel/debug/page_owner
}

# What takes much memory has it, and scratch memory is there for the next kernel.
large() {
	is "$(messages 'kfence: initialized')" 1 "kernel $stage: KFENCE's pool"
	is "$(cat /sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages)" 1 "kernel $stage: a gigantic page"
	is "$(cat /sys/kernel/kexec_crash_size)" 268435456 "kernel $stage: memory for a crash kernel"
	ok "kernel $stage: of scratch memory, less is in use than what they take" test "$(scratch_in_use)" -lt $((192 * 1024))
}

case $(param case):$stage in
# Five levels of page tables and again, four and again, and five. Where their number stays, the kernel is unpacked when it is loaded.
levels:1)
	is "$(levels)" 5 "levels of page tables"
	prepare
	next_unpacked 1 B ;;
levels:2)
	came_from A 1
	is "$(levels)" 5 "levels of page tables"
	verify
	next_unpacked 0 A no5lvl ;;
levels:3)
	came_from B 2
	is "$(levels)" 4 "levels of page tables"
	verify_last
	next_unpacked 1 B ;;
levels:4)
	came_from A 3
	is "$(levels)" 4 "levels of page tables"
	halves luo_update verify chain
	without no5lvl
	next_unpacked 0 A ;;
levels:5)
	came_from B 4
	is "$(levels)" 5 "levels of page tables"
	halves luo_update verify chain
	pass ;;

# Two nodes, which the next kernel does not look for, and of which the one after it makes four.
numa:1)
	is "$(nodes)" 2 "nodes"
	prepare
	next_kernel B numa=off "scratch=$(scratch_areas)" ;;
numa:2)
	came_from A 1
	is "$(nodes)" 1 "nodes"
	is "$(scratch_areas)" "$(param scratch)" "the same scratch memory"
	verify
	without numa
	next_kernel A numa=fake=4 ;;
numa:3)
	came_from B 2
	is "$(nodes)" 4 "nodes"
	is "$(scratch_areas)" "$(param scratch)" "the same scratch memory"
	verify_last
	pass ;;

# Memory preserved high in the last zone, whose struct pages are initialised when all processors run.
grown:1)
	export BIG_MIB=1024
	owners
	free=$(free_memory) total=$(total_memory)
	on_node 1 halves luo_folios prepare big
	prepare
	next_kernel B "free=$free" "total=$total" ;;
grown:2)
	came_from A 1
	owners
	export BIG_MIB=1024
	halves luo_folios verify big
	verify
	about "$(free_memory)" "$(param free)" 16384 "free memory as without an update"
	about "$(total_memory)" "$(param total)" 64 "memory managed as without an update"
	# What is in two hands shows.
	ok "free memory can be written to" dd if=/dev/zero of=/dev/shm/all bs=1M count=1200
	pass ;;

# Isolated preserved pages leave no room for a crash kernel but in scratch memory. A third kernel, with a larger initramfs, has its
# place there all the same: it is copied there when it is started.
full:1)
	halves luo_folios prepare isolated
	next_kernel B crashkernel=768M ;;
full:2)
	came_from A 1
	is "$(cat /sys/kernel/kexec_crash_size)" 805306368 "memory for a crash kernel"
	ok "it is in scratch memory" test "$(scratch_in_use)" -ge $((768 * 1024))
	ok "the third kernel fits" load_larger A
	halves luo_folios verify isolated
	halves luo_folios prepare isolated
	do_kexec ;;
full:3)
	came_from B 2
	halves luo_folios verify isolated
	pass ;;

# Isolated preserved pages leave no room for KFENCE's pool of 512 MiB but in scratch memory. A third kernel has its place there all
# the same.
pool:1)
	halves luo_folios prepare isolated
	next_kernel B kfence.sample_interval=100 ;;
pool:2)
	came_from A 1
	is "$(messages 'kfence: initialized')" 1 "KFENCE's pool"
	ok "it is in scratch memory" test "$(scratch_in_use)" -ge $((512 * 1024))
	halves luo_folios verify isolated
	halves luo_folios prepare sparse huge
	next_kernel A ;;
pool:3)
	came_from B 2
	is "$(messages 'kfence: initialized')" 1 "KFENCE's pool"
	halves luo_folios verify sparse huge
	pass ;;

# A pool of 512 MiB, memory for a crash kernel and a gigantic page, beside isolated preserved pages: none is in scratch memory.
large:1)
	large
	halves luo_folios prepare isolated
	next_kernel B ;;
large:2)
	came_from A 1
	large
	halves luo_folios verify isolated
	halves luo_folios prepare isolated
	next_kernel A ;;
large:3)
	came_from B 2
	large
	halves luo_folios verify isolated
	pass ;;
esac
