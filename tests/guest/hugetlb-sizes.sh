# shellcheck shell=sh
# Memfds of each size of huge pages that the kernel has, one in each update. Their pools are made at run time: the parameters ask for none.
. /tests/selftest.sh

dir=/sys/kernel/mm/hugepages
# One of arm64 with pages of 64 KiB is larger than the machine.
sizes=$(printf '%s\n' $dir/* | sed 's/.*hugepages-\(.*\)kB/\1/' | sort -n | grep -v 16777216)
# With KASAN there is hardly room for a gigantic page that is made at run time.
[ "$flavour" != debug ] || sizes=$(echo "$sizes" | grep -v 1048576)
names='full sparse late attributes one'

# The number-th size in KiB, and how many pages of it the files have.
use_size() {
	HUGE_KB=$(echo "$sizes" | sed -n "$1p")
	export HUGE_KB
	nr=12
	[ "$HUGE_KB" -lt $((512 * 1024)) ] || names=one nr=1
}

pool() {
	cat "$dir/hugepages-${HUGE_KB}kB/nr_hugepages" "$dir/hugepages-${HUGE_KB}kB/free_hugepages" "$dir/hugepages-${HUGE_KB}kB/surplus_hugepages" |
		tr '\n' ' '
}

if [ "$stage" -gt 1 ]; then
	came_from "$(param from)" $((stage - 1))
	use_size $((stage - 1))
	is "$(pool)" "$((nr - 1 + (nr == 1))) 0 $((nr - 1 + (nr == 1))) " "pages of $HUGE_KB KiB come in, as surplus"
	# shellcheck disable=SC2086 # a list of words
	halves luo_hugetlb verify $names
	is "$(pool)" "0 0 0 " "and leave the pool"
	is "$(messages 'hugetlb_luo:')" 0 "nothing is wrong"
	# A cold boot of arm64 manages 996 KiB less.
	[ "$stage" = 2 ] || about "$(total_memory)" "$(param total)" 64 "memory managed as in the kernel before"
fi
[ "$stage" -le "$(echo "$sizes" | wc -l)" ] || pass
total=$(total_memory)
use_size "$stage"
note "huge pages of $HUGE_KB KiB"
echo $nr >"$dir/hugepages-${HUGE_KB}kB/nr_hugepages"
is "$(pool)" "$nr $nr 0 " "there are $nr"
# shellcheck disable=SC2086 # a list of words
halves luo_hugetlb prepare $names
[ $((stage % 2)) = 1 ] && next_kernel B from=A "total=$total"
next_kernel A from=B "total=$total"
