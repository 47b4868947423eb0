# shellcheck shell=sh
# lukeep's units, with systemd as the first process: a service is a unit, the rights and limits that it has there are those of its
# keeper as well, an update goes by way of systemctl kexec, and an ordinary reboot stops services. Stage 3 has no agent.
# units-end.sh looks what is left when systemd has killed the others.

. /tests/keep.sh

items=2000
socket=/run/lukeep-memcached/socket

# show SERVICE PROPERTY
show() {
	systemctl show --value --property="$2" "lukeep@$1"
}

# Puts what the status says into variables: memcached_pid, and so on.
look() {
	status | jq -r '.services[] | "\(.name)_keeper=\(.keeper) \(.name)_pid=\(.pid) \(.name)_pause=\(.pause)",
		"\(.name)_allocated=\(.memfds[0].allocated)"' >/run/status
	. /run/status
}

# The pids of keepers and services.
pids() {
	status | jq -c '[.services[] | .keeper, .pid]'
}

cgroup() {
	sed -n 's/^0:://p' "/proc/$1/cgroup"
}

# process PID FIELD: of /proc/PID/status
process() {
	sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status" | cut -f 1
}

is_up() {
	[ "$(show "$1" ActiveState)" = active ] && service_is "$1" '.state == "running"'
}

is_down() {
	[ "$(show "$1" ActiveState)" = inactive ]
}

# unit_is_active NAME KEEPER PID
unit_is_active() {
	is "$(show "$1" ActiveState), $(show "$1" MainPID)" "active, $2" "lukeep@$1.service is active, its main process is the keeper"
	is "$(process "$3" PPid)" "$2" "the service is its child"
	is "$(cgroup "$2")" "/system.slice/lukeep@$1.service" "it is in the unit's cgroup"
	is "$(cgroup "$3")" "/system.slice/lukeep@$1.service" "and so is the service"
	is "$(show "$1" NFileDescriptorStore)" 0 "systemd stores nothing for it: the keeper has taken all"
}

# systemd has heard what the keepers have told it.
are_settled() {
	for _service in memcached simple; do
		[ "$(show $_service ActiveState) $(show $_service NFileDescriptorStore)" = "active 0" ] || return
	done
}

units_are_active() {
	until_true "systemd has both units" are_settled
	look
	unit_is_active memcached "$memcached_keeper" "$memcached_pid"
	unit_is_active simple "$simple_keeper" "$simple_pid"
	is "$(systemctl --failed --quiet --plain --no-legend | cut -d' ' -f1)" "" "no unit has failed"
}

# sandboxed PID WHO
sandboxed() {
	is "$(process "$1" Uid)" 100 "$2 runs as its user"
	is "$(process "$1" NoNewPrivs)" 1 "$2 gets no new privileges"
	is "$(process "$1" CapBnd)" 0000000000000000 "$2 has no capabilities"
	is "$(process "$1" Seccomp)" 2 "$2 has filters of system calls"
	ok "$2 sees no devices" test ! -e "/proc/$1/root/dev/liveupdate"
	ok "$2 cannot write the root" grep -q ' / / ro,' "/proc/$1/mountinfo"
}

# memory FILE: of memcached's unit
memory() {
	cat "/sys/fs/cgroup/system.slice/lukeep@memcached.service/memory.$1"
}

# Where there is BPF, systemd limits what devices a unit may open, be its file there or not.
no_device() {
	sh -c 'echo 0 >/sys/fs/cgroup/system.slice/lukeep@memcached.service/cgroup.procs; : </dev/liveupdate' 2>&1 |
		grep -q 'Operation not permitted'
}

drop_in() {
	[ ! -e /proc/sys/kernel/unprivileged_bpf_disabled ] || ok "memcached's unit may not open the device" no_device
	sandboxed "$memcached_keeper" "memcached's keeper"
	sandboxed "$memcached_pid" memcached
	is "$(memory max)" $((1536 << 20)) "its memory is limited"
	ok "what it has is charged to its unit" test "$(memory current)" -ge "$memcached_allocated"
	is "$(process "$simple_pid" Uid)" 0 "the other service runs as root"
}

messages() {
	until_true "what a service writes has its name" journalctl --quiet --grep='in kernel' --identifier=simple
	until_true "what is said of it has a field" journalctl --quiet --grep='started afresh' LUKEEP_SERVICE=simple SYSLOG_IDENTIFIER=lukeep
	for _unit in lukeep lukeep@memcached; do
		_text=$(systemctl status "$_unit" | sed -n 's/^ *Status: "\(.*\)"$/\1/p')
		note "$_unit: $_text"
		ok "systemctl status says what it is doing" test -n "$_text"
	done
}

