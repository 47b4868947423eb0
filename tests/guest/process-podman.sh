# shellcheck shell=sh disable=SC2016
# lukeep keeps four containers of podman over two updates, after some that are called off: redis, with a client outside, the same behind
# a bridge, by another port and with another address than it would get by itself, a replica of that behind the same bridge, and a shell,
# whose restore fails both times.
. /tests/process.sh
. /tests/podman.sh
state=/var/lib/lukeep

make_containers() {
	mkdir -p /etc/containers /var/odd
	# There is no systemd.
	printf '[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n' >/etc/containers/containers.conf
	declare_redis
	podman create --name first redis sh -c 'while :; do /bin/busybox sleep 1; done'
	podman start first
	podman create --name behind --publish 10.0.2.15:6380:6379 redis redis-server --bind 0.0.0.0 --protected-mode no --save "" --repl-timeout 3600 --enable-debug-command yes
	podman create --name replica --ip 10.88.0.9 redis redis-server --bind 0.0.0.0 --protected-mode no --save "" \
		--repl-timeout 3600 --replicaof 10.88.0.3 6379
	printf '[service]\nsave-timeout = 600\n[process]\ncontainer = replica\n' >/etc/lukeep/replica.conf
	printf '[service]\nsave-timeout = 600\n[process]\ncontainer = behind\npredump = 0\n' >/etc/lukeep/behind.conf
	podman network create others
	podman create --name other --network others redis sh
	is "$(podman container inspect --format '{{.HostConfig.NetworkMode}}' other)" bridge "so is a network of one's own"
	echo x >/var/odd/file
	podman create --tty --name shell --network none --volume /var/odd:/odd --tmpfs /scratch redis sh -c 'if [ -e /odd/file ]; then exec 3</odd/file; fi; trap "exit 0" TERM
n=0; while :; do n=$((n + 1)); echo $n >/odd/new; /bin/busybox mv /odd/new /odd/count; /bin/busybox sleep 0.1; done'
}

# Its client, too, goes on.
behind_is_at_work() {
	until_true "redis behind a bridge is at work" service_is behind '.state == "running"'
	redis_counts "its client goes on" -h 10.0.2.15 -p 6380
	is "$(wrong_values 10000 2000 -h 10.0.2.15 -p 6380)" 0 "it has its keys and their values"
	is "$(podman container inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' behind)" 10.88.0.3 "it has its address"
	until_true "its replica is at work" service_is replica '.state == "running"'
	redis_counts "its replica gets to know each answer" -h 10.88.0.9
	is "$(redis-cli -h 10.0.2.15 -p 6380 info stats | tr -d '\r' | grep -e ^sync_full -e ^sync_partial | tr '\n' ' ')" \
		"sync_full:1 sync_partial_ok:0 sync_partial_err:0 " "by one connection with it"
}

# dumped WHAT CONTAINER: how many MiB, by the log of the last kernel; the last line counts
dumped() {
	sed -n "s/^lukeep: $2: $1: \([0-9]*\)[0-9.]* MiB.*/\1/p" /var/tmp/last.log | tail -n 1
}

# Most of the memory of redis was dumped while it served, and that of the other one while it was away.
was_dumped_before() {
	sed -n 's/^lukeep: \(redis\|behind\): \(pre-dump .*\|dump: .*\|restore: .*\)/\1 \2/p' /var/tmp/last.log | tail -n 5 |
		while read -r line; do note "$line"; done
	ok "redis was dumped before" [ "$(dumped 'pre-dump 1' redis)" -ge 20 ]
	ok "less than half of that was left" [ "$(dumped dump redis)" -lt 10 ]
	is "$(dumped 'pre-dump 1' behind)" "" "the other one was not"
	ok "and all of it was left" [ "$(dumped dump behind)" -ge 20 ]
}

# declare_shell [LINE]...
declare_shell() {
	printf '%s\n' '[service]' 'restart = yes' 'save-timeout = 600' '[process]' 'container = shell' "$@" >/etc/lukeep/shell.conf
}

# counts_from N: the shell goes on, and had come as far
counts_from() {
	[ "$(cat /var/odd/count)" -gt "$1" ]
}

# refused WHAT TEXT OPTION... -- COMMAND: a container that has the update called off
refused() {
	_what=$1 _text=$2
	shift 2
	podman create --name odd --network none "$@"
	printf '[service]\nsave-timeout = 600\n[process]\ncontainer = odd\n' >/etc/lukeep/odd.conf
	lukeep reload odd
	until_true "a container runs that has $_what" test -e /var/odd/there
	until_true "it is at work" service_is odd '.state == "running"'
	update B
	ok "an update with it is called off" test $? != 0
	says /run/update "$_text" "and the reason is said"
	says /run/update "$_step" "at this step"
	is "$(podman container inspect --format '{{.State.Running}}' odd)" true "the container goes on"
	redis_is_at_work
	rm /etc/lukeep/odd.conf /var/odd/there
	lukeep stop odd
	until_true "it is stopped" eval '! service_is odd true'
	podman rm --force --time 1 odd
}

