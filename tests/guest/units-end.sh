#!/bin/sh
# units-end.sh kexec|reboot: the last that systemd-shutdown runs, when it has killed what it may kill; see units.sh.
. /tests/lib.sh

# shellcheck disable=SC2009 # Debian's busybox has no pgrep
count() {
	ps | grep -c "$1"
}

is "$(count '[m]emcached ')" 0 "memcached has ended"
case $1 in
kexec)	is "$(count '[@]lukeep run')" 1 "the agent is spared"
	is "$(count '[@]lukeep keep .*simple')" 1 "and so is a keeper"
	# Those of other users only from systemd 255 on.
	if [ "$(systemctl --version | awk 'NR == 1 { print $2 }')" -ge 255 ]; then
		is "$(count '[@]lukeep keep')" "$(find /run/lukeep -name '*.keeper' | wc -l)" "as are all keepers"
	fi
	is "$(cat /sys/kernel/kexec_loaded)" 1 "the next kernel is loaded"
	ok "no service was stopped" test ! -e /run/simple.stopped ;;
*)	is "$(count '[@]lukeep')" 0 "no keeper is left, and no agent"
	ok "a service was stopped in its own manner" test -e /run/simple.stopped
	is "$(cat /sys/kernel/kexec_loaded)" 0 "no kernel is loaded"
	report 'VM-RESULT: PASS' ;;
esac
