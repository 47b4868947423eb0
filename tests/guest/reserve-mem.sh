# shellcheck shell=sh
# Eight areas stay where they are for three updates. Then some are asked for otherwise, then none of them, then KHO is
# off. ramoops, which has an area, is the one who looks areas up.
. /tests/selftest.sh
. /tests/areas.sh

names='oops odd big aligned p1 p2 p@1 p'

# The contents of those areas that ramoops does not write to; of the odd one no more than was asked for.
contents() {
	{ dump odd 4 | head -c 12345; dump big 2048; dump aligned 16; dump p1 1; dump p2 1; dump p@1 100; dump p 1 | head -c 1; } |
		md5sum | cut -d' ' -f1
}

write_contents() {
	fill odd 4
	fill big 2048
	fill aligned 16
	fill p1 1
	fill p2 1
	fill p@1 100
	fill p 1
}

# ramoops finds its area by name, and in it what was written before the update.
write_pmsg() {
	echo "written in stage $stage" >/dev/pmsg0
}

read_pmsg() {
	mkdir -p /tmp/pstore
	mount -t pstore pstore /tmp/pstore
	is "$(cat /tmp/pstore/pmsg-ramoops-0)" "written in stage $((stage - 1))" "ramoops finds what it wrote"
}

# kept KERNEL COUNT: all areas came from that kernel
kept() {
	came_from "$1" "$2"
	is "$(area_messages '.* is where it was')" 8 "all areas are where they were"
	is "$(area_messages '.*(afresh|freed|until)')" 0 "none is allocated afresh or given back"
	# shellcheck disable=SC2086 # a list of words
	is "$(addresses $names)" "$(param places)" "at the same addresses"
	is "$(contents)" "$(param contents)" "with the same contents"
	read_pmsg
}

# Are these pages neither free nor allocated? Bit 32 of kpageflags.
is_reserved() {
	_flags=$(dd if=/proc/kpageflags bs=8 skip=$(($1 / 4096)) count=1 2>/dev/null | od -An -tx8 | tr -d ' ')
	[ $((0x$_flags >> 32 & 1)) = 1 ]
}

case $stage in
1)	is "$(area_messages '.* survives kexec')" 8 "all areas are handed over"
	is "$(area_messages '.* (where|afresh|freed|until)')" 0 "there is nothing else to say on a cold boot"
	for name in $names; do
		is $(($(address "$name") % 4096)) 0 "$name begins with a page"
	done
	is $(($(address big) % 0x200000)) 0 "the alignment is that asked for"
	write_contents
	write_pmsg
	# shellcheck disable=SC2086
	next_kernel B "places=$(addresses $names)" "contents=$(contents)" ;;
2)	kept A 1
	write_pmsg
	total=$(total_memory)
	# In another order.
	with_areas reserve_mem=1:1:p reserve_mem=400K:4K:p@1 reserve_mem=4K:4K:p2 reserve_mem=4K:0:p1 reserve_mem=64K:64K:aligned \
		reserve_mem=8M:2M:big reserve_mem=12345:64:odd reserve_mem=1M:4096:oops
	next_kernel A "total=$total" "free=$(free_memory)" ;;
3)	kept B 2
	about "$(total_memory)" "$(param total)" 64 "memory managed as after the update before"
	write_contents
	write_pmsg
	next_kernel B "contents=$(contents)" ;;
4)	kept A 3
	about "$(total_memory)" "$(param total)" 64 "memory managed as after the update before"
	write_pmsg
	# The address of one is not a multiple of twice the largest power of two that it is a multiple of.
	align=$(($(address aligned) & -$(address aligned)))
	with_areas "reserve_mem=64K:$((2 * align)):aligned" reserve_mem=12346:64:odd reserve_mem=1M:4096:oops reserve_mem=16K:4K:new \
		reserve_mem=8M:1M:big reserve_mem=4K:4K:p reserve_mem=4K:4K:p2
	next_kernel A "align=$((2 * align))" ;;
5)	came_from B 4
	for name in oops big p2; do
		is "$(area_messages "$name is where it was")" 1 "$name stays"
		ok "$name has its address" grep -qF "$(addresses "$name")" /proc/cmdline
	done
	for name in odd p; do
		is "$(area_messages "$name is allocated afresh: its size was another")" 1 "$name has another size"
		is "$(area_messages "$name of the previous kernel is freed, [0-9]* bytes")" 1 "its old memory is freed"
	done
	is "$(area_messages 'aligned is allocated afresh: its alignment was another')" 1 "one has another alignment"
	is $(($(address aligned) % $(param align))) 0 "and gets it"
	is "$(area_messages 'aligned of the previous kernel is freed, 65536 bytes')" 1 "its old memory is freed"
	is "$(area_messages 'new is allocated afresh: none of that name was handed over')" 1 "one is new"
	is "$(area_messages 'p(1|@1) of the previous kernel is freed')" 2 "two are not asked for and freed"
	is "$(area_messages '.* survives kexec')" 7 "seven areas are handed over"
	read_pmsg
	write_pmsg
	ok "the memory of an area is reserved" is_reserved "$(address big)"
	# Freed: 16 KiB, 4 KiB, 64 KiB, 4 KiB, 400 KiB; new: 16 KiB, 4 KiB, 64 KiB, 16 KiB.
	about "$(total_memory)" $(($(param total) + 388)) 64 "the memory of what was freed is managed"
	with_areas
	next_kernel B "big=$(address big)" ;;
6)	came_from A 5
	is "$(area_messages '.* of the previous kernel is freed')" 7 "all that came in is freed"
	is "$(area_messages '.* (where|afresh|until|survives)')" 0 "there is nothing else to say"
	ok "the memory of an area is not reserved any more" test "$(is_reserved "$(param big)"; echo $?)" = 1
	# Of the eight that there were before.
	about "$(total_memory)" $(($(param total) + 1024 + 16 + 8192 + 64 + 4 + 4 + 400 + 4)) 64 "all of their memory is managed again"
	# KASAN's quarantine and lockdep hold some MiB now and then.
	[ "$flavour" != default ] || about "$(free_memory)" $(($(param free) + 1024 + 16 + 8192 + 64 + 4 + 4 + 400 + 4)) 1024 "and free"
	ok "what came in is in debugfs" grep -q reserve-mem-v1 /sys/kernel/debug/kho/in/sub_fdts/memblock
	ok "nothing is handed on" test ! -e /sys/kernel/debug/kho/out/sub_fdts/memblock
	with_areas reserve_mem=1M:4096:oops
	next_kernel A ;;
7)	came_from B 6
	is "$(area_messages 'oops is allocated afresh: none of that name was handed over')" 1 "one is new"
	ok "ramoops has it" test -c /dev/pmsg0
	next_kernel B kho=off ;;
8)	is "$(messages 'KHO: handover not usable.*switched off')" 1 "KHO is off"
	is "$(area_messages '')" 0 "there is nothing to say on areas"
	ok "ramoops has its area" test -c /dev/pmsg0
	pass ;;
esac
