# shellcheck shell=sh
# One kernel after the other hands over something damaged: each boots as from cold, says so, and works.
. /tests/selftest.sh

cases='fdt_magic fdt_structure fdt_compatible fdt_no_tree tree_outside_ram tree_in_scratch tree_unaligned node_outside_ram
	node_in_scratch node_is_root page_outside_ram fdt_outside_ram fdt_in_scratch scratch_outside_ram area_outside_ram area_unaligned'

nth() {
	shift "$1"
	echo "$1"
}

# shellcheck disable=SC2086 # a list of words
case_of() {
	nth "$1" $cases ''
}

if [ "$stage" -gt 1 ]; then
	last=$(case_of "$((stage - 1))")
	is "$(messages 'KHO: handover not usable, going on as from a cold boot')" 1 "$last: one message says that it is not used"
	note "$(dmesg | sed -n 's/.*cold boot: //p')"
	is "$(messages 'KHO: exec from')" 0 "$last: nothing was handed over"
	halves luo_update verify nothing
fi
now=$(case_of "$stage")
[ -n "$now" ] || pass
halves luo_update prepare simple
load_kernel B || fail "kexec -s -l"
ok "$now: damaged" /bin/damage "$now"
do_kexec
