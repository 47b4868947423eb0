#!/bin/bash
# Services resume in the initramfs, before the root file system is mounted, and become those of their units when systemd has started.
# flavours: default
. "$(dirname "$0")/lib.bash"
read -ra tools < <("$root/scripts/vm/guest-tools")
options=()
for tool in "${tools[@]}" "/bin/jq=$(command -v jq)" "/=$("$root/scripts/vm/systemd-root")" "/=$root/tests/guest/units"; do
	options+=(--with "$tool")
done
vm early "${options[@]}" --timeout 3600 --append "rdinit=/tests/early-init.sh systemd.show_status=no" \
	-- -netdev user,id=net,restrict=on -device virtio-net-pci,netdev=net,romfile=
done_testing
