# shellcheck shell=sh
# For the scripts that run our kselftests, which are in /selftests.

page_size=$(($(sed -n 's/^KernelPageSize: *\([0-9]*\) kB/\1/p' /proc/self/smaps | head -n 1) * 1024))

# What test programs with two halves ask for.
export STAGE="$stage"

# selftest PROGRAM [ARGUMENT]...: all its tests run, none is left out
selftest() {
	tap "$@"
	is "$(grep -c '# SKIP' /tmp/tap)" 0 "${1##*/} skips nothing"
}

# halves PROGRAM prepare|verify NAME...: these tests run, none is left out
halves() {
	_program=$1 _half=$2
	shift 2
	_count=$#
	for _name; do
		shift
		set -- "$@" -r "$_half.$_name"
	done
	tap "/selftests/liveupdate/$_program" "$@"
	is "$(grep -E '^(not )?ok ' /tmp/tap | grep -vc '# SKIP')" "$_count" "all $_count of them ran"
}

# monitor NAME [LINE]...: the example for authors of monitors, with this guest; it says this, and holds the guest. With pages=huge
# what is booted has huge pages.
monitor() {
	_guest=$1
	shift
	mkfifo /run/monitor
	/selftests/liveupdate/luo_monitor "$_guest" ${pages:+"$pages"} >/run/monitor 2>/run/monitor.log &
	_said=$(head -n 2 /run/monitor | sed "s/^$_guest: //")
	rm /run/monitor
	is "$_said" "$(printf '%s\n' "$@")" "the example with $_guest: ${*:-nothing}"
}

# monitor_advises TEXT: with its last words
monitor_advises() {
	is "$(tail -n 1 /run/monitor.log)" "luo_monitor: $1" "the example's advice: $1"
}

# The number of kernel messages that match a pattern.
messages() {
	dmesg | grep -cE "$1"
}

# The previous kernel, A or B, handed over, and this was the count-th time.
came_from() {
	_release=$(uname -r | sed 's/-[AB]$//')
	is "$(dmesg | grep -cF "KHO: exec from: $_release-$1 (count $2)")" 1 "kernel $1 hands over, update $2"
}

# What the kernel said of the last image that did not fit: how to write kho_scratch= for one that does.
sizes_that_would_do() {
	dmesg | sed -n 's/.*does not fit in scratch memory.*boot cold with kho_scratch=\([0-9M]*,[0-9M]*,[0-9M]*\)$/\1/p' | tail -n 1
}

# Areas of scratch memory, each ADDRESS:SIZE, in one word.
scratch_areas() {
	paste -d: /sys/kernel/debug/kho/out/scratch_phys /sys/kernel/debug/kho/out/scratch_len | tr '\n' ,
}

# Free memory in KiB, whether it is in the buddy allocator or cached by a processor.
free_memory() {
	echo 3 >/proc/sys/vm/drop_caches
	awk -v page="$page_size" '$1 == "nr_free_pages" || $1 == "count:" { pages += $2 } END { print pages * page / 1024 }' /proc/zoneinfo
}

# Memory of the kernel's in KiB: without what is preserved and not taken back.
total_memory() {
	awk '/^MemTotal/ { print $2 }' /proc/meminfo
}

# KiB of its memory map that a gigantic page does without that came in, which takes HVO.
spared() {
	[ -e /proc/sys/vm/hugetlb_optimize_vmemmap ] && echo 16380 || echo 0
}

# KiB of scratch memory that are in use.
scratch_in_use() {
	awk '$1 == "CmaTotal:" { all = $2 } $1 == "CmaFree:" { print all - $2 }' /proc/meminfo
}

# about GOT EXPECTED SLACK DESCRIPTION: numbers of KiB
about() {
	note "$4: $1 KiB, expected $2 KiB"
	ok "$4" test $(($1 - $2)) -le "$3" -a $(($2 - $1)) -le "$3"
}
