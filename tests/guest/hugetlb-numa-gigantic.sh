# shellcheck shell=sh
# Gigantic pages that come in count on the node that they are on, before the command line allocates others.
. /tests/nodes.sh

huge_kb=1048576

pools() {
	is "$(pool 0)" "$1 " "$3: node 0"
	is "$(pool 1)" "$2 " "$3: node 1"
}

case $stage in
1)	pools "1 1 0" "2 2 0" "a cold boot"
	prepare_on 1 gigantic
	pools "1 1 0" "2 1 0" "preserved"
	next_nodes B hugepagesz=1G hugepages=0:1,1:2 "total=$(total_memory)" ;;
2)	came_from A 1
	pools "1 1 0" "2 1 0" "part of what is asked for on its node"
	halves luo_hugetlb verify gigantic
	pools "1 1 0" "2 2 0" "retrieved and closed"
	about "$(total_memory)" $(($(param total) + $(spared))) 64 "memory managed as without an update, and what boot did not need"
	prepare_on 1 gigantic
	next_nodes A hugepagesz=1G hugepages=0:1 ;;
3)	came_from B 2
	pools "1 1 0" "1 0 1" "surplus where none is asked for"
	halves luo_hugetlb verify gigantic
	pools "1 1 0" "0 0 0" "and it leaves the pool"
	set_pool 1 1
	pools "1 1 0" "1 1 0" "its memory makes another one"
	prepare_on 0 gigantic
	next_nodes B hugepagesz=1G hugepages=2 ;;
4)	came_from A 3
	pools "1 0 0" "1 1 0" "a number for all nodes is spread evenly, with what comes in"
	halves luo_hugetlb verify gigantic
	pools "1 1 0" "1 1 0" "and it is the same when that is free"
	is "$(messages 'hugetlb_luo:')" 0 "nothing is wrong"
	pass ;;
esac
