# shellcheck shell=sh
# What the documents have for a host, command by command, as it stands there: /docs.plan has HOW, WHERE and COMMAND. A command
# that leaves for the next kernel is gone on behind in that one, by the number of updates so far. tests/docs.t makes the plan.

updates=$(dmesg | sed -n 's/.*KHO: exec from: .*(count \([0-9]*\)).*/\1/p')
agent_log=/run/agent.log
tab=$(printf '\t')

# As much of systemd as the documents use.
cat >/bin/systemctl <<'END'
#!/bin/sh
case "$*" in
"enable --now lukeep" | "enable --now lukeep.service")
	[ ! -S /run/lukeep/agent.sock ] || exit 0
	mkdir -p /boot/disk
	touch /boot/disk/enabled
	$(sed -n 's/^ExecStart=@\([^ ]*\) [^ ]* /\1 /p' /lib/systemd/system/lukeep.service /usr/lib/systemd/system/lukeep.service 2>/dev/null) >>/run/agent.log 2>&1 &
	for _ in $(seq 300); do
		! lukeep status --check >/dev/null 2>&1 || break
		sleep 0.1
	done ;;
*)	exit 1 ;;
esac
END
chmod +x /bin/systemctl
mkdir -p /etc/systemd/system /run/lukeep-memcached
echo memcache:x:100:100::/:/bin/false >>/etc/passwd

# The other kernel, as one that was installed and is GRUB's default, with what there is on the disk.
install_kernels() {
	case $(uname -r) in
	*-A) _other=B ;;
	*)   _other=A ;;
	esac
	mkdir -p /boot/disk
	cp -r /etc/lukeep /boot/disk/
	make_initrd
	mkdir -p /boot/grub
	cat >/boot/grub/grub.cfg <<-END
	menuentry Linux {
		linux /boot/kernel-$_other $(sed 's/ lukeep.left=[^ ]*//' /proc/cmdline)
		initrd /tmp/initrd
	}
	END
	for _word in $(echo "$1" | tr '= ' '\n'); do
		case $_word in
		/boot/vmlinuz-*)    ln -sf "/boot/kernel-$_other" "$_word" ;;
		/boot/initrd.img-*) ln -sf /tmp/initrd "$_word" ;;
		esac
	done
}

# memcached, which has only just started, does not handle its signal to save yet, and calls an update off. By the time that it
# listens, it does.
wait_for_memcached() {
	for _ in $(seq 300); do
		lukeep status | grep -qE '^memcached +(running|starting|silent)' || break
		! grep -q ':2BCB .* 0A ' /proc/net/tcp || break
		sleep 0.1
	done
}

run() {
	case $2 in
	"lukeep update"*) wait_for_memcached ;;
	esac
	case $2 in
	*/boot/vmlinuz-* | "lukeep update"*) install_kernels "$2" ;;
	esac
	ok "$1: $2" sh -c "$2" </dev/null
}

# What is enabled is started at boot.
if [ -e /boot/disk ]; then
	cp /boot/disk/lukeep/* /etc/lukeep/
	[ ! -e /boot/disk/enabled ] || systemctl enable --now lukeep
fi

# Documents name modules by their files.
cd "/lib/modules/$(uname -r)" || fail "no modules"
left=0
while IFS=$tab read -r how where command; do
	case $how in
	leaves)
		left=$((left + 1))
		if [ $left -eq "${updates:-0}" ]; then
			ok "$where: $command" true
		elif [ $left -gt "${updates:-0}" ]; then
			run "$where" "$command"
			cat $agent_log
			fail "$where: $command: came back"
		fi ;;
	guest)	[ $left -lt "${updates:-0}" ] || run "$where" "$command" ;;
	path)	ok "$where: $command" test -e "$command" ;;
	esac
done </docs.plan

# Declarations that the documents show are taken as they are.
for file in /declarations/*.conf; do
	name=$(basename "$file" .conf)
	mkdir -p "/run/$name.d"
	cp "$file" "/run/$name.d/"
	lukeep run --config-dir "/run/$name.d" --run-dir "/run/$name" >"/run/$name.log" 2>&1 &
	# Before the agent is there, the status has only what keepers say.
	for _ in $(seq 300); do
		! lukeep status --run-dir "/run/$name" 2>/dev/null | grep -q "^$name " || break
		sleep 0.1
	done
	cat "/run/$name.log"
	is "$(grep -c "$name.conf:" "/run/$name.log")" 0 "$name: a declaration"
	ok "$name: of a service" sh -c "lukeep status --run-dir '/run/$name' | grep -q '^$name '"
	lukeep stop --run-dir "/run/$name"
done
cat $agent_log
pass
