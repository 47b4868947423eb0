# shellcheck shell=sh
# The same as in device.sh, with bridges above the devices.
. /tests/pcitest.sh
find_devices
transfer_over_kexec
