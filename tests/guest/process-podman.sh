# shellcheck shell=sh disable=SC2016
# lukeep keeps two containers of podman over two updates, after some that are called off: redis, with a client outside, and a shell, whose
# restore fails both times.
. /tests/process.sh
. /tests/podman.sh
state=/var/lib/lukeep

make_containers() {
	mkdir -p /etc/containers /var/odd
	# There is no systemd.
	printf '[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n' >/etc/containers/containers.conf
	declare_redis
	echo x >/var/odd/file
	podman create --name shell --network none --volume /var/odd:/odd --tmpfs /scratch redis sh -c 'if [ -e /odd/file ]; then exec 3</odd/file; fi; trap "exit 0" TERM
n=0; while :; do n=$((n + 1)); echo $n >/odd/new; /bin/busybox mv /odd/new /odd/count; /bin/busybox sleep 0.1; done'
}

# declare_shell [LINE]...
declare_shell() {
	printf '%s\n' '[service]' 'restart = yes' '[process]' 'container = shell' "$@" >/etc/lukeep/shell.conf
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
	printf '[service]\n[process]\ncontainer = odd\n' >/etc/lukeep/odd.conf
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

# CRIU is killed as soon as it dumps redis, which goes on with its client.
killed() {
	folder=$(podman container inspect --format '{{.StaticDir}}' redis)
	mv /usr/sbin/criu /usr/sbin/real
	cat >/usr/sbin/criu <<-END
	#!/bin/sh
	real "\$@" &
	if [ -e $state/redis.container/dumping ]; then
		while kill -0 \$! && [ ! -s $folder/dump.log ]; do :; done
		kill -9 \$!
	fi
	wait \$!
	END
	chmod +x /usr/sbin/criu
	update B
	is $? 3 "CRIU is killed, and the update is called off"
	says /run/update 'failed at the step "save and stop the services"' "at this step"
	redis_is_at_work
	until_true "the shell goes on" service_is shell '.state == "running"'
	mv /usr/sbin/real /usr/sbin/criu
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
case $stage in
1)	make_containers
	declare_shell
	start_agent
	until_true "redis answers" redis-cli ping
	redis-cli debug populate 10000 >/dev/null
	redis_is_at_work
	until_true "the shell works" counts_from 5
	podman exec shell sh -c 'echo in memory >/dev/shm/file; echo on tmpfs >/scratch/file'
	_step=check
	refused "a volume on a tmpfs" 'has a volume /run/odd, on a tmpfs' \
		--volume /run/odd:/run/odd --volume /var/odd:/odd redis sh -c 'echo >/odd/there; while :; do /bin/busybox sleep 1; done'
	_step="dump memory while it is used"
	refused "a file that CRIU does not dump" "criu dump: Error .*ghost" --volume /var/odd:/odd redis sh -c \
		'exec 3>/tmp/ghost; /bin/busybox dd if=/dev/zero bs=1M count=2 >&3; /bin/busybox rm /tmp/ghost; echo >/odd/there; while :; do /bin/busybox sleep 1; done'
	killed ;;
2)	restored_later
	redis_is_at_work
	declare_shell 'on-failed-restore = start'
	lukeep reload shell
	until_true "the declaration is taken" service_is shell '.state == "running"' ;;
3)	started_afresh
	redis_is_at_work
	while read -r line; do note "$line"; done <"$agent_log"
	pass ;;
esac
update "$([ "$stage" = 1 ] && echo B || echo A)"
cat /run/update "$agent_log"
fail "lukeep update came back"
