#!/bin/bash
# Updates from our kernel to mainline's, from mainline's to ours, and from ours to mainline's and back. The table in
# Documentation/userspace-api/liveupdate.rst says what works, and what is mainline's fault.
#
# Not on arm64 so far: what runs on our kernel does so there, too, but no one has built mainline's kernel for it to the end.
#
# flavours: default
# tier: all
# peer: mainline
. "$(dirname "$0")/lib.bash"
eval "$(declare -f result | sed '1s/result/count_result/')"

# "WAY: CASE" is expected to be "works" or "fault".
declare -A expected seen
while read -r name to from back _; do
	name=${name//\`/}
	expected["to 7.3: $name"]=$to expected["from 7.3: $name"]=$from expected["to 7.3 and back: $name"]=$back
done < <(sed -n '/^.. interop: begin/,/^.. interop: end/p' "$root/Documentation/userspace-api/liveupdate.rst" | grep '^``')

# What is mainline's fault is a TODO in the terms of TAP: it does not fail the test, and the harness tells when it is one no more.
result() {
	local key=${2#*: }

	case $key in
	'to 7.3: '* | 'from 7.3: '* | 'to 7.3 and back: '*) ;;
	*)	count_result "$@"; return ;;
	esac
	seen[$key]=1
	case ${expected[$key]:-} in
	works)	count_result "$@" ;;
	fault)	[ "$1" = ok ] || _failed=$((_failed - 1))
		count_result "$1" "$2 # TODO mainline's fault" ;;
	*)	count_result "not ok" "$2 is in the table" ;;
	esac
}

# from MEMORY FIRST KERNEL [WORD]: the two kernels in turns, beginning with this one. QEMU's processor can have page tables of five levels,
# and our kernel here cannot, which mainline's always can: so ours could not unpack that when it is loaded.
from() {
	run_vm "interop-$1-$2" --initrd "$kernel/initrd/interop.cpio" --kernel "$3" --mem "$1" --timeout 3600 \
		--append "test=interop first=$2 ${4:-} no5lvl reserve_mem=1M:4096:oops reserve_mem=12345:64:plain1 reserve_mem=8M:2M:plain2 \
ramoops.mem_name=oops ramoops.pmsg_size=65536"
}

# none_left: each line of the table has a result
none_left() {
	local key left=0

	for key in "${!expected[@]}"; do
		[ -z "${seen[$key]:-}" ] || continue
		say "# not seen: $key"
		left=$((left + 1))
	done
	is "$left" 0 "each result in the table was had"
}

read -ra tools < <("$root/scripts/vm/interop-tools")
read -ra more < <("$root/scripts/vm/guest-tools")
"$root/scripts/vm/initramfs" interop "${tools[@]}" "${more[@]}" >/dev/null || exit 1
peer=$build/$ARCH-mainline/kernel-A
from 2G A "$kernel/kernel-A"
from 2G M "$peer"
from 6G A "$kernel/kernel-A" large
from 6G M "$peer" large
none_left
done_testing
