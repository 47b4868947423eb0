# shellcheck shell=sh
# Two virtual machines and memcached at once over an update; then to a kernel that keeps nothing.

items=2000
socket=/run/memcached.sock
. /tests/machine.sh

make_bridge
declare_machine vm1 1
declare_machine vm2 2
sed -i 's/^save-command/if-lost = hold\n&/' /etc/lukeep/vm2.conf
declare_memcached 64
start_agent

case $stage in
1)	ok "memcached takes items" mcload fill $socket $items
	for name in vm1 vm2; do
		until_true "the guest of $name boots, finds its peer and checks its memory" further $name 1 1 1
	done
	ok "all services run" services_are running
	ok "they are three" status_is '.services | length == 3'
	leave_for B ;;
2)	come_back
	ok "memcached has its items" mcload check $socket $items
	# lukeep would refuse that.
	next_kernel A kho=off liveupdate=off "lukeep.left=$(uname -r)" ;;
3)	ok "there is no live update" test ! -e /dev/liveupdate
	until_true "a machine that may starts afresh" service_is vm1 '.state == "running" and (.resumed | not)'
	until_true "one that may not does not start" service_is vm2 '.state == "lost"'
	cat "$agent_log"
	for name in vm1 vm2; do
		ok "it says that $name is lost" grep -q "$name: what it had in kernel .*-B is lost: nothing came in" "$agent_log"
	done
	ok "there is no state that QEMU could load" service_is vm1 '.memfds | any(.name == "state" and .size == 0)'
	until_true "its guest boots, finds its peer and checks its memory" further vm1 1 1 1
	ok "from the beginning" grep -q '^tick 1 ' /run/vm1.console
	pass ;;
esac
