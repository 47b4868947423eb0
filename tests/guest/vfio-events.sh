# shellcheck shell=sh
# vfio does not let go of a device while a session has a file of it; the kexec does not wait for that.
. /tests/pcievents.sh

find_devices
port=$(bridges "$IGB")
bind vfio-pci "$IGB"
load_kernel B

halves luo_vfio prepare held
is "$(awake "$IGB" "$port")" active "a device is woken up, and so is the port above it, and stays awake"
echo "$IGB" >"$devices/$IGB/driver/unbind" &
wait_for logged 1 "$IGB: live update: the device is preserved, and loses its driver"
ok "the kexec is called off while the device is unbound" no_kexec 'Input/output error'
is "$(messages "$IGB: live update: $IGB lost its driver; close its session, and preserve it again")" 1 "the log says why"
close_sessions luo_vfio
wait $!
is "$(driver "$IGB")" "" "the device is unbound when its session is closed"

bind vfio-pci "$IGB"
halves luo_vfio prepare held
monitor "pcie_aer_inject_error above UNX_COMP"
wait_for logged 1 'device recovery'
is "$(messages 'device recovery successful')" 1 "vfio deals with an error that is not fatal"
unplug "$port"
wait_for logged 1 'Card not present'
wait_for logged 2 "$IGB: live update: the device is preserved, and loses its driver"
ok "the kexec is called off when the card was pulled" no_kexec 'Input/output error'
is "$(messages "$IGB: live update: $IGB was unplugged; close its session, and preserve it again")" 1 "the log says why"
close_sessions luo_vfio
wait_for test ! -e "$devices/$IGB"
ok "the device is gone when its session is closed" test ! -e "$devices/$IGB"
pass
