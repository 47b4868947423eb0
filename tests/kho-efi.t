#!/bin/bash
# A kernel that is loaded without an initramfs on a machine with EFI: it must not take for one what the firmware said of that
# of the first boot, since other things are in that memory by now.
# tier: all
. "$(dirname "$0")/lib.bash"

# It has no init then.
vm kho-efi --with "/selftests=$selftests" --allow 'Kernel panic - not syncing: (VFS|No working init)' -- -bios /usr/share/ovmf/OVMF.fd
said() { sed -n '/Linux version .*-B /,$p' "$build/logs/kho-efi.log" | grep -cE "$1"; }
is "$(said 'Kernel panic - not syncing: (VFS|No working init)')" 1 "the next kernel runs, and finds no init"
is "$(said 'KHO: exec from')" 1 "it has taken over"
is "$(said 'INITRD=')" 1 "the firmware has a table of an initramfs"
is "$(said 'RAMDISK: ')" 0 "that is not used"
done_testing
