# shellcheck shell=sh
# A virtual machine of stock QEMU over four updates of its host in a row. Before that, what can go wrong does so once.

. /tests/machine.sh

# fails_and_goes_on MESSAGE: the update fails, says why, and the guest has not noticed
fails_and_goes_on() {
	update B
	is $? 3 "the update fails"
	cat /run/update
	ok "it says why: $1" grep -q "$1" /run/update "$agent_log"
	until_true "all services are back" services_are running
	is "$(cat /sys/kernel/kexec_loaded)" 0 "no kernel is loaded"
	goes_on vm1
}

# A device that cannot be saved, in a machine without a guest.
blocked() {
	declare_machine blocked 9
	sed -i 's/-device.*/-S -object memory-backend-ram,id=peer,size=1M -device ivshmem-plain,memdev=peer/; /-netdev/d; s/-kernel.*//' \
		/etc/lukeep/blocked.conf
	lukeep reload
	until_true "another machine runs" services_are running
	fails_and_goes_on "blocked: QEMU refuses \"migrate\": .*ivshmem"
	rm /etc/lukeep/blocked.conf
	lukeep stop blocked
	until_true "the other machine is gone" status_is '.services | length == 1'
}

agent_killed() {
	pid=$(lukeep status --json | jq '.services[0].pid')
	kill -9 "$agent"
	wait "$agent"
	goes_on vm1
	start_agent
	until_true "another agent finds the machine" services_are running
	is "$(lukeep status --json | jq '.services[0].pid')" "$pid" "and does not restart it"

	# The agent is killed when the machine has saved, and another service has not.
	declare_service command 'save-command = sh /tests/service.sh command save'
	lukeep reload
	until_true "another service runs" services_are running
	echo wait >/run/command.mood
	mkfifo /run/command.fifo
	update B &
	client=$!
	until_true "the machine has saved" service_is vm1 '.state == "saved"'
	until_true "the other service has not" test -e /run/command.saving
	kill -9 "$agent"
	wait "$agent"
	wait $client
	is $? 1 "the update fails when the agent is killed"
	goes_on vm1
	start_agent
	echo refuse >/run/command.fifo
	until_true "all are at work" services_are running
	kexec -s -u
	rm /etc/lukeep/command.conf
	lukeep stop command
	until_true "the other service is gone" status_is '.services | length == 1'
}

# What it has of the pool, and the pool has no more than was asked for.
in_huge_pages() {
	ok "its RAM is of huge pages" service_is vm1 '.memfds | any(.name == "ram" and .hugetlb == 2097152)'
	is "$(cat /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages)" 48 "the pool is as large as was asked for"
}

# What the machine needs comes late: it is not lost.
without_the_bridge() {
	until_true "without the bridge the machine is as it was saved" service_is vm1 '.state == "saved" and .pid == 0'
	ok "it says what to do" grep -q 'vm1: it did not get as far as to resume, and keeps what it had' "$agent_log"
	make_bridge
	ok "with the bridge it can try again" lukeep reload
}

[ "$stage" = 3 ] || make_bridge
declare_machine vm1 1
sed -i 's/^size = 96M/&\nhugetlb = 2M/' /etc/lukeep/vm1.conf
rm -f /etc/lukeep/memcached.conf
start_agent
[ "$stage" != 3 ] || without_the_bridge

if [ "$stage" = 1 ]; then
	make_initrd
	until_true "the guest boots, finds its peer and checks its memory" further vm1 1 1 1
	cat /run/vm1.console
	in_huge_pages
	blocked
	agent_killed
	leave_for B
fi

come_back
in_huge_pages
case $stage in
2|4)	leave_for A ;;
3)	leave_for B ;;
5)	pass ;;
esac
