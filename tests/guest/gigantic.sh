# shellcheck shell=sh
# Gigantic pages for which the next kernel has no room but in scratch memory: their struct pages are initialised late.
. /tests/selftest.sh

# Pages of scratch memory in each zone, in one word.
cma_pages() {
	awk '$1 == "cma" { printf "%s,", $2 }' /proc/zoneinfo
}

case $stage in
1)	halves luo_update prepare simple
	next_kernel B hugepagesz=1G hugepages=9 "cma=$(cma_pages)" ;;
2)	came_from A 1
	ok "a gigantic page is in scratch memory" test "$(scratch_in_use)" -ge $((1024 * 1024))
	is "$(cma_pages)" "$(param cma)" "each zone has the scratch memory that it had"
	halves luo_update verify simple
	pass ;;
esac
