# shellcheck shell=sh
# lukeep's thp = always: memory is in huge pages where nobody gets any by shmem_enabled, and still is after an update.

. /tests/keep.sh

# huge_pages: KiB of files in tmpfs, and in memfds, that are in huge pages
huge_pages() {
	sed -n 's/^ShmemHugePages: *\([0-9]*\) kB$/\1/p' /proc/meminfo
}

# A service that knows its memory by the first line of it.
cat >/run/service.sh <<'END'
memory=/proc/self/fd/$LUKEEP_FD_ram
trap 'exit 0' USR1
[ $1 = resume ] || echo kept | dd of="$memory" conv=notrunc 2>/dev/null
head -n 1 "$memory" >/run/has
while :; do sleep 1; done
END
# memory SIZE [KEY]
declared() {
	printf '%s\n' '[service]' 'start = sh /run/service.sh start' 'resume = sh /run/service.sh resume' 'save-signal = USR1' \
		'[memfd ram]' 'kind = memory' "size = $1" "${2:-}" >/etc/lukeep/thp.conf
}

rm -f /etc/lukeep/memcached.conf
case $stage in
1)	ok "shmem_enabled is never" grep -qF '[never]' /sys/kernel/mm/transparent_hugepage/shmem_enabled
	declared 33M
	start_agent
	until_true "a service runs" services_are running
	is "$(huge_pages)" 0 "without the key it has no huge pages"
	ok "and no memory that it does not use" service_is thp '.memfds[0].allocated < 1000000'
	lukeep stop thp
	rm /run/has # what the one that was stopped has written
	declared 33M 'thp = always'
	ok "it is started with it" lukeep reload
	until_true "it runs, and has written" grep -q kept /run/has
	is "$(huge_pages)" 32768 "all of its memory that can be is in huge pages"
	is "$(status | jq '.services[0].memfds[0].allocated')" 33554432 "no more of it is allocated"
	ok "the status says how it is declared" service_is thp '.memfds[0].thp'
	make_initrd
	update B
	cat /run/update "$agent_log"
	fail "lukeep update came back" ;;
2)	declared 33M 'thp = always'
	start_agent
	until_true "the service has resumed" service_is thp '.state == "running" and .resumed and .session == null'
	until_true "it has its memory" grep -q kept /run/has
	is "$(status | jq '.services[0].memfds[0].allocated')" 33554432 "all of it"
	is "$(huge_pages)" 32768 "in huge pages"
	pass ;;
esac
