# shellcheck shell=sh
# Huge pages that come in count on the node that they are on, also if nodes have other numbers than in the previous kernel.
. /tests/selftest.sh

# pool NODE: nr free surplus
pool() {
	for _counter in nr free surplus; do
		cat "/sys/devices/system/node/node$1/hugepages/hugepages-2048kB/${_counter}_hugepages"
	done | tr '\n' ' '
}

prepare_on() {
	[ -d /cgroup/on_node ] || { echo +cpuset >/cgroup/cgroup.subtree_control; mkdir /cgroup/on_node; }
	echo "$1" >/cgroup/on_node/cpuset.mems
	echo 0 >/cgroup/on_node/cgroup.procs
	halves luo_hugetlb prepare full
	echo 0 >/cgroup/cgroup.procs
}

# next_nodes A|B PARAMETER...: a kernel with these pools and nodes
next_nodes() {
	_image=$1
	shift
	make_initrd
	kexec -s -l "/boot/kernel-$_image" --initrd=/tmp/initrd --command-line="$(sed "s/ stage=[0-9]*/ stage=$((stage + 1))/; \
		s/ \(hugepages\|numa\)=[^ ]*//g" /proc/cmdline) $*" || fail "kexec"
	do_kexec
}

case $stage in
1)	selftest /selftests/liveupdate/liveupdate_hugetlb_race -r race.of_migration_and_preserve
	for node in 0 1; do
		echo 8 >"/sys/devices/system/node/node$node/hugepages/hugepages-2048kB/nr_hugepages"
	done
	prepare_on 1
	is "$(pool 0)" "8 8 0 " "node 0"
	is "$(pool 1)" "8 4 0 " "node 1"
	next_nodes B hugepages=0:8,1:8 ;;
2)	came_from A 1
	is "$(pool 0)" "8 8 0 " "node 0 allocates its pages"
	is "$(pool 1)" "8 4 0 " "on node 1 they are part of what is asked for"
	halves luo_hugetlb verify full
	is "$(pool 0)" "8 8 0 " "node 0"
	is "$(pool 1)" "8 8 0 " "node 1 has them"
	prepare_on 1
	next_nodes A hugepages=0:8,1:2 ;;
3)	came_from B 2
	is "$(pool 0)" "8 8 0 " "node 0"
	is "$(pool 1)" "4 0 2 " "on node 1 two are surplus"
	halves luo_hugetlb verify full
	is "$(pool 1)" "2 2 0 " "and leave the pool"
	echo 8 >/sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages
	prepare_on 1
	next_nodes B hugepages=16 numa=off ;;
4)	came_from A 3
	is "$(pool 0)" "16 12 0 " "without nodes"
	halves luo_hugetlb verify full
	is "$(pool 0)" "16 16 0 " "without nodes"
	prepare_on 0
	next_nodes A hugepages=0:4,1:4 ;;
5)	came_from B 4
	is "$(cat /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages)" 8 "with nodes again"
	halves luo_hugetlb verify full
	is "$(cat /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages)" 8 "the pool is as large"
	is "$(cat /sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages)" 8 "and all of it free"
	note "$(pool 0), $(pool 1)"
	echo 0 >/proc/sys/vm/nr_hugepages
	echo 8 >/sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages
	prepare_on 1
	next_nodes B hugepages=16 ;;
6)	came_from A 5
	is "$(pool 0)" "8 8 0 " "a number for all nodes is spread evenly"
	is "$(pool 1)" "8 4 0 " "with what comes in"
	halves luo_hugetlb verify full
	is "$(pool 0)$(pool 1)" "8 8 0 8 8 0 " "and it is the same when that is free"
	pass ;;
esac
