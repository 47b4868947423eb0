# shellcheck shell=bash
# For the tests: TAP, and guests that speak it. ARCH and FLAVOUR say which kernel; a test's first lines, which ones
# `make test` and `make test-all` run it with: see scripts/test.
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

# vm NAME [--with FILE|DEST=FILE]... [VM-OPTION]...: runs the guest script tests/guest/NAME.sh; see scripts/vm/vm
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
	"$root/scripts/vm/initramfs" "$name" "${with[@]}" >/dev/null || { result "not ok" "$name: initramfs"; return; }
	run_vm "$name" "${options[@]}"
}

# vm_with_machines NAME [VM-OPTION]...: as vm, for a guest that runs virtual machines of stock QEMU. Its clock counts its instructions: an
# emulated processor that emulates another takes so long that timers would leave no time for anything else.
vm_with_machines() {
	local tools options=(--mem 2G --timeout 3600 --accel nested --peer 10.0.2.100) tool

	read -ra tools < <("$root/scripts/vm/guest-tools" qemu)
	for tool in "${tools[@]}" "/bin/jq=$(command -v jq)"; do
		options+=(--with "$tool")
	done
	vm "$1" "${options[@]}" "${@:2}" -- -icount shift=0
}

# run_vm NAME [VM-OPTION]...: takes over what scripts/vm/vm says
run_vm() {
	local line

	while read -r line; do
		case $line in
		"ok - "* | "not ok - "*) result "${line%% - *}" "$1: ${line#* - }" ;;
		"# VM-STATUS "*) is "${line##* }" 0 "$1: the guest ends well" ;;
		"# "*)	say "$line" ;;
		*)	say "# $line" ;;
		esac
	done < <("$root/scripts/vm/vm" "$@" 2>&1; echo "# VM-STATUS $?")
}

done_testing() {
	say "1..$_run"
	[ "$_failed" = 0 ]
}
