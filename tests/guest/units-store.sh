# shellcheck shell=sh
# A keeper that is killed while its service is held: from version 254 on systemd keeps what came in, for the next keeper.

. /tests/keep.sh

# show PROPERTY
show() {
	systemctl show --value --property="$1" lukeep@simple
}

has_failed() {
	[ "$(show ActiveState)" = failed ]
}

# With a memfd more, the declaration is another one than that of the initramfs.
declare_extra() {
	printf '\n[memfd extra]\nkind = memory\nsize = 1M\n' >>/etc/lukeep/simple.conf
}

# The service is held, for the reason that its declaration does not fit, and systemd has session and state.
is_held() {
	until_true "it is held" service_is simple '.state == "held" and .keeper > 0'
	ok "it says why" journalctl --quiet --grep='memfd extra came in, and is not declared' LUKEEP_SERVICE=simple _PID="$(show MainPID)"
	is "$(show NFileDescriptorStore)" 2 "systemd has what came in"
}

kill_keeper() {
	kill -9 "$(show MainPID)"
	until_true "its unit fails" has_failed
	is "$(show Result), $(show NFileDescriptorStore)" "signal, 2" "its keeper was killed, and systemd still has what came in"
	until_true "the status says so" service_is simple '.state == "held" and .pid == null and (.error | contains("systemd has what it had"))'
	lukeep status
}

journalctl --follow --output=short-monotonic --lines=all >"$agent_log" &
rm /etc/lukeep/memcached.conf
systemctl stop lukeep@memcached
systemctl reset-failed
case $stage in
1)	note "$(systemctl --version | head -n 1)"
	until_true "the service runs" services_are running
	declare_extra
	ok "with another memfd" systemctl restart lukeep@simple
	until_true "it runs again" services_are running
	rm /run/simple.stopped
	make_initrd
	update B
	is $? 0 "the update is handed to systemd"
	sleep infinity ;;
2)	is_held
	kill_keeper
	lukeep reload
	is_held
	kill_keeper
	declare_extra
	ok "with its declaration mended it can be started" lukeep reload
	until_true "it goes on" service_is simple '.state == "running" and .resumed and .session == null'
	until_true "with what it had" has simple AB
	is "$(show NFileDescriptorStore)" 0 "the store is empty"
	ok "the journal says where it was" journalctl --quiet --grep='its last keeper did not take what came in: systemd has kept it' LUKEEP_SERVICE=simple
	is "$(systemctl --failed --quiet --plain --no-legend | cut -d' ' -f1)" "" "no unit has failed"
	kill -9 "$(show MainPID)"
	until_true "a keeper that is killed later takes it along" service_is simple '.state == "gone"'
	pass ;;
esac
