# shellcheck shell=sh
# One kernel after the other hands over something damaged: each boots, as from cold when nothing of it can be used, says
# so, and works.
. /tests/selftest.sh

cases='area_empty areas_empty array_elsewhere fdt_magic fdt_structure fdt_compatible fdt_no_tree tree_outside_ram tree_in_scratch tree_unaligned node_is_root
	page_outside_ram fdt_outside_ram fdt_in_scratch scratch_outside_ram area_outside_ram area_unaligned
	node_outside_ram node_in_scratch'

nth() {
	shift "$1"
	echo "$1"
}

# shellcheck disable=SC2086 # a list of words
case_of() {
	nth "$1" $cases ''
}

handover_is_refused() {
	is "$(messages 'KHO: handover not usable, going on as from a cold boot')" 1 "$last: one message says that it is not used"
	note "$(dmesg | sed -n 's/.*cold boot: //p')"
	is "$(messages 'KHO: exec from')" 0 "$last: nothing was handed over"
	halves luo_update verify nothing
}

# With the only branch of the tree, what subsystems begin with is lost. Live update is not used as if nothing had come in.
branch_is_ignored() {
	is "$(messages 'KHO: handover not usable')" 0 "$last: the handover is used"
	is "$(messages 'KHO: the tree of preserved memory is damaged, 1 entries are ignored')" 1 "$last: one message says what is ignored"
	is "$(messages 'luo: nothing can be retrieved')" 1 "$last: live update says that there was something"
	is "$( (: </dev/liveupdate) 2>&1 | grep -c 'Input/output error')" 1 "$last: its device cannot be opened"
}

# What other kernels write, and is no damage.
handover_is_used() {
	is "$(messages 'KHO: handover not usable')" 0 "$last: the handover is used"
	halves luo_update verify simple
	is "$(wc -l </sys/kernel/debug/kho/out/scratch_len)" "$1" "$last: areas of scratch memory"
}

now=$(case_of "$stage") last=
if [ "$stage" -gt 1 ]; then
	last=$(case_of "$((stage - 1))")
	case $last in
	area_empty) handover_is_used $(($(param areas) - 1)) ;;
	array_elsewhere) handover_is_used "$(param areas)" ;;
	node_outside_ram | node_in_scratch) branch_is_ignored ;;
	*)	handover_is_refused ;;
	esac
fi
[ -n "$now" ] || pass
[ "$last" = node_outside_ram ] || halves luo_update prepare simple
# Else the image would be in any area, also in the one that is made empty.
[ "$now" != area_empty ] || where=nokaslr
load_kernel B "areas=$(wc -l </sys/kernel/debug/kho/out/scratch_len)" "${where:-}" || fail "kexec -s -l"
ok "$now: damaged" /bin/damage "$now"
do_kexec
