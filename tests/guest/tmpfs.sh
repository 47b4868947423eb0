# shellcheck shell=sh
# Mounts of tmpfs over two updates, and damage to the description of some.
. /tests/selftest.sh

# The page of a link is nobody's mapping: only the kernel with this, of x86_64, can have it fail.
links=
[ ! -e /sys/devices/system/memory/hard_offline_page ] || links=links

case $stage in
1)	halves luo_tmpfs prepare tree socket large emptied unwanted
	halves luo_tmpfs_limits prepare poisoned ${links:+"$links"} limited
	# Where a page holds more than a few of the records, too much is lost at once.
	[ "$page_size" = 4096 ] || next_kernel B
	halves luo_tmpfs_damage prepare mounts
	cat >/sys/kernel/debug/kho/out/corrupt <<-end
		tmpfs@head 0 8 0x01
		vmalloc@list 1 0 0x10
		tmpfs-inode@root 0 40 0x01
		tmpfs-inode@inodes 300 0 0x01
		tmpfs-name@names 1500 0 0x01
		tmpfs-attr@attrs 1500 0 0x01
		folio@folios 1300 8 0x01
		folio@part 300 0 0x01
		tmpfs@failed_head 0 0 poison
		vmalloc-chunk@failed_list 1 0 poison
		tmpfs-inode@failed_sums 604 0 poison
		tmpfs-attr@failed_attrs 1500 0 poison
	end
	next_kernel B ;;
2)	came_from A 1
	halves luo_tmpfs verify tree socket large emptied unwanted
	halves luo_tmpfs_limits verify poisoned ${links:+"$links"}
	is "$(messages 'tmpfs_luo:')" 0 "nothing is wrong"
	halves luo_tmpfs_limits verify limited
	is "$(messages "memfd_luo: a memfd or tmpfs of $(((7 << 20) / page_size)) pages is charged to a memory cgroup with room for $(((2 << 20) / page_size)) ")" 1 "the log says once what exceeds a limit"
	if [ "$page_size" = 4096 ]; then
		halves luo_tmpfs_damage verify head list root inodes names attrs folios part failed_head failed_list failed_sums failed_attrs
		is "$(messages 'tmpfs_luo: what was handed over of a tmpfs at .* is damaged')" 9 "the log says which are lost"
		is "$(messages 'tmpfs_luo: a tmpfs has lost at least [0-9]* names, files or attributes')" 5 "and of which something is"
	fi
	halves luo_tmpfs prepare tree
	next_kernel A ;;
3)	came_from B 2
	halves luo_tmpfs verify tree
	pass ;;
esac
