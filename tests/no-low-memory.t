#!/bin/bash
# An update on a machine without RAM below 4 GiB.
# flavours: arm64-default
. "$(dirname "$0")/lib.bash"

# QEMU has memory at 1 GiB. The devicetree that the kernel gets says that it begins at 4 GiB.
at_kernel=0x100200000 at_initrd=0x108000000 at_devicetree=0x120000000
out=$build/guest-$ARCH/no-low-memory
initrd=$kernel/initrd/no-low-memory.cpio
# Without ACPI it has the same devices whether or not there is firmware, as which QEMU takes the loader.
machine=(-machine 'virt,gic-version=3,acpi=off' -cpu max -smp 2 -m 6G)

# What QEMU would tell, but for memory and parameters.
devicetree() {
	local dtc=$kernel/scripts/dtc/dtc end

	end=$(printf '0x%x' $((at_initrd + $(stat -c %s "$initrd"))))
	qemu-system-aarch64 "${machine[@]}" -machine "dumpdtb=$out.dtb.qemu" -display none &&
		"$dtc" -q -I dtb -O dts "$out.dtb.qemu" | awk -v end="$end" -v initrd="$at_initrd" '
			function cells(address) { return "<0x" substr(address, 3, length(address) - 10) " 0x" substr(address, length(address) - 7) ">" }
			/^\tmemory@/ { memory = 1 }
			memory && /reg = / { $0 = "\t\treg = <0x1 0x0 0x0 0xc0000000>;"; memory = 0 }
			{ print }
			/^\tchosen/ {
				print "\t\tlinux,initrd-start = " cells(initrd) ";"
				print "\t\tlinux,initrd-end = " cells(end) ";"
				print "\t\tbootargs = \"console=ttyAMA0 earlycon kho=on liveupdate=on panic=-1 test=kho-boot want_low=0 stage=1\";"
			}' >"$out.dts" &&
		"$dtc" -q -I dts -O dtb -o "$out.dtb" "$out.dts"
}

# At address 0, where the processor starts.
loader() {
	"${cross}gcc" -c -DDEVICETREE="$at_devicetree" -DKERNEL="$at_kernel" -o "$out.o" "$root/tests/programs/no-low-memory.S" &&
		"${cross}objcopy" -O binary "$out.o" "$out.bin"
}

mkdir -p "$build/guest-$ARCH"
"$root/scripts/vm/initramfs" no-low-memory "/selftests=$selftests" >/dev/null
ok "the devicetree is made" devicetree
ok "the loader is made" loader
vm no-low-memory --with "/selftests=$selftests" --mem 6G -- -machine acpi=off -bios "$out.bin" \
	-device "loader,file=$kernel/kernel-A,addr=$at_kernel,force-raw=on" \
	-device "loader,file=$initrd,addr=$at_initrd,force-raw=on" \
	-device "loader,file=$out.dtb,addr=$at_devicetree,force-raw=on"
done_testing
