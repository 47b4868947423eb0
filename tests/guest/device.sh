# shellcheck shell=sh
# Two devices that QEMU has on its bus are at work when the kernel is replaced, of which one is preserved.
EDU=0000:00:05.0 OTHER=0000:00:06.0
export EDU OTHER
. /tests/pcitest.sh
transfer_over_kexec
