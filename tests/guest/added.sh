# shellcheck shell=sh
# Memory that is added to a running machine. The next kernel does not know of it, so what is handed over must not be there.
. /tests/selftest.sh

# The first memory that the parameter mem=768M leaves out.
memory=/sys/devices/system/memory
block=$memory/memory6

movable_pages() {
	awk '$4 == "Movable" { movable = 1 } movable && $1 == "present" { print $2; exit }' /proc/zoneinfo
}

case $stage in
1)	is "$(cat $memory/block_size_bytes)" 8000000 "a block of memory has 128 MiB"
	ok "a block is added" sh -c "echo 0x30000000 >$memory/probe"
	ok "it comes into use" sh -c "echo online_kernel >$block/state"
	is "$(movable_pages)" 32768 "it is for movable pages, even when it is asked for as the kernel's"
	halves luo_folios prepare sparse comb huge
	next_kernel B ;;
2)	came_from A 1
	ok "it is not there" test ! -e $block
	halves luo_folios verify sparse comb huge
	pass ;;
esac
