#!/bin/bash
# Boots without a handover: of the crash kernel, by kexec_load(), with KHO off on either side; and what is refused.
# flavours: default
# tier-all: arm64-default arm64-16k arm64-64k
. "$(dirname "$0")/lib.bash"

# Without EFI, an arm64 kernel with an ITS that kexec starts as from cold takes the old tables for reserved when it lies there itself,
# and writes them over its text. Documentation/admin-guide/mm/kho.rst tells of this parameter.
lpis=
[ "$ARCH" != arm64 ] || lpis=' irqchip.gicv3_nolpi=1'

# cold CASE PARAMETERS [VM-OPTION]...
cold() {
	vm "kho-cold-$1" --with "/selftests=$selftests" --append "test=kho-cold case=$1 $2$lpis" "${@:3}"
}

# Kernels of either page size, one after the other.
if [ "$FLAVOUR" = 16k ] || [ "$FLAVOUR" = 64k ]; then
	other=$build/$ARCH-default/kernel-A
	[ -e "$other" ] || FLAVOUR=default "$root/scripts/kernel/kernel" >/dev/null
	vm kho-cold-pages --with "/selftests=$selftests" --with "/boot/kernel-other=$other" --append 'test=kho-cold case=pages'
	done_testing
	exit
fi
cold legacy ''
cold stale ''
cold off ''
cold nokho 'kho=off'
cold noluo 'liveupdate=off'
cold small 'kho_scratch=4M,4M,4M'
cold enough "kho_scratch=$(sed -n 's/^# sizes that would do: //p' "$build/logs/kho-cold-small$suffix.report")"
cold malformed 'kho_scratch=64M,fish,4M'
# The firmware has no RAM at the end of the first 640 KiB.
[ "$ARCH" = arm64 ] || cold memmap 'memmap=exactmap memmap=640K@0 memmap=1022M@1M'
cold crash 'crashkernel=192M' --allow 'Kernel panic - not syncing: Out of memory'
cold crash-frozen 'crashkernel=192M' --allow 'Kernel panic - not syncing: Out of memory'
done_testing
