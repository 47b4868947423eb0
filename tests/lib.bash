# shellcheck shell=bash
# For the tests: TAP, and guests that speak it. ARCH and FLAVOUR say which kernel; a line
# "# flavours: default debug arm64-default" in a test, which ones `make test` runs it with.
#
#	. "$(dirname "$0")/lib.bash"
#	vm boot --with /bin/true --mem 2G
#	done_testing
set -uo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../scripts/lib.sh"

# shellcheck disable=SC2034 # for the tests
selftests=${SELFTESTS:-$build/$ARCH-default/selftests}
_run=0 _failed=0

# result ok|"not ok" DESCRIPTION
result() {
	_run=$((_run + 1))
	[ "$1" = ok ] || _failed=$((_failed + 1))
	say "$1 $_run - $2"
}

# ok DESCRIPTION COMMAND...: the command succeeds
ok() {
	if "${@:2}"; then result ok "$1"; else result "not ok" "$1"; say "# failed: ${*:2}"; fi
}

# is GOT EXPECTED DESCRIPTION
is() {
	if [ "$1" = "$2" ]; then result ok "$3"; else result "not ok" "$3"; say "# got '$1', expected '$2'"; fi
}

# vm NAME [--with FILE|DEST=FILE]... [VM-OPTION]...: runs the guest script tests/guest/NAME.sh; see scripts/vm
vm() {
	local name=$1 with=() options=()

	shift
	while [ $# -gt 0 ]; do
		case $1 in
		--with) with+=("$2"); shift 2 ;;
		--)	options+=("$@"); break ;;
		*)	options+=("$1" "$2"); shift 2 ;;
		esac
	done
	"$root/scripts/initramfs" "$name" "${with[@]}" >/dev/null || { result "not ok" "$name: initramfs"; return; }
	run_vm "$name" "${options[@]}"
}

# follow_vm NAME [VM-OPTION]...: takes over what scripts/vm says, and its status
follow_vm() {
	local line status=1

	while read -r line; do
		case $line in
		"ok - "* | "not ok - "*) result "${line%% - *}" "$1: ${line#* - }" ;;
		"# VM-STATUS "*) status=${line##* } ;;
		"# "*)	say "$line" ;;
		*)	say "# $line" ;;
		esac
	done < <("$root/scripts/vm" "$@" 2>&1; echo "# VM-STATUS $?")
	return "$status"
}

# run_vm NAME [VM-OPTION]...: an emulated machine that runs others stands still now and then, with QEMU 7.2 as with 10.0, and
# before an update as after one. It gets another try then; whatever else goes wrong, none.
run_vm() {
	local status

	follow_vm "$@"
	status=$?
	if [ "$status" = 124 ] && [[ " $* " = *" --accel nested "* ]]; then
		say "# $1 stood still: once more"
		mv "$build/logs/$1$suffix.log" "$build/logs/$1$suffix-still.log"
		follow_vm "$@"
		status=$?
	fi
	is "$status" 0 "$1: the guest ends well"
}

done_testing() {
	say "1..$_run"
	[ "$_failed" = 0 ]
}
