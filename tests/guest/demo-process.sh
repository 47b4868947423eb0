# shellcheck shell=sh
# redis, by the example of its declaration, over two live updates, the second of them without pre-dumps. scripts/demo makes a story of
# what is reported here.
. /tests/process.sh
items=$(param items)
dump=/var/lib/lukeep/redis.images/dump

# It is reached from outside, and can be filled by a command.
declare_redis() {
	sed -e 's/--bind 127.0.0.1/--bind 0.0.0.0 --protected-mode no --enable-debug-command yes/' -e "\$apredump = $1" \
		/usr/share/doc/lukeep/examples/redis.conf >/etc/lukeep/redis.conf
}

# client_is N: it has got so far
client_is() {
	[ "$(redis-cli get client)" -ge "$1" ]
}

at_work() {
	is "$(redis-cli dbsize)" $((items + 1)) "redis has its keys"
	until_true "the client goes on" client_is $(($(redis-cli get client) + 10))
	report "demo: goes on"
}

next() {
	make_initrd
	lukeep update --kernel "/boot/kernel-$1" --initrd /tmp/initrd --reuse-cmdline --append "stage=$((stage + 1))"
	fail "lukeep update came back with status $?"
}

[ "$stage" = 1 ] || report "demo: parked after $(python3 /usr/bin/process-stats.py $dump/stats-dump) us"
moments
report "demo: kernel $(uname -r)"
mkdir -p /var/lib/lukeep /var/lib/redis
make_network
case $stage in
1)	declare_redis 3 ;;
2)	declare_redis 0 ;;
esac
lukeep run >"$reports" 2>&1 &
until_true "redis runs" services_are running
case $stage in
1)	until_true "redis answers" redis-cli ping
	redis-cli debug populate "$items" key 500 >/dev/null
	until_true "a client counts" client_is 1
	at_work
	next B ;;
2)	at_work
	next A ;;
3)	at_work
	pass ;;
esac
