# shellcheck shell=sh
# A page of an area fails. The next kernel is not asked for the area, so it frees it: all but that page.
. /tests/selftest.sh
. /tests/areas.sh

# flag PAGE BIT: a bit of the page in kpageflags
flag() {
	_flags=$(dd if=/proc/kpageflags bs=8 skip="$1" count=1 2>/dev/null | od -An -tx8 | tr -d ' ')
	echo $((0x$_flags >> $2 & 1))
}

buddy=10 poisoned=19 reserved=32

case $stage in
1)	page=$(($(address spare) / page_size + 1))
	# The memory is not lost to a user, so this reports an error.
	printf '%#x' $((page * page_size)) >/sys/devices/system/memory/hard_offline_page
	is "$(flag $page $poisoned)" 1 "a page of the area has failed"
	with_areas
	next_kernel B "page=$page" ;;
2)	came_from A 1
	is "$(area_messages 'spare of the previous kernel is freed')" 1 "the area is freed"
	page=$(param page)
	is "$(flag "$page" $poisoned)" 1 "the page has failed"
	is "$(flag "$page" $buddy)" 0 "and is not free"
	is "$(flag $((page - 1)) $reserved)" 0 "the page before it was given up"
	is "$(awk '/^HardwareCorrupted/ { print $2 }' /proc/meminfo)" $((page_size / 1024)) "it is counted"
	pass ;;
esac
