# shellcheck shell=sh
# lukeep keeps redis over three updates on Debian 12: the first is by CRIU 3.17.1. In the second one CRIU is replaced by that of Debian 13,
# which restores from the images of the other, and does the third on its own.
. /tests/process.sh
export PATH="/usr/local/sbin:$PATH"

# client_counts_outside: the client gets some more answers
client_counts_outside() {
	_seen=$(redis-cli get client)
	until_true "its client goes on" eval "[ \$(redis-cli get client) -gt $((_seen + 5)) ]"
}

declare_service() {
	mkdir -p "$images" /usr/local/sbin
	# It is reached from outside, and can be filled by a command.
	sed -e 's/--bind 127.0.0.1/--bind 0.0.0.0 --protected-mode no --enable-debug-command yes/' -e 's:^images.*:images = /var/lib/images/redis:' \
		-e 's:/var/lib/redis:/var/tmp:' /usr/share/doc/lukeep/examples/redis.conf >/etc/lukeep/redis.conf
}

mkdir -p /run/lukeep
case $stage in
1)	declare_service ;;
3)	cp /usr/share/doc/lukeep/examples/criu.sh /usr/local/sbin/criu
	chmod +x /usr/local/sbin/criu ;;
esac
is "$(criu --version | head -n 1)" "Version: $([ "$stage" -lt 3 ] && echo 3.17.1 || echo 4.1.1)" "there is this CRIU"
ok "it lacks nothing" criu check
make_network
make_initrd
start_agent
until_true "redis answers" redis-cli ping
[ "$stage" != 1 ] || redis-cli debug populate 10000 >/dev/null
until_true "it is at work" services_are running
client_counts_outside
is "$(redis-cli dbsize)" 10001 "redis has its keys"
[ "$stage" = 1 ] || is "$(nft list ruleset)" "" "nothing keeps anybody waiting any more"
[ "$stage" != 4 ] || pass
update "$([ $((stage % 2)) = 0 ] && echo A || echo B)"
cat /run/update "$agent_log"
fail "lukeep update came back"
