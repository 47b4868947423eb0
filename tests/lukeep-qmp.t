#!/bin/bash
# lukeep-qemu's side of QMP, with a QEMU that is none and misbehaves: each command comes to an end, says what is wrong, and
# keeps what it has; nothing leaks.
# flavours: none
. "$(dirname "$0")/lib.bash"

"$root/scripts/setup" demo build >/dev/null
dir=$(mktemp -d)
fake=''
trap 'kill $fake 2>/dev/null; rm -rf "$dir"' EXIT
socket=$dir/vm.qmp tool=$dir/lukeep-qemu patient=$dir/patient/lukeep-qemu

# build TOOL [OPTION]...
build() {
	mkdir -p "${1%/*}"
	make -C "$root/tools/liveupdate" OUTPUT="${1%/*}/" CFLAGS='-g -fsanitize=address,undefined -fno-sanitize-recover=all' \
		CPPFLAGS="${*:2}" "$1" >"$dir/log" 2>&1 || die "lukeep-qemu does not build: $(cat "$dir/log")"
}

# A QEMU that does not answer is given up soon; one that does may take its time.
build "$tool" -DQMP_LIMIT=1 -DLOAD_LIMIT=3
build "$patient"
export ASAN_OPTIONS=exitcode=99:quarantine_size_mb=16:hard_rss_limit_mb=200 UBSAN_OPTIONS=exitcode=99
exec 8<>"$dir/state"
export LUKEEP_FD_state=8

# answers MESSAGE STATUS VERB [ARGUMENT]...
answers() {
	timeout 60 "$tool" "$3" "$socket" "${@:4}" >"$dir/said" 2>&1
	is $? "$2" "${*:3}: it ends with $2"
	[ -n "$1" ] || return
	ok "it says: $1" grep -q "$1" "$dir/said"
}

# meets WAY: a QEMU that misbehaves in this way listens
meets() {
	rm -f "$socket"
	python3 "$root/tests/programs/fake-qemu.py" "$socket" "$1" 2>/dev/null &
	fake=$!
	for _ in $(seq 600); do
		[ ! -S "$socket" ] || return
		sleep 0.1
	done
}

leave() {
	kill "$fake"
	wait "$fake" 2>/dev/null
}

for way in mute silent events; do
	meets $way
	answers 'does not answer within 1 s' 1 save
	leave
done
quick=$tool tool=$patient
meets string
answers 'is too long' 1 ready
leave
meets event_first
answers 'does not greet' 1 stop
leave
meets good
answers '' 0 ready
answers 'another process listens' 1 run true
answers '' 0 save
answers '' 0 stop
leave
tool=$quick
: >"$dir/state"
answers 'cannot connect' 1 save
answers 'cannot connect' 1 stop
answers 'is not ready' 1 ready
answers 'is no number of seconds' 2 stop 1m
answers 'is no number of seconds' 2 stop -1
answers Usage 2 fly
answers 'cannot run' 1 run /none
LUKEEP_FD_state='' answers 'there is no memfd' 1 run true

# The socket of a QEMU before makes way, and nothing else does.
ok "a socket is left" test -S "$socket"
answers '' 0 run true
rm "$socket"
echo precious >"$socket"
answers 'is in the way' 1 run true
ok "a file is not removed" grep -q precious "$socket"
rm "$socket"
mkdir "$socket"
answers 'is in the way' 1 run true
rmdir "$socket"
socket=$dir/folder/vm.qmp
answers '' 0 run true
ok "its folder is made, for its user only" test "$(stat -c %a "$dir/folder")" = 700
socket=$dir/$(printf '%0120d' 0)
answers 'too long for a socket' 1 run true
answers 'too long for a socket' 1 ready

# Who reads the messages may go away.
{ sleep 0.1; "$tool" save "$dir/none"; echo $? >"$dir/status"; } 2>&1 | true
is "$(cat "$dir/status")" 1 "without a reader of its messages it does not die"
is "$(trap '' PIPE; "$tool" run "$dir/pipe.qmp" sh -c 'trap | grep -c PIPE')" 0 "what it becomes does not ignore SIGPIPE"

said=$(python3 "$root/tests/programs/fake-qemu.py" --fuzz "$tool" 200 1)
is "$said" "200 talks" "a QEMU that misbehaves as it comes"
done_testing
