#!/bin/bash
# Programs that know nothing of live updates, with their files on a tmpfs, over two updates under systemd: memcached -e, redis with its
# dump, and SQLite.
# flavours: default
. "$(dirname "$0")/lib.bash"
read -ra tools < <("$root/scripts/vm/guest-tools")
services=$("$root/scripts/vm/service-root" services redis-server sqlite3 -- /usr/bin/redis-{server,check-rdb,cli} /usr/bin/sqlite3) || exit
options=()
for tool in "${tools[@]}" "/bin/jq=$(command -v jq)" "/etc/lukeep/redis-tmpfs.conf=$root/tools/liveupdate/redis-tmpfs.conf" \
	"/=$("$root/scripts/vm/systemd-root")" "/=$services" "/=$root/tests/guest/units" "/=$root/tests/guest/tmpfs"; do
	options+=(--with "$tool")
done
vm tmpfs-services "${options[@]}" --timeout 3600 --append "rdinit=/lib/systemd/systemd systemd.show_status=no"
done_testing
