# shellcheck shell=sh
# Loads a kernel without an initramfs. What comes of it shows on the console only.
. /tests/selftest.sh

ok "the firmware is EFI" test -d /sys/firmware/efi
halves luo_update prepare simple
ok "the kernel is loaded" kexec -s -l /boot/kernel-B --command-line="$(cat /proc/cmdline)"
report "VM-RESULT: PASS"
do_kexec
