# shellcheck shell=sh
# Slots that the firmware deals with: its request to eject a device that is preserved is refused, and it is told so. The _OST of
# tests/pci-events.t writes the answers to the log.
. /tests/pcievents.sh

find_devices
load_sample
bind luo_pci_sample "$IGB"
halves luo_pci prepare registers
ok "the slot is not turned off" refused "$(slot "$IGB")/power" 0
is "$(messages "$IGB: $stays_on")" 1 "the log says why"
monitor "device_del card"
wait_for logged 2 "$IGB: $stays_on"
ok "igb is not ejected" test -e "$devices/$IGB"
wait_for logged 1 'ACPI Debug: '
is "$(messages 'ACPI Debug: .*0x0*82$')" 1 "the firmware is told that it is busy"
close_sessions luo_pci
ok "the slot is turned off when the session is closed" sh -c "echo 0 >'$(slot "$IGB")/power'"
ok "igb is gone" test ! -e "$devices/$IGB"
pass
