# shellcheck shell=sh
# The real workload: memcached under lukeep over a live update. scripts/demo makes a story of what is reported here.
# Give the number of items with items=N on the kernel command line.

items=$(param items)
socket=/run/memcached.sock

# Service and generator share a processor: under emulation waking another one costs more than it gains.
pinned="taskset 1"

# The same declaration in each kernel.
declare_memcached 160

# In the order of events: the generator's own lines are part of the report.
load() {
	$pinned mcload "$1" $socket "$items" >"$reports"
}

moments
report "demo: kernel $(uname -r)"
$pinned lukeep run >"$reports" 2>&1 &
case $stage in
1)	ok "memcached takes $items items" load fill
	report "demo: $(grep ShmemHugePages /proc/meminfo)"
	make_initrd
	lukeep update --kernel /boot/kernel-B --initrd /tmp/initrd --reuse-cmdline --append stage=2
	fail "lukeep update came back with status $?" ;;
2)	ok "memcached has $items items as they were" load check
	pass ;;
esac
