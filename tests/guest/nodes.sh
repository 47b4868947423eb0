# shellcheck shell=sh
# For tests of huge pages on several nodes, of $huge_kb KiB.
. /tests/selftest.sh

# pool NODE: nr free surplus, of huge pages of $huge_kb KiB
pool() {
	for _counter in nr free surplus; do
		cat "/sys/devices/system/node/node$1/hugepages/hugepages-${huge_kb}kB/${_counter}_hugepages"
	done | tr '\n' ' '
}

# prepare_on NODE NAME: a file whose pages are on this node
prepare_on() {
	[ -d /cgroup/on_node ] || { echo +cpuset >/cgroup/cgroup.subtree_control; mkdir /cgroup/on_node; }
	echo "$1" >/cgroup/on_node/cpuset.mems
	echo 0 >/cgroup/on_node/cgroup.procs
	halves luo_hugetlb prepare "$2"
	echo 0 >/cgroup/cgroup.procs
}

# next_nodes A|B PARAMETER...: a kernel with these pools and nodes
next_nodes() {
	_image=$1
	shift
	make_initrd
	kexec -s -l "/boot/kernel-$_image" --initrd=/tmp/initrd --command-line="$(sed "s/ stage=[0-9]*/ stage=$((stage + 1))/; \
		s/ \(hugepagesz\|hugepages\|numa\|total\)=[^ ]*//g" /proc/cmdline) $*" || fail "kexec"
	do_kexec
}

# set_pool NODE COUNT
set_pool() {
	echo "$2" >"/sys/devices/system/node/node$1/hugepages/hugepages-${huge_kb}kB/nr_hugepages"
}
