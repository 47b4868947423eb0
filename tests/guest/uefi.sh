# shellcheck shell=sh
# What firmware has told one kernel is there in the next ones; then what update.sh does.
. /tests/selftest.sh

# Of the table of firmware that can be updated: all that it says.
esrt() {
	grep -r . /sys/firmware/efi/esrt | sort | sha256sum | cut -c 1-64
}

if [ "$stage" = 1 ]; then
	is "$(cat /sys/firmware/efi/esrt/fw_resource_count)" 3 "entries of the table of firmware resources"
	is "$(messages 'BIOS-e820: ')" 128 "the zero page has no room for more of the firmware's map"
	echo "$(cat /proc/cmdline) esrt=$(esrt)" >/tmp/cmdline
	mount --bind /tmp/cmdline /proc/cmdline
else
	is "$(esrt)" "$(param esrt)" "kernel $stage: the table of firmware resources"
fi

. /tests/update.sh
