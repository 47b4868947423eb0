#!/bin/bash
# lukeep on this host, with a shim and a podman that is feigned: a service that is a container.
# flavours: none
# shellcheck disable=SC2016,SC2119 # patterns, and options of functions
. "$(dirname "$0")/lukeep-worker.bash"
ln -sf "$programs/fake-podman" "$machine/bin/podman"
printf '#!/bin/sh\nexec "%s" "$@"\n' "$out/agent/lukeep-podman" >"$machine/bin/lukeep-podman"
chmod +x "$machine/bin/lukeep-podman"
mkdir -p "$machine/root/etc/criu"
echo 'network-lock nftables' >"$machine/root/etc/criu/default.conf"
lock=$machine/tables/lukeep-worker
userdata=$machine/containers/worker/userdata

# create NAME NETWORK [ADDRESSES [PORTS]]
create() {
	mkdir -p "$machine/containers/$1/userdata"
	echo "$2" >"$machine/containers/$1/network"
	echo "${3:-}" >"$machine/containers/$1/addresses"
	echo "${4:-}" >"$machine/containers/$1/ports"
}

# container NETWORK [ADDRESSES [PORTS [KEYS]]]: the service is one, in its first kernel
container() {
	rm -rf "$machine"/{podman.*,locks,tables,containers,*.ticks,*.memory}
	mkdir "$machine"/{locks,tables,containers}
	create worker "${@:1:3}"
	printf '[service]\n[process]\ncontainer = worker\n%b\n' "${4:-}" >"$conf/worker.conf"
	boot
	until_true "worker runs" state_is worker running
	until_true "it has come as far as to work" has worker 1
}

# goes_on_with KERNELS: with this in its memory, and nobody is kept waiting
goes_on_with() {
	until_true "the container has what it had" has worker "$1"
	until_true "it runs, its keeper says" state_is worker running
	until_true "it works" ticks_on "$(ticks)"
	is "$(started worker)" 1 "it was started afresh once only"
	is "$(left_over)" "service " "nothing keeps its peers waiting, and nothing is left of the dump"
}

# Besides what podman said last, and why something failed
left_over() {
	find "$machine/tables" "$machine/locks" -type f ! -name podman.log ! -name error -printf '%f '
}

whole() {
	container bridge '10.88.0.3' '6379/tcp:6380:0.0.0.0'
	jumps
	boots
	goes_on_with 12
}

# Its memory is dumped while it runs, then what has changed, and when it stands still what has changed since.
predumps() {
	container none
	ok "a dry run succeeds" update --dry-run
	never "and dumps nothing" test -e "$machine/podman.calls"
	jumps
	is "$(cat "$machine/podman.calls")" "checkpoint --pre-checkpoint worker
checkpoint --tcp-established --file-locks --leave-running --with-previous worker
checkpoint --tcp-established --file-locks --with-previous worker" "each dump goes on from the one before"
	ok "the log says how much each time" logged 'worker: pre-dump 2: 0.0 MiB'
	ok "the first pre-dump is what the trial goes on from" test -e "$userdata/checkpoint/parent/parent/pages-1.img"
	boot
	goes_on_with 12
	is "$(ls "$userdata")" "" "no image is left"
	jumps
	boot
	goes_on_with 123
}

# What is left of an update that was called off after its pre-dumps is no good for the next one.
predump_left() {
	container none
	echo fails >"$machine/podman.checkpoint.ends"
	fails_at 3 "save and stop the services" 'podman cannot dump the container worker: Error: feigned: no checkpoint.ends of worker'
	goes_on_with_images
	echo 'predump = 0' >>"$conf/worker.conf"
	ok "it is to be dumped at once" lukeep reload worker
	rm "$machine/podman.checkpoint.ends" "$machine/podman.calls"
	jumps
	is "$(cat "$machine/podman.calls")" "checkpoint --tcp-established --file-locks worker" "so it is"
	is "$(ls "$userdata")" "checkpoint" "and what was dumped before is gone"
	boot
	goes_on_with 12
}

# As goes_on_with 1, with pre-dumps left
goes_on_with_images() {
	until_true "it runs, its keeper says" state_is worker running
	until_true "it works" ticks_on "$(ticks)"
	is "$(started worker)" 1 "it was started afresh once only"
}

# Memory cannot be dumped while it runs, or the trial cannot go on from that: it is dumped as a whole.
predump_fails() {
	container none
	echo fails >"$machine/podman.pre-checkpoint"
	jumps
	ok "podman's reason is told" logged 'podman cannot dump the container worker: Error: feigned: no pre-checkpoint of worker'
	ok "and what comes of it" logged 'worker: so there is no pre-dump: all of its memory is dumped while it is away'
	is "$(grep ^checkpoint "$machine/podman.calls" | tail -n 2)" "checkpoint --tcp-established --file-locks --leave-running worker
checkpoint --tcp-established --file-locks worker" "there is a trial all the same"
	boot
	goes_on_with 12
	rm "$machine"/podman.*
	echo fails >"$machine/podman.checkpoint.rest"
	jumps
	ok "the same of the trial" logged 'Error: feigned: no checkpoint.rest of worker'
	is "$(grep ^checkpoint "$machine/podman.calls" | tail -n 2)" "checkpoint --tcp-established --file-locks --leave-running worker
checkpoint --tcp-established --file-locks worker" "it is tried without"
	is "$(ls "$userdata")" "checkpoint" "no pre-dump is left"
	boot
	goes_on_with 123
	rm "$machine/podman.checkpoint.rest"
	echo fails >"$machine/podman.checkpoint"
	fails_at 1 "dump memory while it is used" 'podman cannot dump the container worker: Error: feigned: no checkpoint of worker'
	goes_on_with 123
	is "$(ls "$userdata")" "" "no image is left"
}

