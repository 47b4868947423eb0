# shellcheck shell=sh
# For the scripts in the guest. A script is run by each kernel with the number of the kernel in $stage, counted from 1:
#
#	case $stage in
#	1)	ok "it is there" test -e /dev/zero
#		next_kernel B ;;
#	2)	is "$(uname -r | tail -c 3)" -B "the other kernel runs"
#		pass ;;
#	esac
#
# What is reported goes to a second serial line or a paravirtual one, where no kernel message can come in between.

param() {
	sed -n "s/^\(.* \)\?$1=\([^ ]*\).*/\2/p" /proc/cmdline
}

# kernel_has OPTION: of its configuration
kernel_has() {
	zcat /proc/config.gz | grep -qx "CONFIG_$1=y"
}

test=$(param test)
stage=$(param stage)
flavour=default
! kernel_has KASAN || flavour=debug

reports=/dev/ttyS1
[ -c "$reports" ] || reports=/dev/hvc0

report() {
	echo "$*"
	echo "$*" >"$reports"
}

# What the kernels noted of the way from the one to the other, for scripts/demo.
moments() {
	sed 1d /sys/kernel/debug/liveupdate/timeline | while read -r _moment; do
		report "demo: moment $_moment"
	done
}

# ok DESCRIPTION COMMAND...: the command succeeds
ok() {
	_what=$1
	shift
	if "$@"; then
		report "ok - $_what"
	else
		report "not ok - $_what"
		report "# failed: $*"
	fi
}

# is GOT EXPECTED DESCRIPTION
is() {
	if [ "$1" = "$2" ]; then
		report "ok - $3"
	else
		report "not ok - $3"
		report "# got '$1', expected '$2'"
	fi
}

note() {
	report "# $*"
}

# tap COMMAND...: forwards each result of a program that speaks TAP, as the kselftests do
tap() {
	_status=0
	"$@" >/tmp/tap 2>&1 || _status=$?
	cat /tmp/tap
	sed -n 's/^ok [0-9]* *-* *\(.*\)/ok - \1/p; s/^not ok [0-9]* *-* *\(.*\)/not ok - \1/p; s/^# */# /p' /tmp/tap >"$reports"
	is "$_status" 0 "${1##*/} exits with 0"
}

# kunit SUITE...: forwards the results of these suites; boot with kunit.enable=1
kunit() {
	for _suite; do
		ok "KUnit suite $_suite ran" test -e "/sys/kernel/debug/kunit/$_suite/results"
		sed -n "s/^    ok [0-9]* \(.*\)/ok - $_suite: \1/p; s/^    not ok [0-9]* \(.*\)/not ok - $_suite: \1/p; \
			s/^ *# .*EXPECTATION.*/&/p" "/sys/kernel/debug/kunit/$_suite/results" >"$reports"
	done
}

# Where there is kmemleak: nothing leaked so far. An object must be some seconds old to be looked at.
no_leaks() {
	[ -e /sys/kernel/debug/kmemleak ] && [ "$(param kmemleak)" != off ] || return 0
	sleep 6
	echo scan >/sys/kernel/debug/kmemleak
	echo scan >/sys/kernel/debug/kmemleak
	cat /sys/kernel/debug/kmemleak
	is "$(grep -c 'unreferenced object' /sys/kernel/debug/kmemleak)" 0 "no leaked memory in stage $stage"
}

# Makes /tmp/initrd, the initramfs that we were started with.
make_initrd() {
	{ cat /boot/base.cpio; (cd / && find boot | cpio -o -H newc 2>/dev/null); } >/tmp/initrd
}

# load_kernel A|B [PARAMETER...]: loads it with the initramfs that we were started with, for the next stage; with NUMA nodes as
# $numa says, if it is set
load_kernel() {
	_image=$1
	shift
	make_initrd
	kexec -s -l "/boot/kernel-$_image" --initrd=/tmp/initrd \
		--command-line="$(sed "s/ stage=[0-9]*/ stage=$((stage + 1))/g${numa:+; s/ numa=[^ ]*//}" /proc/cmdline) ${numa:+numa=$numa} $*" || return
	rm /tmp/initrd
}

# declare_memcached MIB: by the example, on $socket, where root is the only user and nobody makes folders for services
declare_memcached() {
	mkdir -p /run/lukeep-memcached
	sed -i "s:-u memcache -l 127.0.0.1 -m 1024:-u root -t 1 -m $1 -M -s $socket:" /etc/lukeep/memcached.conf
}

# Does not come back.
do_kexec() {
	kexec -e -x -y
	fail "kexec -e came back"
}

# next_kernel A|B [PARAMETER...]
next_kernel() {
	load_kernel "$@" || fail "kexec -s -l of kernel $1"
	do_kexec
}

finish() {
	report "VM-RESULT: $1"
	sync
	reboot -f
	sleep 60
}

pass() {
	no_leaks
	finish PASS
}

fail() {
	report "not ok - $*"
	finish "FAIL $*"
}
