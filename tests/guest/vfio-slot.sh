# shellcheck shell=sh
# A card that was lost since the kexec has begun, and is not handed over any more, is pulled while its file is open: neither its slot
# nor the shutdown waits for that.
. /tests/pcievents.sh

find_devices
port=0000:00:04.0
case $stage in
1)	load_kernel B
	load_sample
	for device in "$EDU" "$IGB" "$PULLED"; do
		bind vfio-pci "$device"
	done
	hold "$CONVENTIONAL"
	halves luo_vfio prepare held
	block luo_late "$EDU"
	begin_kexec "$PULLED"
	monitor "pcie_aer_inject_error above DLP"
	wait_for logged 1 "$port: live update: the link has failed, and is not reset, since the kexec has begun"
	killall luo_opener
	wait_for logged 1 "$IGB: live update: $IGB had a fatal error; the device is not handed over"
	unplug "$port"
	wait_for logged 1 "$port: live update: the card in the slot has gone, or has lost its link, and is left to the next kernel"
	killall luo_late
	wait
	fail "the kexec does not go on" ;;
2)	came_from A 1
	is "$IGB" "" "the card is gone"
	is "$(messages "$CONVENTIONAL: live update: incoming")" 1 "the other device is handed over"
	is "$(messages "live update: incoming")" 3 "so are the two bridges above it, and no more"
	pass ;;
esac
