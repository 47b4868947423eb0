# shellcheck shell=sh
# A virtual machine of stock QEMU whose RAM is in transparent huge pages, over two updates of its host: it stays in them, and QEMU maps
# them as such, though memfds get none by shmem_enabled.
. /tests/machine.sh

# mapped FIELD: KiB of the machine's RAM in QEMU's page tables, by a field of smaps
mapped() {
	awk -v field="$1:" '/^[0-9a-f]+-[0-9a-f]+ / { ram = /memfd:/ } ram && $1 == field { sum += $2 } END { print sum }' \
		"/proc/$(lukeep status --json | jq '.services[0].pid')/smaps"
}

in_huge_pages() {
	ok "shmem_enabled is never" grep -qF '[never]' /sys/kernel/mm/transparent_hugepage/shmem_enabled
	ok "the status says how its RAM is declared" service_is vm1 '.memfds | any(.name == "ram" and .thp)'
	is "$(awk '$1 == "ShmemHugePages:" { print $2 }' /proc/meminfo)" $((96 * 1024)) "all of its RAM is in huge pages"
	ok "QEMU has mapped it" test "$(mapped Rss)" -gt 0
	is "$(mapped ShmemPmdMapped)" "$(mapped Rss)" "in huge pages"
}

make_bridge
declare_machine vm1 1
sed -i 's/^size = 96M/&\nthp = always/' /etc/lukeep/vm1.conf
rm -f /etc/lukeep/memcached.conf
start_agent

if [ "$stage" = 1 ]; then
	make_initrd
	until_true "the guest boots, finds its peer and checks its memory" further vm1 1 1 1
	in_huge_pages
	leave_for B
fi

come_back
in_huge_pages
[ "$stage" = 3 ] && pass
leave_for A