# What others have at other addresses of the host, by the same port, goes on.
ports() {
	container bridge '10.88.0.3 fd00::3' '1/tcp:6380:10.0.2.15 2/tcp:6381:2001:db8::1 3/tcp:6382:0.0.0.0 4/tcp:6383::: 5/tcp:6384: 6/udp:6385:'
	jumps
	is "$(grep drop "$lock" | tr -d '\t' | sort)" "fib daddr type local tcp dport 6382 drop
fib daddr type local tcp dport 6383 drop
fib daddr type local tcp dport 6384 drop
ip daddr 10.0.2.15 tcp dport 6380 drop
ip daddr 10.88.0.3 drop
ip6 daddr 2001:db8::1 tcp dport 6381 drop
ip6 daddr fd00::3 drop" "packets are dropped for the addresses by which they come to it, and no others"
	boots
	goes_on_with 12
}

# Connections would end with what passes them on, or with the container whose network it is.
networks() {
	for network in pasta slirp4netns container:0123456789abcdef ns:/run/netns/other; do
		container "$network"
		fails_at 1 "check the services" "the container worker has the network $network, by which no connection goes on: .*bridge, host or none"
		ok "podman dumps nothing" test ! -e "$machine/podman.calls"
		goes_on_with 1
		lukeep stop worker
		fresh
	done
	for network in bridge host none; do
		container "$network"
		jumps
		boot
		goes_on_with 12
		fresh
	done
}

# Other containers behind the same bridge wait as well, in both kernels.
neighbours() {
	container bridge '10.88.0.3 fd00::3'
	jumps
	bridge_drops "$machine/tables/bridge:lukeep-worker" "they are kept waiting when it is dumped"
	echo fails >"$machine/podman.restore"
	boots
	until_true "worker is saved" state_is worker saved
	bridge_drops "$machine/tables/bridge:lukeep-worker" "and in the next kernel"
	rm "$machine/podman.restore"
	ok "it is tried again" lukeep reload worker
	goes_on_with 12

	echo fails >"$machine/podman.checkpoint"
	echo 'predump = 0' >>"$conf/worker.conf"
	ok "there is no trial any more" lukeep reload worker
	fails_at 3 "save and stop the services" 'podman cannot dump the container worker: Error: feigned: no checkpoint of worker'
	goes_on_with 12
	rm "$machine/podman.checkpoint"

	touch "$machine/no-bridge"
	jumps
	ok "a kernel without such rules is told of" logged 'worker: connections between containers of one network may be reset: .*CONFIG_NF_TABLES_BRIDGE'
	ok "the others wait there" grep -q 'ip daddr 10.88.0.3 drop' "$lock"
	boots
	goes_on_with 123
}

# bridge_drops FILE DESCRIPTION
bridge_drops() {
	is "$(tr -d '\t' <"$1")" "chain forwarding {
type filter hook forward priority filter; policy accept;
ip daddr 10.88.0.3 drop
ip6 daddr fd00::3 drop
}" "$2"
}

# image_has HEX: so the image of a connection goes on behind its magic numbers
image_has() {
	[ "$(od -An -v -tx1 -j8 "$userdata/checkpoint/tcp-stream-1.img" | tr -d ' \n')" = "$1" ]
}

# The image of a connection that scales no windows, with a byte in its queue, is changed before the restore.
windows() {
	container bridge 10.88.0.3
	jumps
	printf 'MAGICNRS\4\0\0\0\10\1\50\3x' >"$userdata/checkpoint/tcp-stream-1.img"
	echo fails >"$machine/podman.restore"
	touch "$machine/no-fsync"
	boots
	until_true "the restore fails" logged 'feigned: no restore of worker'
	until_true "worker is saved" state_is worker saved
	ok "what is not on the disk takes no image away" image_has 040000000801280378
	ok "the log says so" logged 'cannot read or write checkpoint/tcp-stream-1.img: Input/output error'
	rm "$machine/no-fsync"
	lukeep reload worker
	until_true "the image says that both scale, by 0 bits" image_has 0600000008012807400078
	rm "$machine/podman.restore"
	ok "it is tried again" lukeep reload worker
	goes_on_with 12
}

# It is removed while it is dumped: nobody will answer its peers any more.
removed() {
	container bridge '10.88.0.3' '6379/tcp:6380:0.0.0.0'
	jumps
	rm -r "$machine/containers/worker"
	boots
	until_true "podman does not know it any more" logged 'podman knows no container worker'
	until_true "it is down" state_is worker down
	is "$(left_over)" "" "nothing keeps its peers waiting, and nothing is left to restore"
	create worker bridge '10.88.0.3' '6379/tcp:6380:0.0.0.0'
	ok "another one is created" lukeep reload worker
	until_true "and started afresh" has worker 2
}

# Podman is in trouble, which it may get out of.
in_trouble() {
	container bridge '10.88.0.3' '6379/tcp:6380:0.0.0.0'
	jumps
	echo lost >"$machine/podman.podman"
	boots
	until_true "podman does not answer" logged 'podman knows no container worker'
	until_true "worker is saved" state_is worker saved
	ok "its peers wait" test -s "$lock"
	rm "$machine/podman.podman"
	ok "it is tried again" lukeep reload worker
	goes_on_with 12
}

scenario whole predumps predump_left predump_fails ports networks neighbours windows removed in_trouble
done_testing
