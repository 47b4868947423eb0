# shellcheck shell=sh
# Nothing comes in: services start afresh, or not at all, and it is said that what they had is lost.

. /tests/keep.sh

# has_nothing NAME: it has run in this kernel only
has_nothing() {
	[ "$(cat "/run/$1.has")" = "$(uname -r)" ]
}

until_serve() {
	for name in simple careful; do
		until_true "$name serves" serves $name
	done
}

rm /etc/lukeep/memcached.conf
declare_service simple 'save-signal = USR1'
declare_service careful "$(printf 'save-signal = USR1\nif-lost = hold')"

case $stage in
1)	start_agent
	until_true "all services come up" services_are running
	until_serve
	ok "nothing was lost, it says" sh -c "! grep -q 'is lost' $agent_log"
	make_initrd
	# What comes in does not fit a service that has a memfd more than it saved.
	update B
	cat /run/update
	fail "lukeep update came back" ;;
2)	for name in simple careful; do
		printf '[memfd more]\nkind = save\n' >>/etc/lukeep/$name.conf
	done
	start_agent
	for name in simple careful; do
		until_true "$name: what came in is held" service_is $name '.state == "held" and .pid == 0'
	done
	cat "$agent_log"
	ok "it says why" grep -q 'simple: its declaration is not the one it was started with: memfd more did not come in' "$agent_log"
	ok "nothing is lost, it says" sh -c "! grep -q 'is lost' $agent_log"
	make_initrd
	update A
	is $? 1 "there is no update without them"
	ok "it says which" grep -q 'careful: what came in for it could not be taken yet' /run/update
	sed -i '/more/,$d' /etc/lukeep/careful.conf
	ok "the declaration that was put right is read again" lukeep reload careful
	until_true "its service is back" service_is careful '.state == "running" and .resumed'
	until_true "it has what it had" has careful AB
	ok "the other one is given up" lukeep stop simple
	ok "and started" lukeep reload simple
	until_true "it starts afresh" service_is simple '.state == "running" and (.resumed | not)'
	until_true "nothing stale is there" has_nothing simple
	for name in simple careful; do
		sed -i '/more/,$d' /etc/lukeep/$name.conf
	done
	lukeep stop
	wait "$agent"
	rm /run/simple.has /run/careful.has
	start_agent
	until_true "both start once more" services_are running
	until_serve
	update A liveupdate=off
	is $? 1 "there is no update to a kernel that would take nothing over"
	ok "it says why" grep -q 'its command line lacks "liveupdate=on"' /run/update
	next_kernel A liveupdate=off "lukeep.left=$(uname -r)" ;;
3)	ok "there is no live update" test ! -e /dev/liveupdate
	start_agent
	until_true "a service that may starts afresh" service_is simple '.state == "running" and (.resumed | not)'
	until_true "a service that may not does not start" service_is careful '.state == "lost"'
	cat "$agent_log"
	ok "it says that what it had is lost" grep -q 'simple: what it had in kernel .*-B is lost: nothing came in' "$agent_log"
	until_true "nothing stale is there" has_nothing simple
	lukeep reload
	until_true "then the other service starts" services_are running
	make_initrd
	update B
	is $? 1 "there is no update from here"
	ok "it says why" grep -q 'cannot use /dev/liveupdate' /run/update
	ok "the services are at work" services_are running
	pass ;;
esac
