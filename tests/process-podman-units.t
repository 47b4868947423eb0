#!/bin/bash
# A container of podman under the systemd of Debian 13: redis, with a client outside, whose TCP connection is never reset.
# flavours: criu
# tier: all
. "$(dirname "$0")/process.bash" podman
port=$(free_ports 1)
program process-client.py 127.0.0.1 "$port" "$tmp/client"
units=/on-disk/etc/systemd/system
words='rdinit=/tests/disk.sh first=/usr/lib/systemd/systemd systemd.unit=multi-user.target systemd.show_status=no'
words="$words systemd.default_timeout_start_sec=600"
for unit in lukeep.service process-network.service dbus.socket test.service; do words="$words systemd.wants=$unit"; done
for unit in systemd-logind.service systemd-modules-load.service getty.target ldconfig.service; do words="$words systemd.mask=$unit"; done
vm_outside process-podman-units "$port:6379" --with "$units/process-network.service=$root/tests/guest/process-network.service" \
	--with "$units/test.service=$root/tests/guest/units/etc/systemd/system/test.service" --append "$words"
is "$(python3 "$root/tests/programs/process-packets.py" "$tmp/packets" 6379 2>/dev/null)" "" "one connection, without a reset"
done_testing
