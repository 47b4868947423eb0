# shellcheck shell=sh
# The real workload: memcached under lukeep over a live update. scripts/demo makes a story of what is reported here.
# Give the number of items with items=N on the kernel command line.

items=$(param items)
socket=/run/memcached.sock

# Service and generator share a processor: under emulation waking another one costs more than it gains.
pinned="taskset 1"

# The same command line in each kernel.
service() {
	$pinned lukeep run --name memcached --memory memory=/run/memory --save meta=/run/memory.meta --signal USR1 -- \
		memcached -u root -t 1 -m 160 -M -s $socket -e /run/memory >/dev/ttyS1 2>&1 &
}

# In the order of events: the generator's own lines are part of the report.
load() {
	$pinned mcload "$1" $socket "$items" >/dev/ttyS1
}

report "demo: kernel $(uname -r)"
service
case $stage in
1)	ok "memcached takes $items items" load fill
	report "demo: $(grep ShmemHugePages /proc/meminfo)"
	load_kernel B || fail "kexec -s -l of kernel B"
	report "demo: kernel B is loaded"
	lukeep update --name memcached
	fail "lukeep update came back with status $?" ;;
2)	ok "memcached has $items items as they were" load check
	pass ;;
esac
