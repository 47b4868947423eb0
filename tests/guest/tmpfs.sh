# shellcheck shell=sh
# Mounts of tmpfs over two updates, and damage to the description of some.
. /tests/selftest.sh

case $stage in
1)	halves luo_tmpfs prepare tree socket large emptied unwanted poisoned
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
	end
	next_kernel B ;;
2)	came_from A 1
	halves luo_tmpfs verify tree socket large emptied unwanted poisoned
	is "$(messages 'tmpfs_luo:')" 0 "nothing is wrong"
	if [ "$page_size" = 4096 ]; then
		halves luo_tmpfs_damage verify head list root inodes names attrs folios part
		is "$(messages 'tmpfs_luo: what was handed over of a tmpfs at .* is damaged')" 4 "the log says which are lost"
		is "$(messages 'tmpfs_luo: a tmpfs has lost at least [0-9]* names, files or attributes')" 4 "and of which something is"
	fi
	halves luo_tmpfs prepare tree
	next_kernel A ;;
3)	came_from B 2
	halves luo_tmpfs verify tree
	pass ;;
esac
