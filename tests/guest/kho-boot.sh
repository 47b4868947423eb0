# shellcheck shell=sh
# Two updates on a machine of a special kind: tests/kho-boot.t and kho-boot-machines.t give parameters and hardware.
# want_PARAMETER=VALUE on the command line is what each kernel must find.
. /tests/selftest.sh

# expect PARAMETER GOT DESCRIPTION: when a value of that name is wanted
expect() {
	_want=$(param "want_$1")
	[ -z "$_want" ] || is "$2" "$_want" "kernel $stage: $3"
}

nodes() {
	find /sys/devices/system/node -name 'node[0-9]*' -maxdepth 1 | wc -l
}

machine() {
	expect hugepages "$(awk '/HugePages_Total/ { print $2 }' /proc/meminfo)" "huge pages"
	expect gigantic "$(cat /sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages 2>/dev/null)" "gigantic pages"
	expect crash "$(cat /sys/kernel/kexec_crash_size)" "memory for a crash kernel"
	expect nodes "$(nodes)" "nodes"
	expect "nodes_$stage" "$(nodes)" "nodes"
	expect sizes "$(tr '\n' , </sys/kernel/debug/kho/out/scratch_len)" "sizes of scratch memory"
	expect low "$(grep -c '^[0-9a-f]\{8\}-.*System RAM' /proc/iomem)" "areas of RAM below 4 GiB"
	expect el2 "$(messages "CPU: All CPU.* started at EL2")" "processors start at EL2"
	expect cpus "$(grep -c ^processor /proc/cpuinfo)" "processors"
	[ -z "$(param memmap_above)" ] || ok "kernel $stage: memory above 4 GiB" grep -q -- '-1[0-9a-f]\{8\} : System RAM' /proc/iomem
	is "$(messages 'handover not usable')" 0 "kernel $stage: no complaint about the handover"
}

machine
# What the next kernel's NUMA nodes are to be, if they are to be others.
numa=$(param "numa_$((stage + 1))")
case $stage in
1)	# It expects an area of each kind.
	[ -n "$(param kho_bootmem)" ] || selftest /selftests/kho/kho
	halves luo_update prepare simple chain
	halves luo_folios prepare sparse comb huge
	halves luo_memfd prepare reused
	next_kernel B "scratch=$(scratch_areas)" ;;
2)	came_from A 1
	is "$(scratch_areas)" "$(param scratch)" "the same scratch memory"
	halves luo_folios verify sparse comb huge
	halves luo_memfd verify reused
	halves luo_update verify simple chain
	next_kernel A ;;
3)	came_from B 2
	is "$(scratch_areas)" "$(param scratch)" "the same scratch memory"
	selftest /selftests/kho/kho
	halves luo_update verify chain
	halves luo_memfd verify reused
	pass ;;
esac
