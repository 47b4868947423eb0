# shellcheck shell=sh
# Beside the kernel there is room for an initramfs of room=BYTES. KASLR must not put the kernel in the middle of that.
. /tests/selftest.sh

cd /tmp || exit
{ cat /boot/base.cpio && head -c $(($(param room) - $(stat -c %s /boot/base.cpio))) /dev/zero; } | gzip -1 >initramfs.gz
for time in 1 2 3 4; do
	ok "both are loaded, time $time" kexec -s -l /boot/kernel-B --initrd=initramfs.gz --command-line="$(cat /proc/cmdline)"
	kexec -s -u
done
is "$(messages 'KHO: the next kernel decompresses itself')" 0 "the kernel was unpacked each time"
is "$(messages 'KHO: the initramfs is decompressed during the update')" 0 "and so was the initramfs"
pass
