# shellcheck shell=sh
# redis by CRIU as a unit of systemd, by the example of its declaration: lukeep-netlock.service has its client wait before there is a
# network. It is urgent: another service is dumped before, and restored afterwards.
. /tests/process.sh
keys=20000

# show UNIT PROPERTY
show() {
	systemctl show --value --property="$2" "$1"
}

# is_up SERVICE
is_up() {
	[ "$(show "lukeep@$1" ActiveState)" = active ] && service_is "$1" '.state == "running"'
}

# client_is N: it has got so far
client_is() {
	[ "$(redis-cli get client)" -ge "$1" ]
}

at_work() {
	until_true "the unit of redis is active" is_up redis
	until_true "that of the other service is, too" is_up busy
	until_true "redis has its keys" eval "[ \$(redis-cli dbsize) = $((keys + 1)) ]"
	until_true "its client goes on" client_is $((stage * 20))
	is "$(systemctl --failed --quiet --plain --no-legend | cut -d' ' -f1)" "" "no unit has failed"
}

declare_services() {
	mkdir -p /var/lib/redis /var/busy "$images"
	# It is reached from outside, and can be filled by a command.
	sed -e 's/--bind 127.0.0.1/--bind 0.0.0.0 --protected-mode no --enable-debug-command yes/' -e 's/^.service.$/&\norder = 1/' \
		/usr/share/doc/lukeep/examples/redis.conf >/etc/lukeep/redis.conf
	printf '[service]\nstart = python3 /usr/bin/process-busy.py /var/busy\n[process]\nimages = %s/busy\n' "$images" >/etc/lukeep/busy.conf
	systemctl daemon-reload
}

# What is written here is on the disk when systemd has ended all.
agent_log=/var/tmp/agent$stage.log
journalctl --follow --output=cat --lines=all >"$agent_log" &
case $stage in
1)	declare_services
	note "$(systemctl --version | head -n 1)"
	ok "the services are declared" lukeep reload
	until_true "redis answers" redis-cli ping
	redis-cli debug populate $keys >/dev/null
	at_work
	make_initrd
	update B
	sleep infinity ;;
2)	is "$(uname -r | tail -c 3)" -B "the other kernel runs"
	is "$(sed -n 's/^\([a-z]*\): dump: .*/\1/p' /var/tmp/agent1.log | tr '\n' ' ')" "busy redis " "the urgent service was dumped last"
	is "$(show lukeep-netlock ExecMainStatus), $(show lukeep-netlock ConditionResult)" "0, yes" "the client was kept waiting"
	ok "before there was a network" test "$(show lukeep-netlock ExecMainExitTimestampMonotonic)" -le \
		"$(show process-network ExecMainStartTimestampMonotonic)"
	at_work
	ok "the other service waited for the urgent one" test "$(show lukeep@redis ActiveEnterTimestampMonotonic)" -le \
		"$(show lukeep@busy ExecMainStartTimestampMonotonic)"
	grep -h -e ' dump: ' -e ' restore: ' -e ' at work ' /var/tmp/agent*.log | while read -r line; do note "$line"; done
	pass ;;
esac
