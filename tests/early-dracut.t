#!/bin/bash
# A service resumes in an initramfs that dracut made, on Debian 13.
# flavours: criu
# tier: all
. "$(dirname "$0")/lib.bash"
host=$("$root/scripts/vm/dracut-host") || exit
run_vm early-dracut --initrd "$host/initrd" --mem 2G --timeout 3600 --append 'root=/dev/vda rw systemd.show_status=no' -- \
	-drive "file=$host/disk.ext2,if=virtio,format=raw,snapshot=on"
done_testing
