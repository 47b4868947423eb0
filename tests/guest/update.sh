# shellcheck shell=sh
# Sessions, files and memfds over four updates in a row; over two with the debug kernel.
. /tests/selftest.sh

sessions='simple session_file empty several files closed killed retrieved_once close_finishes finish
	preserves_nothing_more same_file name_again bad_pointers sizes'
memfds='attributes empty position seals sparse comb unwritten modified holes frames counted swapped'
# With pages of 64 KiB a huge one has 512 MiB, and there is hardly one to be had.
[ "$page_size" != 4096 ] || memfds="$memfds huge"

swap() {
	mkswap /dev/ram0 >/dev/null && swapon /dev/ram0
}

same_scratch() {
	is "$(scratch_areas)" "$(param scratch)" "the same scratch memory"
}

# What the previous kernel noted, and then this one, in the order of time.
timeline() {
	is "$(awk 'NR > 1 { print $3 }' /sys/kernel/debug/liveupdate/timeline | tr '\n' ' ')" "$*" "the timeline of the update"
}

# shellcheck disable=SC2086 # lists of words
case $stage in
1)	timeline
	ok "swap" swap
	halves luo_update prepare $sessions chain left
	halves luo_memfd prepare $memfds reused
	next_kernel B "scratch=$(scratch_areas)" ;;
2)	came_from A 1
	same_scratch
	ok "swap" swap
	halves luo_memfd verify $memfds reused
	halves luo_update verify $sessions chain
	timeline reboot frozen jump takeover memory devices opened retrieved finished ""
	selftest /selftests/kho/kho
	no_leaks
	next_kernel A ;;
3)	came_from B 2
	same_scratch
	halves luo_update verify left chain
	halves luo_memfd verify reused
	# The debug kernel is slow, and has shown by now what it can.
	[ "$flavour" = default ] || pass
	next_kernel B ;;
4)	came_from A 3
	same_scratch
	halves luo_update verify chain
	next_kernel A ;;
5)	came_from B 4
	same_scratch
	halves luo_update verify chain
	pass ;;
esac
