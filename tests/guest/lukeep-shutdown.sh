# shellcheck shell=sh
# systemd's last program kills what is left, unmounts, and enters the next kernel; a service keeps its memory all the same.

. /tests/keep.sh

declare_service simple 'save-signal = USR1'
declare_service other 'save-signal = USR1'
rm /etc/lukeep/memcached.conf

# systemd, as far as lukeep sees it. At the end the first process becomes what systemd would become.
fake_systemd() {
	mkdir -p /run/systemd/system
	cat >/bin/systemctl <<-'END'
	#!/bin/sh
	[ "$*" = "kexec --no-block" ]
	END
	chmod +x /bin/systemctl
	ln -s /lib/systemd/systemd-shutdown /run/last
}

case $stage in
1)	start_agent
	until_true "the services come up" services_are running
	until_true "the one serves" serves simple
	until_true "the other one, too" serves other
	make_initrd
	# From here on: lukeep would leave it to systemd to start keepers.
	fake_systemd
	update B
	status=$?
	cat /run/update
	is $status 0 "the update is handed to systemd"
	# The agent has its session as well. systemd before 255 kills keepers that are not root's.
	kill -9 "$(status | jq '.services[] | select(.name == "other") | .keeper')"
	until_true "a keeper dies under way" service_is other '.state == "gone"'
	until_true "the agent notices" grep -q 'other: its keeper has ended' "$agent_log"
	is "$(cat /sys/kernel/kexec_loaded)" 1 "the next kernel is still loaded"
	# What SIGTERM ends need not be killed.
	(trap '' TERM; exec sleep 600) &
	until_true "it does not end what ignores it" grep -q '^SigIgn:.*[4-7c-f]...$' "/proc/$!/status"
	# systemd does without it.
	rm /sbin/kexec
	mv /run/last /run/shutdown ;;
2)	start_agent
	until_true "the service comes back" services_are running
	cat "$agent_log"
	ok "it has resumed" service_is simple .resumed
	ok "and so has the one without a keeper" service_is other .resumed
	until_true "it has what it had" has simple AB
	pass ;;
esac
