# shellcheck shell=sh
# Updates between kernel A, which is ours, and kernel M, which is mainline's: to and fro, from the one that is booted first.
# What came in is looked at with the same programs on both. "first=" on the command line says which is first.
. /tests/selftest.sh

items=2000
socket=/run/memcached.sock
first=$(param first)

case $(uname -r) in
7.*)	here=M there=A ;;
*)	here=A there=M ;;
esac
# The way that what comes in has gone.
case $first$here in
?M)	way="to 7.3" ;;
MA)	way="from 7.3" ;;
AA)	way="to 7.3 and back" ;;
esac

# results: of lines "CASE works" and "CASE fails: WHY"
results() {
	while read -r _case _verdict _why; do
		if [ "$_verdict" = works ]; then
			report "ok - $way: $_case"
		else
			report "not ok - $way: $_case"
			report "# $_why"
		fi
	done
}

# What cannot even be made fails later, too.
prepare() {
	interop prepare "$1" | while read -r _line; do
		note "kernel $here, prepare: $_line"
	done
}

# verify SET: and hand it on if it came from ours, to see what ours makes of what it gets back.
verify() {
	_verb=verify
	[ "$here" = A ] || _verb=pass
	interop "$_verb" "$1" | results
}

# Our test module is built for both. It preserves memory each time that it has taken back what came in.
insert() {
	insmod "/lib/modules/$(uname -r)/test_kho.ko" strict=0
}

verify_module() {
	if insert && dmesg | grep -q 'test_kho: restored: items=[1-9][0-9]* failed=0 '; then
		echo kho-module works
	else
		echo "kho-module fails: $(dmesg | grep -E 'test_kho: (FAILED|nothing)' | head -n 1 | sed 's/.*test_kho: //')"
	fi | results
}

# ramoops finds an area by its name, and in it what the kernel before was told.
verify_ramoops() {
	mkdir -p /tmp/pstore
	mount -t pstore pstore /tmp/pstore
	if grep -qx "written in stage $((stage - 1))" /tmp/pstore/pmsg-ramoops-0; then
		echo reserve-mem-ramoops works
	else
		echo reserve-mem-ramoops fails: it has not what was written
	fi | results
}

# Memory that is not files.
prepare_kernel() {
	interop areas fill
	echo "written in stage $stage" >/dev/pmsg0
	insert
}

verify_kernel() {
	interop areas check | results
	verify_ramoops
	echo "written in stage $stage" >/dev/pmsg0
	verify_module
}

run_lukeep() {
	declare_memcached 64
	lukeep run >/run/agent.log 2>&1 &
}

# Does not come back when all is well.
update_lukeep() {
	make_initrd
	lukeep update --kernel "/boot/kernel-$there" --initrd /tmp/initrd --reuse-cmdline --append "stage=$((stage + 1))"
	note "lukeep update came back with $?"
	cat /run/agent.log
}

prepare_memcached() {
	run_lukeep
	mcload fill $socket $items
	update_lukeep
}

verify_memcached() {
	run_lukeep
	if mcload check $socket $items >/run/mcload 2>&1; then
		echo memcached works
	else
		cat /run/agent.log >&2
		echo "memcached fails: $(tail -n 1 /run/mcload)"
	fi | results
	[ "$here" = A ] || update_lukeep
}

# The machine's first kernel sends something to the other one. That is a trip; and if the first is ours, it gets it back. Each
# trip has another number of sessions, and the first has all else. With "large" on the command line there is but that one, with
# files for which much memory is needed.
trips=5 large=
! grep -qw large /proc/cmdline || trips=1 large=large

send() {
	case $1 in
	1)	prepare all
		[ -z "$large" ] || prepare large
		prepare_kernel ;;
	2)	prepare 1 ;;
	3)	prepare 51 ;;
	4)	prepare duplicate ;;
	5)	prepare_memcached ;;
	esac
}

receive() {
	case $1 in
	1)	verify all
		[ -z "$large" ] || verify large
		verify_kernel ;;
	2)	verify 1 ;;
	3)	verify 51 ;;
	4)	verify duplicate ;;
	5)	verify_memcached ;;
	esac
}

# leave: to the other kernel. Ours unpacks mainline's when it is loaded, and says so when it does not.
leave() {
	load_kernel $there || fail "kexec -s -l of kernel $there"
	[ "$here" != A ] ||
		is "$(messages 'KHO: the next kernel decompresses itself')" 0 "stage $stage: mainline's kernel is unpacked when it is loaded"
	do_kexec
}

came=$((stage / 2))
# Mainline's gets nothing back.
[ "$first$here" != MM ] || came=0
receive $came
[ "$here$came" != "A$trips" ] || pass
[ "$here" != "$first" ] || send $(((stage + 1) / 2))
leave
