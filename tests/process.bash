# shellcheck shell=bash
# Sourced by tests of services that go on by CRIU, with a kind of disk if it is not the usual one: Debian's root on a disk, and peers
# outside the machine, by ports of this one. All packets are in $tmp/packets.

. "$(dirname "${BASH_SOURCE[0]}")/lib.bash"
disk=$("$root/scripts/vm/disk" "$@") || exit
tmp=$(mktemp -d)
peers=
trap 'kill $peers 2>/dev/null; rm -rf "$tmp"' EXIT

# free_ports N: ports that nobody listens on
free_ports() {
	python3 -c 'import socket, sys
sockets = [socket.socket() for i in range(int(sys.argv[1]))]
for s in sockets: s.bind(("127.0.0.1", 0))
print(*(s.getsockname()[1] for s in sockets))' "$1"
}

# program PROGRAM ARGUMENT...: runs outside the machine, until the test ends
program() {
	python3 "$root/tests/programs/$1" "${@:2}" &
	peers="$peers $!"
}

# vm_outside NAME PORT:GUEST_PORT[,PORT:GUEST_PORT] OPTION...: a virtual machine that others reach by the ports
vm_outside() {
	local name=$1 port forwards=

	for port in ${2//,/ }; do forwards=$forwards,hostfwd=tcp:127.0.0.1:${port%:*}-10.0.2.15:${port#*:}; done
	vm "$name" "${@:3}" --mem 2G --timeout 3600 -- -cpu max,-erms -drive "file=$disk,if=virtio,format=raw,snapshot=on" \
		-netdev "user,id=net,restrict=on$forwards" -device virtio-net-pci,netdev=net,romfile= \
		-object "filter-dump,id=dump,netdev=net,file=$tmp/packets"
}
