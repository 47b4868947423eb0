# shellcheck shell=sh
# One kernel after the other hands eight areas over, of which some are described falsely, or all. Those are allocated
# afresh, and their memory stays reserved; the others are where they were.
. /tests/selftest.sh
. /tests/areas.sh

names='aa bb cc dd ee ff gg hh'

damage() {
	ok "damaged: $*" /bin/reserve-mem "$@"
}

# update: into the next kernel, after damage to what is handed over, with what it must find
update() {
	for name in $names; do
		fill "$name" 16
	done
	# shellcheck disable=SC2086 # a list of words
	next_kernel B "places=$(addresses $names)" "contents=$(contents "$1")"
}

# contents NAMES
contents() {
	for _name in $1; do
		dump "$_name" 16
	done | md5sum | cut -d' ' -f1
}

# good NAME...: these are where they were, with their contents
good() {
	for name; do
		is "$(area_messages "$name is where it was")" 1 "$name is where it was"
		is "$(addresses "$name")" "$(param places | grep -o "$name:0x[0-9a-f]*,")" "at the same address"
	done
	is "$(contents "$*")" "$(param contents)" "with the same contents"
}

# bad REASON NAME...: for that reason these are not used, and not freed
bad() {
	reason=$1
	shift
	for name; do
		is "$(area_messages "$name is allocated afresh: $reason")" 1 "$name: $reason"
		is "$(area_messages "$name of the previous kernel stays reserved until the next reboot: $reason")" 1 "its memory is left alone"
	done
}

# lost REASON: nothing is used
lost() {
	is "$(area_messages "no area of the previous kernel is used, .*: $1")" 1 "no area is used: $1"
	is "$(area_messages '.. is allocated afresh: none of that name was handed over')" 8 "all are allocated afresh"
	is "$(area_messages '.*is (freed|where)')" 0 "nothing is freed"
}

# fresh: all areas are other than before, and can be handed over
fresh() {
	is "$(messages 'KHO: exec from')" 1 "the rest of the handover is used"
	is "$(area_messages '.* survives kexec')" 8 "all areas are handed over"
	# shellcheck disable=SC2046,SC2086
	is "$(for name in $names; do address "$name"; done | sort -u | wc -l)" 8 "at different addresses"
}

blob_cases='blob_magic blob_structure blob_format blob_nowhere blob_huge blob_empty'

# shellcheck disable=SC2086
blob_case() {
	set -- $blob_cases
	[ "$stage" -le $((2 + $#)) ] || return
	shift $((stage - 3))
	damage "$1" hh
}

[ "$stage" = 1 ] || fresh
case $stage in
1)	damage nowhere aa
	damage unaligned bb
	damage shifted cc
	damage huge dd
	damage same ee ff
	damage blob gg
	damage page gg
	update hh ;;
2)	bad "its memory was not preserved" aa bb cc dd
	bad "its memory is used otherwise as well" ee ff gg
	good hh
	damage scratch aa
	damage null bb
	damage empty cc
	damage wrap dd
	damage format ee
	update "ff gg hh" ;;
3)	bad "its memory was not preserved" aa bb cc dd
	bad "it is not of format reserve-mem-v1" ee
	good ff gg hh ;;
4|5)	lost "its FDT is damaged" ;;
6)	lost "its FDT is not of format memblock-v1" ;;
7|8)	lost "its FDT was not preserved, or its memory has failed" ;;
9)	lost "its subtree is malformed" ;;
esac
blob_case || pass
next_kernel B
