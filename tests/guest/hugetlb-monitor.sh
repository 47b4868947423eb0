# shellcheck shell=sh
# The example for authors of monitors, with guests in huge pages, over updates to kernels that ask for no pool, and for the same.
. /tests/selftest.sh

pages=huge

# The pool of 2 MiB: pages, free ones, surplus ones.
pool() {
	(cd /sys/kernel/mm/hugepages/hugepages-2048kB && cat nr_hugepages free_hugepages surplus_hugepages | tr '\n' ' ')
}

case $stage in
1)	echo 4 >/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages
	for name in vm1 vm2; do
		monitor $name booted "ready for the next kernel after 2 rounds"
	done
	is "$(pool)" "4 0 0 " "the guests have all of the pool"
	monitor vm3
	monitor_advises "the pool is too small: raise hugepages="
	next_kernel B ;;
2)	came_from A 1
	is "$(pool)" "4 0 4 " "pages that come in and were not asked for are surplus"
	for name in vm1 vm2; do
		monitor $name resumed "ready for the next kernel after 4 rounds"
	done
	next_kernel A hugepages=4 ;;
3)	came_from B 2
	is "$(pool)" "4 0 0 " "or part of hugepages="
	for name in vm1 vm2; do
		monitor $name resumed "ready for the next kernel after 6 rounds"
	done
	is "$(pool)" "4 0 0 " "they are in use by the guests"
	pass ;;
esac
