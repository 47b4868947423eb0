#!/bin/bash
# The updates of update.t on a machine with UEFI firmware: what that has told the first kernel, all kernels tell. On x86 its map of
# memory is long, on arm64 the machine is described by ACPI.
# flavours: default arm64-16k
# tier: all
. "$(dirname "$0")/lib.bash"

# The option ROM of a device that makes the firmware one of another kind, see tests/programs/firmware.c.
rom() {
	local include=/usr/include/efi out=$build/guest-$ARCH/firmware sections=() section

	mkdir -p "$build/guest-$ARCH"
	for section in .text .sdata .data .dynamic .dynsym .rel .rela '.rel.*' '.rela.*' .reloc; do
		sections+=(-j "$section")
	done
	gcc -I$include -I$include/x86_64 -DGNU_EFI_USE_MS_ABI -DEFI_FUNCTION_WRAPPER -Wall -O2 -fpic -ffreestanding -fshort-wchar \
		-mno-red-zone -fno-stack-protector -c -o "$out.o" "$root/tests/programs/firmware.c" &&
		ld -nostdlib -znocombreloc -T /usr/lib/elf_x86_64_efi.lds -shared -Bsymbolic -o "$out.so" \
			/usr/lib/crt0-efi-x86_64.o "$out.o" -L/usr/lib -lefi -lgnuefi &&
		objcopy "${sections[@]}" --target=efi-bsdrv-x86_64 "$out.so" "$out.efi" &&
		perl "$root/tests/programs/rom.pl" 1b36 0005 <"$out.efi" >"$out.rom"
}

# uefi [VM-OPTION]...
uefi() {
	vm uefi --with "/selftests=$selftests" --firmware uefi "$@"
}

"$root/scripts/setup" hosts
case $ARCH in
x86_64)	ok "an option ROM is made" rom
	uefi -- -machine q35 -device "pci-testdev,romfile=$build/guest-$ARCH/firmware.rom" ;;
arm64)	uefi --append acpi=force -- -device virtio-serial-pci ;;
esac
done_testing
