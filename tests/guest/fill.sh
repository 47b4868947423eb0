# shellcheck shell=sh
# Memfds that get their folios after they were retrieved.
. /tests/selftest.sh

case $stage in
1)	halves luo_fill prepare used damaged
	echo 'folio@damaged 600 0 0x10' >/sys/kernel/debug/kho/out/corrupt
	next_kernel B ;;
2)	came_from A 1
	halves luo_fill verify used damaged
	is "$(messages 'memfd_luo: the records of folios from number 512 on are damaged')" 1 "the log says what is lost"
	pass ;;
esac
