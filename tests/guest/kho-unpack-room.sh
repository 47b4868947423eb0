# shellcheck shell=sh
# Beside the kernel, and what it needs to begin with, there is room for an initramfs of room=BYTES. KASLR must not put the kernel in the
# middle of that.
. /tests/selftest.sh

# an_initramfs BYTES: that long when it is not compressed
an_initramfs() {
	{ cat /boot/base.cpio && head -c $(($1 - $(stat -c %s /boot/base.cpio))) /dev/zero; } | gzip -1 >"/tmp/$1.gz"
}

# load_with BYTES
load_with() {
	kexec -s -l /boot/kernel-B --initrd="/tmp/$1.gz" --command-line="$(sed 's/ stage=1/ stage=2/' /proc/cmdline)"
}

room=$(param room) too_much=$(($(param room) + (2 << 20)))
if [ "$stage" = 2 ]; then
	pass
fi
an_initramfs "$too_much"
ok "an initramfs is loaded that would leave too little" load_with "$too_much"
is "$(messages 'KHO: the initramfs is decompressed during the update, which takes longer: there is no room for it in scratch memory')" 1 \
	"it is loaded as it is"
kexec -s -u
an_initramfs "$room"
for time in 1 2 3 4; do
	ok "both are loaded, time $time" load_with "$room"
	[ "$time" = 4 ] || kexec -s -u
done
is "$(messages 'KHO: the next kernel decompresses itself')" 0 "the kernel was unpacked each time"
is "$(messages 'KHO: the initramfs is decompressed during the update')" 1 "and so was the initramfs"
do_kexec
