# shellcheck shell=sh
# Updates on machines that users reported trouble with; tests/hosts.t says with which parameters and hardware.
. /tests/selftest.sh

# without PARAMETER...: not on the command lines of the kernels to come
without() {
	cp /proc/cmdline "/tmp/cmdline$stage"
	for _parameter; do
		sed -i "s/ $_parameter\(=[^ ]*\)\?\( \|\$\)/ /g" "/tmp/cmdline$stage"
	done
	mount --bind "/tmp/cmdline$stage" /proc/cmdline
}

nodes() {
	find /sys/devices/system/node -name 'node[0-9]*' -maxdepth 1 | wc -l
}

prepare() {
	halves luo_update prepare simple chain
	halves luo_memfd prepare sparse comb huge reused
}

verify() {
	halves luo_memfd verify sparse comb huge reused
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

case $(param case):$stage in
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
	free=$(free_memory) total=$(total_memory)
	on_node 1 halves luo_memfd prepare big
	prepare
	next_kernel B "free=$free" "total=$total" ;;
grown:2)
	came_from A 1
	export BIG_MIB=1024
	halves luo_memfd verify big
	verify
	about "$(free_memory)" "$(param free)" 16384 "free memory as without an update"
	about "$(total_memory)" "$(param total)" 64 "memory managed as without an update"
	# What is in two hands shows.
	ok "free memory can be written to" dd if=/dev/zero of=/dev/shm/all bs=1M count=1200
	pass ;;

# Isolated preserved pages leave no room for a crash kernel but in scratch memory. A third kernel, with a larger initramfs, has its
# place there all the same: it is copied there when it is started.
full:1)
	halves luo_memfd prepare isolated
	next_kernel B crashkernel=768M ;;
full:2)
	came_from A 1
	is "$(cat /sys/kernel/kexec_crash_size)" 805306368 "memory for a crash kernel"
	# shellcheck disable=SC2016 # awk's
	ok "it is in scratch memory" \
		awk '$1 == "CmaTotal:" { all = $2 } $1 == "CmaFree:" { exit !(all - $2 >= 768 * 1024) }' /proc/meminfo
	ok "the third kernel fits" load_larger A
	halves luo_memfd verify isolated
	halves luo_memfd prepare isolated
	do_kexec ;;
full:3)
	came_from B 2
	halves luo_memfd verify isolated
	pass ;;
esac
