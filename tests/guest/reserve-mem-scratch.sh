# shellcheck shell=sh
# A new area for which there is no memory but scratch memory works, and is not handed over.
. /tests/selftest.sh
. /tests/areas.sh

case $stage in
1)	with_areas reserve_mem=450M:4K:large reserve_mem=4K:4K:small
	next_kernel B ;;
2)	came_from A 1
	is "$(area_messages '(large|small) is allocated afresh')" 2 "both areas are new"
	is "$(area_messages 'large will not survive a kexec: no memory was left for it but scratch memory')" 1 "the large one is in scratch memory"
	is "$(area_messages '.* survives kexec')" 1 "only the other is handed over"
	fill small 1
	next_kernel A "places=$(addresses small)" "contents=$(dump small 1 | md5sum | cut -d' ' -f1)" ;;
3)	came_from B 2
	is "$(area_messages 'large is allocated afresh: none of that name was handed over')" 1 "the large one is new again"
	is "$(area_messages 'small is where it was')" 1 "the small one is where it was"
	is "$(addresses small)" "$(param places)" "at the same address"
	is "$(dump small 1 | md5sum | cut -d' ' -f1)" "$(param contents)" "with the same contents"
	pass ;;
esac