# CRIU is killed when it has stopped redis, and before it puts its code there; redis goes on with its client.
killed() {
	cat >/var/tmp/kill <<-END
	#!/bin/sh
	[ "\$CRTOOLS_SCRIPT_ACTION" != network-lock ] || [ "\$CRTOOLS_INIT_PID" != $(podman container inspect --format "{{.State.Pid}}" redis) ] || [ ! -e $state/redis.container/dumping ] || kill -9 \$PPID
	END
	chmod +x /var/tmp/kill
	echo action-script /var/tmp/kill >>/etc/criu/default.conf
	update B
	is $? 3 "CRIU is killed, and the update is called off"
	says /run/update 'failed at the step "save and stop the services"' "at this step"
	redis_is_at_work
	behind_is_at_work
	until_true "the shell goes on" service_is shell '.state == "running"'
	echo network-lock nftables >/etc/criu/default.conf
}

# The shell could not be restored, for the lack of a file.
restored_later() {
	mv /var/odd/file /var/odd/away
	start_agent
	until_true "a container that cannot be restored is saved" service_is shell '.state == "saved"'
	says "$agent_log" "criu restore: Error .*odd/file" "and CRIU says why"
	folder=$(podman container inspect --format '{{.StaticDir}}' shell)
	ok "its checkpoint is there" test -e "$folder/checkpoint/inventory.img"
	mv /var/odd/away /var/odd/file
	count=$(cat /var/odd/count)
	lukeep reload shell
	until_true "it is restored as soon as the file is back" service_is shell '.state == "running"'
	until_true "and goes on" counts_from "$count"
	is "$(podman exec shell /bin/busybox cat /dev/shm/file /scratch/file | tr '\n' ' ')" "in memory on tmpfs " "it has its files in memory"
}

started_afresh() {
	rm /var/odd/file
	count=$(cat /var/odd/count)
	start_agent
	until_true "a container that cannot be restored is started afresh" eval "[ \$(cat /var/odd/count) -lt $count ]"
	folder=$(podman container inspect --format '{{.StaticDir}}' shell)
	ok "its checkpoint is there" test -e "$folder/checkpoint.failed/inventory.img"
}

mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir -p /run/lukeep /run/odd /dev/mqueue
mount -t mqueue mqueue /dev/mqueue
make_network
make_initrd
# The last kernel's log is on the disk when all have been dumped.
agent_log=/var/tmp/agent$stage.log
[ "$stage" = 1 ] || cp /var/tmp/agent$((stage - 1)).log /var/tmp/last.log
case $stage in
1)	make_containers
	declare_shell
	start_agent
	until_true "redis answers" redis-cli ping
	redis-cli debug populate 10000 key 2000 >/dev/null
	redis_is_at_work
	# Before it runs, podman has the port, and accepts nobody.
	until_true "redis behind a bridge runs" service_is behind '.state == "running"'
	until_true "it answers" timeout 10 redis-cli -h 10.0.2.15 -p 6380 ping
	redis-cli -h 10.0.2.15 -p 6380 debug populate 10000 key 2000 >/dev/null
	behind_is_at_work
	until_true "the shell works" counts_from 5
	podman exec shell sh -c 'echo in memory >/dev/shm/file; echo on tmpfs >/scratch/file'
	_step=check
	refused "a volume on a tmpfs" 'has a volume /run/odd, on a tmpfs' \
		--volume /run/odd:/run/odd --volume /var/odd:/odd redis sh -c 'echo >/odd/there; while :; do /bin/busybox sleep 1; done'
	_step="dump memory while it is used"
	refused "a file that CRIU does not dump" "criu dump: Error .*ghost" --volume /var/odd:/odd redis sh -c \
		'exec 3>/tmp/ghost; /bin/busybox dd if=/dev/zero bs=1M count=2 >&3; /bin/busybox rm /tmp/ghost; echo >/odd/there; while :; do /bin/busybox sleep 1; done'
	killed ;;
2)	ok "its port was closed at its own address alone" grep -q 'ip daddr 10.0.2.15 tcp dport 6380 drop' $state/behind.lock
	ok "and the bridge let nobody pass to it" grep -q 'ip daddr 10.88.0.3 drop' $state/behind.bridge-lock
	was_dumped_before
	restored_later
	redis_is_at_work
	behind_is_at_work
	declare_shell 'on-failed-restore = start'
	lukeep reload shell
	until_true "the declaration is taken" service_is shell '.state == "running"' ;;
3)	was_dumped_before
	started_afresh
	redis_is_at_work
	behind_is_at_work
	while read -r line; do note "$line"; done <"$agent_log"
	pass ;;
esac
update "$([ "$stage" = 1 ] && echo B || echo A)"
cat /run/update "$agent_log"
fail "lukeep update came back"