listen_fds() {
	tr '\0' '\n' <"/proc/$simple_pid/environ" >/run/environ
	is "$(sed -n 's/^LISTEN_FDS=//p' /run/environ)" 2 "a service gets its memfds"
	is "$(sed -n 's/^LISTEN_FDNAMES=//p' /run/environ)" memory:saved "and their names"
	is "$(sed -n 's/^LISTEN_PID=//p' /run/environ)" "$simple_pid" "they are for it"
	is "$(grep -c '^NOTIFY_SOCKET=' /run/environ)" 0 "what is the keeper's is not the service's"
}

without_agent() {
	before=$(pids)
	ok "the agent can be restarted" systemctl restart lukeep
	until_true "it finds the services" services_are running
	is "$(pids)" "$before" "none was restarted"
	ok "it can be stopped" systemctl stop lukeep
	is "$(pids)" "$before" "no service was stopped"
	ok "lukeep stop does without it" lukeep stop simple
	until_true "the service's unit ends" is_down simple
	ok "lukeep reload does without it" lukeep reload
	until_true "the service's unit is back" is_up simple
	ok "it can be started" systemctl start lukeep
}

verbs() {
	rm /run/simple.stopped
	before=$(pids)
	ok "a unit can be stopped" systemctl stop lukeep@simple
	ok "the stop command does it" test -e /run/simple.stopped
	is "$(show simple ActiveState), $(show simple Result)" "inactive, success" "it is stopped"
	ok "the status shows it" service_is simple '.state == "stopped"'
	ok "it can be started" systemctl start lukeep@simple
	ok "it is ready then" service_is simple '.state == "running"'
	ok "it is another one" test "$(pids)" != "$before"
	before=$(pids)
	ok "it can be reloaded" systemctl reload lukeep@simple
	is "$(pids)" "$before" "which leaves it alone"
	rm /run/simple.has
	ok "it can be restarted" systemctl restart lukeep@simple
	until_true "it serves" serves simple
	ok "which does not" test "$(pids)" != "$before"
	rm /run/simple.stopped

	declare_service late 'save-signal = USR1'
	ok "declarations are read again" lukeep reload
	ok "a new one has its unit, and is ready" is_up late
	ok "it can be stopped" systemctl stop lukeep@late
	ok "it can be started once more" lukeep reload late
	kill -9 "$(show late MainPID)"
	until_true "a killed keeper is noticed" service_is late '.state == "gone"'
	rm /etc/lukeep/late.conf
	systemctl reset-failed lukeep@late

	printf '[service]\nstart = /bin/nosuch\n' >/etc/lukeep/nope.conf
	lukeep reload >/run/reload 2>&1
	is $? 1 "a service that cannot be started is an error"
	cat /run/reload
	ok "it says which" grep -q 'lukeep@nope.service' /run/reload
	ok "and why" grep -q '^lukeep: nope: cannot run "/bin/nosuch": No such file' /run/reload
	ok "so does the status" service_is nope '.state == "down" and (.error | startswith("nope: cannot run"))'
	rm /etc/lukeep/nope.conf
	systemctl reset-failed lukeep@nope
}

# exposure UNIT: what systemd-analyze thinks of it
exposure() {
	note "systemd-analyze security: $(systemd-analyze security --no-pager "$1" | sed -n 's/.*Overall exposure level for //p')"
}

# go_on A|B [PARAMETER...]: the update to the next stage
go_on() {
	rm -f /run/update
	make_initrd
	ok "a unit runs that systemd will stop" systemctl start last
	ok "no service has a session" status_is '.services | all(.session == null)'
	update "$@"
	is $? 0 "the update is handed to systemd"
	cat /run/update
	sleep infinity
}

# resumed KERNELS
resumed() {
	until_true "all services come back" status_is '.services | length == 2 and all(.state == "running" and .session == null)'
	ok "they have resumed" status_is '.services | all(.resumed)'
	ok "memcached has its items, and the one that came while systemd stopped others" mcload check $socket $((items + 1))
	until_true "the other service has its memory" has simple "$1"
	units_are_active
	note "pauses: memcached ${memcached_pause}s, simple ${simple_pause}s"
	ok "the status has the pauses" status_is '.services | all(.pause > 0)'
	until_true "the journal has one" journalctl --quiet --grep='after a pause of' LUKEEP_SERVICE=memcached
}

journalctl --follow --output=short-monotonic --lines=all >"$agent_log" &
case $stage in
1)	note "$(systemctl --version | head -n 1)"
	until_true "all services run" services_are running
	ok "the generator wants their units" test -L /run/systemd/generator/multi-user.target.wants/lukeep@memcached.service
	ok "memcached takes items" mcload fill $socket $items
	units_are_active
	drop_in
	messages
	listen_fds
	without_agent
	verbs
	exposure lukeep@simple
	exposure lukeep@memcached
	exposure lukeep
	go_on B ;;
2)	until_true "the agent runs" systemctl --quiet is-active lukeep
	resumed AB
	drop_in
	go_on A systemd.mask=lukeep.service ;;
3)	is "$(systemctl is-active lukeep)" inactive "there is no agent"
	resumed ABA
	systemctl reboot
	sleep infinity ;;
esac
