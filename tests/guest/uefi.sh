# shellcheck shell=sh
# What firmware has told one kernel is there in the next ones; then what update.sh does.
. /tests/selftest.sh

# Of the table of firmware that can be updated: all that it says.
esrt() {
	grep -r . /sys/firmware/efi/esrt | sort | sha256sum | cut -c 1-64
}

# The firmware of x86 has been made to have a table of firmware resources, and a long map of memory.
x86_firmware() {
	if [ "$stage" = 1 ]; then
		is "$(cat /sys/firmware/efi/esrt/fw_resource_count)" 3 "entries of the table of firmware resources"
		is "$(messages 'BIOS-e820: ')" 128 "the zero page has no room for more of the firmware's map"
		echo "$(cat /proc/cmdline) esrt=$(esrt)" >/tmp/cmdline
		mount --bind /tmp/cmdline /proc/cmdline
	else
		is "$(esrt)" "$(param esrt)" "kernel $stage: the table of firmware resources"
	fi
}

# A kernel that uses the devicetree has no interpreter of ACPI's tables.
arm64_firmware() {
	ok "kernel $stage: EFI's tables are there" test -e /sys/firmware/efi/systab
	is "$(messages 'ACPI: Interpreter enabled')" 1 "kernel $stage: ACPI describes the machine"
}

case $(uname -m) in
x86_64)	 x86_firmware ;;
aarch64) arm64_firmware ;;
esac

. /tests/update.sh
