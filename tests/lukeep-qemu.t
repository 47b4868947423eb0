#!/bin/bash
# lukeep-qemu with stock QEMU, on this host: what is saved can be loaded, what cannot is said, and the guest runs on.
# flavours: none
# shellcheck disable=SC2119,SC2120 # options of functions
. "$(dirname "$0")/lib.bash"

"$root/scripts/setup" vm demo >/dev/null
dir=$(mktemp -d)
socket=$dir/vm.qmp monitor=$dir/monitor qemu='' other=''
trap 'kill $qemu $other 2>/dev/null; rm -rf "$dir"' EXIT
tool=$dir/lukeep-qemu
make -C "$root/tools/liveupdate" OUTPUT="$dir/" CFLAGS='-fsanitize=address,undefined -fno-sanitize-recover' "$tool" >"$dir/log" 2>&1 ||
	die "lukeep-qemu does not build: $(cat "$dir/log")"
export ASAN_OPTIONS=log_path=$dir/asan UBSAN_OPTIONS=log_path=$dir/asan

# Files do for memfds.
truncate -s 16M "$dir/ram"
exec 7<>"$dir/ram" 8<>"$dir/state"
export LUKEEP_FD_ram=7 LUKEEP_FD_state=8

# machine [QEMU-OPTION]...: starts it; there is no guest but the firmware
machine() {
	rm -f "$socket" "$monitor"
	"$tool" run "$socket" qemu-system-x86_64 -machine q35,accel=tcg -nodefaults -display none \
		-qmp "unix:$monitor,server=on,wait=off" "$@" >"$dir/log" 2>&1 &
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

# monitor COMMAND: prints what the other monitor returns
monitor() {
	until_there "$monitor"
	perl -MIO::Socket::UNIX -e '
		my ($qmp, $tries);
		# The socket may be there before QEMU listens.
		until ($qmp = IO::Socket::UNIX->new($ARGV[0])) {
			die "$ARGV[0]: $!\n" if $tries++ > 600;
			select undef, undef, undef, 0.1;
		}
		for my $command ("", "qmp_capabilities", $ARGV[1]) {
			print $qmp qq({"execute": "$command"}\n) if $command;
			do { $_ = <$qmp> } while defined && /"event"/;
		}
		print' "$monitor" "$1"
}

# guest_is STATUS DESCRIPTION
guest_is() {
	is "$(monitor query-status | sed 's/.*"status": "\([^"]*\)".*/\1/')" "$@"
}

stop_machine() {
	kill "$qemu" 2>/dev/null
	wait "$qemu" 2>/dev/null
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

# refuses_state [QEMU-OPTION]...: is given a state that is not its own, and leaves it as it is
refuses_state() {
	does_not_load "$@"
	ok "and what was saved is as it was: $*" cmp "$dir/state" "$dir/state.good"
}

# does_not_load [QEMU-OPTION]...
does_not_load() {
	machine "$@"
	timeout 60 tail --pid="$qemu" -f /dev/null
	kill "$qemu" 2>/dev/null
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
stop_machine

machine
refuses 'cannot write the state' limited
ok "the guest runs on" grep -q 'the guest runs on' "$dir/saved"
( ulimit -f 8; save ) 2>/dev/null
is $? $((128 + $(kill -l XFSZ))) "saving is killed"
saves "the next time it succeeds"
ok "RAM is not part of it" test "$(stat -c %s "$dir/state")" -lt 1000000
cp "$dir/state" "$dir/state.good"

refuses_state -drive "file=$dir/none,if=virtio"
refuses_state -machine pc
loads
ok "what was loaded is there no more" test ! -s "$dir/state"
guest_is running "the guest goes on"

# What QEMU has read to its end when it refuses it, which is all in the pipe by then: without a description of itself the
# state is small, and traces slow QEMU down.
stop_machine
small=(-machine suppress-vmdesc=on -trace 'vmstate_*' -D "$dir/trace")
two=("${small[@]}" -smp 2 -device virtio-rng-pci)
machine "${two[@]}"
saves "a machine with two processors and a device is saved"
cp "$dir/state" "$dir/state.good"
refuses_state "${small[@]}" -smp 1 -device virtio-rng-pci
refuses_state "${small[@]}" -smp 2
refuses_state "${small[@]}" -smp 2 -device virtio-balloon-pci
loads "${two[@]}"
guest_is running "the guest goes on"
saves "what was loaded can be saved"
loads "${two[@]}"
monitor stop >/dev/null
guest_is paused "the guest is paused"
saves "a paused guest is saved"
loads "${two[@]}"
guest_is paused "it is paused afterwards"
saves "and the next time"
loads "${two[@]}"
guest_is paused "it is still paused"
monitor cont >/dev/null
saves "once it runs it is saved"
loads "${two[@]}"
guest_is running "as one that runs"
stop_machine

# A save that is killed when QEMU has saved leaves a guest that is paused.
machine
monitor "migrate\", \"arguments\": {\"uri\": \"exec:cat >$dir/state\"}, \"id\": \"1" >/dev/null
for _ in $(seq 600); do
	! monitor query-status | grep -q postmigrate || break
	sleep 0.1
done
guest_is postmigrate "all is saved, and QEMU is still there"
ok "the state is there" test -s "$dir/state"
"$tool" ready "$socket" >"$dir/saved" 2>&1
is $? 0 "when it is asked whether it is ready, it becomes so"
ok "it says so" grep -q 'had left the guest paused: it runs on' "$dir/saved"
guest_is running "the guest runs"
ok "what was saved is there no more" test ! -s "$dir/state"
saves "it can be saved"
stop_machine
: >"$dir/state"

# Somebody else has the image open: QEMU loads the state, but does not let the guest go on.
truncate -s 1M "$dir/disk"
disk=(-drive "file=$dir/disk,format=raw,if=virtio")
machine "${disk[@]}"
saves "a machine with a disk is saved"
cp "$dir/state" "$dir/state.good"
qemu-system-x86_64 -machine q35,accel=tcg -nodefaults -display none -S -qmp "unix:$dir/other,server=on,wait=off" "${disk[@]}" &
other=$!
until_there "$dir/other"
refuses_state "${disk[@]}"
kill "$other"
wait "$other" 2>/dev/null
loads "${disk[@]}"
guest_is running "the guest goes on when the image is free"
stop_machine

machine
saves "a machine is saved"
cp "$dir/state" "$dir/state.good"
dd if=/dev/zero of="$dir/state" bs=1000 count=3 seek=2 conv=notrunc status=none
does_not_load
truncate -s 100 "$dir/state"
does_not_load
cat "$dir/state.good" >"$dir/state"
loads
stop_machine

# A guest that knows one thing: to say that it is there, wait for its power button, and switch the machine off.
# mov dx,602h; in ax,dx; or ah,1; out dx,ax; mov dx,3f8h; mov al,'R'; out dx,al
# again: hlt; mov dx,600h; in ax,dx; test ah,1; jz again; mov dx,604h; mov ax,2000h; out dx,ax; hlt
printf '\xba\x02\x06\xed\x80\xcc\x01\xef\xba\xf8\x03\xb0R\xee\xf4\xba\x00\x06\xed\xf6\xc4\x01\x74\xf6\xba\x04\x06\xb8\x00\x20\xef\xf4' \
	>"$dir/disk"
truncate -s 510 "$dir/disk"
printf '\x55\xaa' >>"$dir/disk"
truncate -s 1M "$dir/disk"
guest=("${disk[@]}" -serial "file:$dir/console")

# boots [QEMU-OPTION]...
boots() {
	: >"$dir/state"
	: >"$dir/console"
	machine "${guest[@]}" "$@"
	for _ in $(seq 600); do
		[ ! -s "$dir/console" ] || return
		sleep 0.1
	done
}

# stops STATUS [SECONDS]
stops() {
	"$tool" stop "$socket" "${@:2}" >"$dir/saved" 2>&1
	is $? "$1" "it is stopped, with status $1"
	wait "$qemu" 2>/dev/null
	is $? 0 "QEMU has ended"
}

boots
stops 0
is "$(cat "$dir/saved")" "" "a guest that heeds its power button shuts down"
boots -no-shutdown
stops 0
boots
"$tool" ready "$socket"
is $? 0 "a guest that has been started is ready"
monitor stop >/dev/null
"$tool" ready "$socket"
is $? 0 "so is one that is paused"
stops 1
ok "a paused guest cannot shut down" grep -q 'since it does not run: QEMU calls it "paused"' "$dir/saved"
ok "it is told to quit" grep -q 'QEMU is told to quit' "$dir/saved"
boots
saves "the guest is saved"
machine "${guest[@]}"
"$tool" ready "$socket"
is $? 0 "once a guest is loaded it is ready"
ok "and its state is there no more" test ! -s "$dir/state"
guest_is running "it runs"
stops 0
: >"$dir/state"
machine
stops 1 1
ok "a guest without ACPI does not shut down" grep -q 'not shut down within 1 s: it needs ACPI' "$dir/saved"
ok "it is told to quit" grep -q 'QEMU is told to quit' "$dir/saved"

cat "$dir"/asan* 2>/dev/null
ok "nothing leaks" test -z "$(find "$dir" -name 'asan*')"
done_testing
