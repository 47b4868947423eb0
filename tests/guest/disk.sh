#!/bin/sh
# The guest's first process where the root file system is on a disk, which the next kernel has as well: goes there, and on with the
# usual first process, or with what first= of the kernel command line names: we have that in our environment. What is in /on-disk gets
# there. Boot with rdinit=/tests/disk.sh.
export PATH=/sbin:/bin:/usr/sbin:/usr/bin
mkdir /disk
mount -t devtmpfs dev /dev
mount -t ext4 /dev/vda /disk
# Kernels are not written to the disk, and not read from there.
mount -t tmpfs boot /disk/boot
mv /boot/* /disk/boot
cp -r /tests /init /disk
[ ! -d /on-disk ] || cp -r /on-disk/. /disk
umount /dev
exec switch_root /disk "${first:-/init}"
