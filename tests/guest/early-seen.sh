# shellcheck shell=sh
# In the initramfs: waits until what can resume there has, and remembers who that is; see early.sh.

. /tests/keep.sh

# state NAME
state() {
	lukeep status --json | jq -r ".services[] | select(.name == \"$1\") | .state"
}

for _service in simple:running memcached:running linker:saved dies:running; do
	for _ in $(seq 600); do
		_state=$(state "${_service%:*}")
		[ "$_state" != "${_service#*:}" ] || break
		sleep 0.1
	done
	is "$_state" "${_service#*:}" "what ${_service%:*} is in the initramfs"
done
is "$(cat /sys/class/net/lo/flags)" 0x9 "the loopback interface is up"
is "$(cat /sys/class/net/br0/flags)" 0x1003 "so is the bridge"
is "$(ls /sys/class/net/br0/brif)" "$([ "$stage" = 3 ] || echo eth0)" "the cards in it, unless the root file system is in the network"
ok "there is no service else" test ! -e /run/lukeep/other.keeper -a ! -e /run/lukeep/lacks.keeper
status | jq -r '.services[] | select(.pid > 0) | "seen_\(.name)=\(.pid)", "seen_\(.name)_keeper=\(.keeper)"' >/run/seen
. /run/seen
# shellcheck disable=SC2154 # of /run/seen
[ "$stage" != 3 ] || kill -9 "$seen_dies_keeper"
# Run again when there are more devices, it changes nothing for those that run.
lukeep early
