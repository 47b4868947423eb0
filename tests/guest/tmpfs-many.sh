# shellcheck shell=sh
# A mount of tmpfs with many names.
. /tests/selftest.sh

case $stage in
1)	halves luo_tmpfs_limits prepare many
	next_kernel B ;;
2)	came_from A 1
	halves luo_tmpfs_limits verify many
	pass ;;
esac
