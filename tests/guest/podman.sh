# shellcheck shell=sh
# For guests with podman; sourced after process.sh.

# An image of a program, a shell, and what they need
make_image() {
	_root=/var/tmp/root
	for _file in /bin/busybox /usr/bin/redis-server $(LD_TRACE_LOADED_OBJECTS=1 /lib64/ld-linux-x86-64.so.2 /usr/bin/redis-server |
		sed -n 's:[^/]*\(/[^ ]*\) (0x.*:\1:p'); do
		mkdir -p "$_root$(dirname "$_file")"
		cp -L "$_file" "$_root$_file"
	done
	mkdir -p $_root/tmp
	ln -s busybox $_root/bin/sh
	tar -C $_root -c . | podman import - redis
}

# A container of it, with a client outside
declare_redis() {
	mkdir -p /etc/criu
	echo network-lock nftables >/etc/criu/default.conf
	ok "there is an image" make_image
	podman create --name redis --network host redis \
		redis-server --bind 0.0.0.0 --protected-mode no --save "" --enable-debug-command yes
	# On a host that is busy with other tests this takes its time.
	sed '/^.service./a save-timeout = 600' /usr/share/doc/lukeep/examples/redis-podman.conf >/etc/lukeep/redis.conf
}

# redis_counts DESCRIPTION [OPTION]...: its client gets some more answers
redis_counts() {
	_counts=$1
	shift
	_seen=$(redis-cli "$@" get client)
	until_true "$_counts" eval "[ \$(redis-cli $* get client) -gt $((_seen + 5)) ]"
}

redis_is_at_work() {
	until_true "redis is at work" service_is redis '.state == "running"'
	redis_counts "its client goes on"
	is "$(redis-cli dbsize)" 10001 "it has its keys"
	is "$(wrong_values 10000 2000)" 0 "and their values"
	is "$(nft list tables | grep -v netavark)" "" "nothing keeps anybody waiting"
}
