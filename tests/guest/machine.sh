# shellcheck shell=sh
# For tests with virtual machines: QEMU as a service of lukeep, and guests that watch themselves, see vmload.c.

. /tests/keep.sh

# Joins the cards of the guests with the host's, behind which is their peer.
make_bridge() {
	brctl addbr br0
	brctl addif br0 eth0
	ifconfig eth0 up
	ifconfig br0 up
	mkdir -p /etc/qemu
	echo 'allow br0' >/etc/qemu/bridge.conf
}

# declare_machine NAME NUMBER: by the example, with less of everything. Where the host is emulated itself, its guests find no
# clock that they can measure others by, and each character on a console takes its time. They are emulated, too: the SVM that
# QEMU offers to KVM delivers an injected interrupt twice now and then, and the guest is dead then (in QEMU 10.0 still,
# helper_vmrun() leaves the interrupt's number in exception_index). KVM is in tests/vmm.t.
declare_machine() {
	_khz=$(awk '/^cpu MHz/ { printf "%d", $4 * 1000; exit }' /proc/cpuinfo)
	_append="console=ttyS0 loglevel=3 8250.nr_uarts=1 tsc_early_khz=$_khz address=10.0.2.1$2"
	sed "s:/var/log/qemu.console:/run/$1.console:; s:/qemu\.qmp:/$1.qmp:; s/:01$/:0$2/; s:size = .*:size = 96M:
		s:accel=kvm:accel=tcg:; s:-cpu host -smp 2:-cpu qemu64:
		s|-drive .*|-kernel /boot/kernel-A -initrd /usr/share/guest.cpio -append \"$_append\"|" \
		/etc/lukeep/qemu.example >"/etc/lukeep/$1.conf"
}

# how_far NAME: the number of the guest's last tick, of its peer's last answer, and how often it has checked its memory
how_far() {
	sed -n 's/^tick \([0-9]*\) at .*: \([0-9]*\) answers, memory checked \([0-9]*\) times.*/\1 \2 \3/p' "/run/$1.console" | tail -n 1
}

# further NAME TICKS ANSWERS CHECKS: it has come further than that, in each respect
further() {
	_from="$2 $3 $4"
	# shellcheck disable=SC2046,SC2086 # three numbers each
	set -- $(how_far "$1") $_from
	[ $# = 6 ] && [ "$1" -gt "$4" ] && [ "$2" -gt "$5" ] && [ "$3" -gt "$6" ]
}

# goes_on NAME: the guest ticks, its peer answers, its memory is as it left it
goes_on() {
	# shellcheck disable=SC2046
	until_true "the guest of $1 goes on" further "$1" $(how_far "$1")
	ok "nothing went wrong for it" sh -c "! grep FAILED /run/$1.console"
}

# Those that are declared, by name.
machines() {
	grep -l lukeep-qemu /etc/lukeep/*.conf | sed 's:.*/\(.*\)\.conf:\1:'
}

# What each guest has come to, as words for a command line.
come_to() {
	for _name in $(machines); do
		echo "$_name=$(how_far "$_name" | tr ' ' ,)"
	done
}

# leave_for A|B [PARAMETER...]: updates the host, with what each guest has come to on the command line
leave_for() {
	make_initrd
	# shellcheck disable=SC2046 # words
	update "$@" $(come_to)
	cat /run/update "$agent_log"
	fail "lukeep update came back"
}

# The services resume, and each guest goes on from where it was.
come_back() {
	until_true "all services come back" services_are running
	cat "$agent_log"
	ok "they have resumed" status_is '.services | all(.resumed)'
	for _name in $(machines); do
		_before=$(param "$_name" | tr , ' ')
		# shellcheck disable=SC2086 # three numbers
		until_true "the guest of $_name goes on from $_before" further "$_name" $_before
		goes_on "$_name"
		cat "/run/$_name.console"
	done
}
