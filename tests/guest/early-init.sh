#!/bin/sh
# The first process of an initramfs beside a root file system, which is a tmpfs with what is in here, and /opt besides. Services
# resume before that is mounted, if they are declared so. Then the initramfs is emptied, and systemd starts.
export PATH=/sbin:/bin:/usr/sbin:/usr/bin HOME=/ LC_ALL=C

mount -t proc proc /proc
mount -t sysfs sys /sys 2>/dev/null
mount -t devtmpfs dev /dev 2>/dev/null
mount -t tmpfs run /run
. /tests/lib.sh

lukeep early

# /opt is in the root alone.
mkdir -p /newroot
mount -t tmpfs root /newroot
mkdir -p /newroot/opt
for item in bin sbin lib lib64 usr etc root tmp var tests boot init; do
	[ ! -e "/$item" ] || cp -a "/$item" /newroot/
done
cp /tests/service.sh /newroot/opt/service
mkdir -p /newroot/proc /newroot/sys /newroot/dev /newroot/run /newroot/mnt

if grep -q lukeep.left= /proc/cmdline; then
	. /tests/early-seen.sh
fi

for item in proc sys dev run; do
	mount --move "/$item" "/newroot/$item"
done
exec switch_root /newroot /lib/systemd/systemd
