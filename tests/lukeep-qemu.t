#!/bin/bash
# lukeep-qemu with stock QEMU, on this host: what is saved can be loaded, what cannot is said, and the guest runs on.
# flavours: default
# shellcheck disable=SC2119,SC2120 # options of functions
. "$(dirname "$0")/lib.bash"

"$root/scripts/vm/guest-tools" >/dev/null || die "lukeep-qemu does not build"
tool=$build/guest/lukeep-qemu
dir=$(mktemp -d)
trap 'kill "$qemu" 2>/dev/null; rm -rf "$dir"' EXIT
socket=$dir/vm.qmp qemu=''

# Files do for memfds.
truncate -s 16M "$dir/ram"
exec 7<>"$dir/ram" 8<>"$dir/state"
export LUKEEP_FD_ram=7 LUKEEP_FD_state=8

# machine [QEMU-OPTION]...: starts it; there is no guest but the firmware
machine() {
	rm -f "$socket"
	"$tool" run "$socket" qemu-system-x86_64 -machine q35,accel=tcg -nodefaults -display none "$@" >"$dir/log" 2>&1 &
	qemu=$!
	until_there "$socket"
}

until_there() {
	for _ in $(seq 600); do
		[ ! -e "$1" ] || return 0
		sleep 0.1
	done
	say "# no $1"
}

# save [PATH]: as lukeep does it, beginning with an empty memfd
save() {
	truncate -s 0 "$dir/state"
	"$tool" save "${1:-$socket}" >"$dir/saved" 2>&1
}

# refuses MESSAGE COMMAND...
refuses() {
	"${@:2}"
	is $? 1 "it fails: ${*:2}"
	ok "it says why: $1" grep -q "$1" "$dir/saved"
}

saves() {
	save
	is $? 0 "$1"
	wait "$qemu" 2>/dev/null
	is $? 0 "QEMU ends with it"
}

# loads [QEMU-OPTION]...
loads() {
	machine "$@"
	for _ in $(seq 600); do
		! grep -q 'load the guest' "$dir/log" || break
		kill -0 "$qemu" 2>/dev/null || break
		sleep 0.1
	done
	ok "it is loaded" grep -q 'load the guest' "$dir/log"
}

# does_not_load [QEMU-OPTION]...
does_not_load() {
	machine "$@"
	wait "$qemu" 2>/dev/null
	ok "QEMU fails with it" test $? != 0
	for _ in $(seq 100); do
		! grep -q 'cannot be brought back' "$dir/log" || break
		sleep 0.1
	done
	ok "this is said" grep -q 'cannot be brought back' "$dir/log"
}

# limited: the state is larger than what may be written
limited() {
	( trap '' XFSZ; ulimit -f 8; save )
}

"$tool" save >/dev/null 2>&1
is $? 2 "a command line without a socket is wrong"
refuses 'cannot connect to QEMU' save
machine -object memory-backend-ram,id=peer,size=1M -device ivshmem-plain,memdev=peer \
	-monitor "unix:$dir/hmp,server=on,wait=off"
refuses 'QEMU refuses "migrate": .*ivshmem' save
ok "the guest runs on" grep -q 'the guest runs on' "$dir/saved"
until_there "$dir/hmp"
refuses 'is not JSON' save "$dir/hmp"
LUKEEP_FD_state='' refuses 'there is no memfd "state"' save
kill "$qemu"
wait "$qemu"

machine
refuses 'cannot write the state' limited
ok "the guest runs on" grep -q 'the guest runs on' "$dir/saved"
( ulimit -f 8; save ) 2>/dev/null
is $? $((128 + $(kill -l XFSZ))) "saving is killed"
saves "the next time it succeeds"
ok "RAM is not part of it" test "$(stat -c %s "$dir/state")" -lt 1000000
cp "$dir/state" "$dir/state.good"

does_not_load -drive "file=$dir/none,if=virtio"
ok "QEMU without an image leaves what was saved as it is" cmp "$dir/state" "$dir/state.good"
loads
ok "what was loaded is there no more" test ! -s "$dir/state"
saves "what was loaded can be saved"
does_not_load -machine pc
dd if=/dev/zero of="$dir/state" bs=1000 count=3 seek=2 conv=notrunc status=none
does_not_load
truncate -s 100 "$dir/state"
does_not_load
cat "$dir/state.good" >"$dir/state"
loads
done_testing
