# shellcheck shell=sh
# Huge pages that come in count on the node that they are on, also if nodes have other numbers than in the previous kernel.
. /tests/nodes.sh

huge_kb=2048

case $stage in
1)	selftest /selftests/liveupdate/liveupdate_hugetlb_race -r race.of_migration_and_preserve
	for node in 0 1; do
		set_pool $node 8
	done
	prepare_on 1 full
	is "$(pool 0)" "8 8 0 " "node 0"
	is "$(pool 1)" "8 4 0 " "node 1"
	next_nodes B hugepages=0:8,1:8 ;;
2)	came_from A 1
	is "$(pool 0)" "8 8 0 " "node 0 allocates its pages"
	is "$(pool 1)" "8 4 0 " "on node 1 they are part of what is asked for"
	halves luo_hugetlb verify full
	is "$(pool 0)" "8 8 0 " "node 0"
	is "$(pool 1)" "8 8 0 " "node 1 has them"
	prepare_on 1 full
	next_nodes A hugepages=0:8,1:2 ;;
3)	came_from B 2
	is "$(pool 0)" "8 8 0 " "node 0"
	is "$(pool 1)" "4 0 2 " "on node 1 two are surplus"
	halves luo_hugetlb verify full
	is "$(pool 1)" "2 2 0 " "and leave the pool"
	set_pool 1 8
	prepare_on 1 full
	next_nodes B hugepages=16 numa=off ;;
4)	came_from A 3
	is "$(pool 0)" "16 12 0 " "without nodes"
	halves luo_hugetlb verify full
	is "$(pool 0)" "16 16 0 " "without nodes"
	prepare_on 0 full
	next_nodes A hugepages=0:4,1:4 ;;
5)	came_from B 4
	is "$(cat /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages)" 8 "with nodes again"
	halves luo_hugetlb verify full
	is "$(cat /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages)" 8 "the pool is as large"
	is "$(cat /sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages)" 8 "and all of it free"
	note "$(pool 0), $(pool 1)"
	echo 0 >/proc/sys/vm/nr_hugepages
	set_pool 1 8
	prepare_on 1 full
	next_nodes B hugepages=16 ;;
6)	came_from A 5
	is "$(pool 0)" "8 8 0 " "a number for all nodes is spread evenly"
	is "$(pool 1)" "8 4 0 " "with what comes in"
	halves luo_hugetlb verify full
	is "$(pool 0)$(pool 1)" "8 8 0 8 8 0 " "and it is the same when that is free"
	pass ;;
esac
