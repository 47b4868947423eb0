# shellcheck shell=sh
# 65536 preserved pages, none beside another.
. /tests/selftest.sh

case $stage in
1)	halves luo_memfd prepare isolated
	next_kernel B ;;
2)	came_from A 1
	halves luo_memfd verify isolated
	pass ;;
esac
