# shellcheck shell=sh
# A file that does not fit in the memory that the machine booted with, with more memory added than that.
. /tests/selftest.sh

memory=/sys/devices/system/memory

# Of zones that are not movable, without scratch, in MiB.
room() {
	awk -v page="$page_size" '$1 == "Node" { zone = $4; managed = 0 } $1 == "managed" { managed = $2 }
		$1 == "cma" && zone != "Movable" { pages += managed - $2 } END { print int(pages * page / 1048576) }' /proc/zoneinfo
}

# The first memory that the parameter mem=768M leaves out is block 6, and the last of the machine's 2 GiB is block 15.
block=6
while [ $block -lt 16 ]; do
	echo $((block * 0x8000000)) >$memory/probe
	echo online_movable >$memory/memory$block/state
	block=$((block + 1))
done
ok "more memory is added than there was" test "$(total_memory)" -gt $((2 * 768 * 1024))
free=$(free_memory)

export BIG_MIB=1024
ok "it is more than what may be preserved" test $BIG_MIB -gt "$(room)"
halves luo_folios prepare too_large
is "$(messages oom-kill)" 0 "no task is killed"

BIG_MIB=$(($(room) - 16))
halves luo_folios prepare too_large
is "$(messages oom-kill)" 0 "no task is killed for a file that would fit if there was nothing else"
about "$(free_memory)" "$free" 4096 "free memory as before"
halves luo_folios prepare sparse comb
pass
