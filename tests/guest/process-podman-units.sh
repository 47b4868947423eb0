# shellcheck shell=sh disable=SC2016
# A container of podman under systemd, which has a scope for it: the unit of lukeep restores it in the next kernel.
. /tests/process.sh
. /tests/podman.sh

# show UNIT PROPERTY
show() {
	systemctl show --value --property="$2" "$1"
}

at_work() {
	until_true "the unit of redis is active" eval '[ "$(show lukeep@redis ActiveState)" = active ]'
	redis_is_at_work
	ok "it is in a scope of systemd" grep -q '^0::/machine.slice/libpod-.*.scope' "/proc/$(pidof redis-server)/cgroup"
	is "$(systemctl --failed --quiet --plain --no-legend | cut -d' ' -f1)" "" "no unit has failed"
}

# What is written here is on the disk when systemd has ended all.
agent_log=/var/tmp/agent$stage.log
journalctl --follow --output=cat --lines=all >"$agent_log" &
case $stage in
1)	declare_redis
	systemctl daemon-reload
	ok "the service is declared" lukeep reload
	until_true "redis answers" redis-cli ping
	redis-cli debug populate 10000 key 2000 >/dev/null
	at_work
	make_initrd
	update B
	sleep infinity ;;
2)	is "$(uname -r | tail -c 3)" -B "the other kernel runs"
	at_work
	grep -h -e ' dump: ' -e ' restore: ' -e ' at work ' /var/tmp/agent*.log | while read -r line; do note "$line"; done
	pass ;;
esac
