# shellcheck shell=sh
# Memfds that get their folios after they were retrieved.
. /tests/selftest.sh

case $stage in
1)	halves luo_fill prepare used allocated limited damaged unwanted foreign foreign_damaged
	# A page frame that no machine has, and the first byte of the mark.
	cat >/sys/kernel/debug/kho/out/corrupt <<-end
		folio@damaged 600 0 0x10
		folio@unwanted 600 0 0x10
		file-owner@foreign 0 0 0x10
		file-owner@foreign_damaged 0 0 0x10
		folio@foreign_damaged 600 5 0x80
	end
	next_kernel B ;;
2)	came_from A 1
	halves luo_fill verify allocated used limited damaged
	is "$(messages 'memfd_luo: a memfd or tmpfs of 1024 pages is charged to a memory cgroup with room for 512 ')" 1 "the log says what exceeds a limit"
	is "$(messages 'memfd_luo: the records of folios from number 512 on are damaged')" 1 "the log says what is lost"
	halves luo_fill verify unwanted foreign foreign_damaged
	is "$(messages 'memfd_luo: the records of folios from number 512 on are damaged')" 2 "also what is not freed"
	is "$(messages 'memfd_luo: what was handed over of a memfd at .* is damaged')" 2 "and that all of a memfd is"
	pass ;;
esac
