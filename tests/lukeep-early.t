#!/bin/bash
# lukeep on this host, with a shim: services resume in the initramfs, and the host adopts them. What cannot, the host resumes.
# flavours: none
. "$(dirname "$0")/lukeep-machine.bash"

# in_initramfs: what each kernel begins with whose initramfs has lukeep
in_initramfs() {
	rm -rf "$run" "$run"-* "$machine"/*.has
	resume_early
}

# Keepers that are there have 0.2 s to answer, which is not much for one that is kept from its processor: time passes slower here.
again_in_initramfs() {
	LUKEEP_FASTER=0.02 resume_early
}

resume_early() {
	(become "$out/agent/lukeep" early --config-dir "$conf" --run-dir "$run") <"$machine/image" >>"$log" 2>&1
}

# The host is up: /run is what it was.
host() {
	run_agent
}

# host_unit NAME: the same with systemd, and the unit of a service
host_unit() {
	touch "$machine/systemd"
	run_agent
	become "$out/lukeep-unit" "$machine" "$1" "$out/agent/lukeep" --config-dir "$conf" --run-dir "$run" >>"$log" 2>&1 &
	unit=$!
	disown
}

is_adopted() {
	[ ! -e "$run/$1.early" ]
}

# Two services, the second of which is early, are told to save.
one_early() {
	by_signal signal
	by_command quick 'early = yes' "$@"
	boot
	until_true "one runs" has signal 1
	until_true "the early one runs" has quick 1
	jumps
}

resumes() {
	one_early
	in_initramfs
	at_work quick 12
	never "the other one is not started" test -e "$run/signal.keeper"
	pid=$(pid quick)
	is "$(readlink "/proc/$pid/fd/0")" /dev/null "it does not read what the initramfs reads"
	never "it is not the host's yet" is_adopted quick
	host
	until_true "it is adopted" is_adopted quick
	ok "it gets the host's root" grep -q "host's root" "$machine/early"
	ok "it is in the agent's cgroup" grep -q "unit's cgroup quick" "$machine/early"
	is "$(pid quick)" "$pid" "it goes on"
	at_work signal 12
	jumps
	in_initramfs
	at_work quick 123
	host
	at_work signal 123
	is "$(started quick)" 1 "it has been started once"
}

# may_chown FOLDER: is this root, and not only in a namespace of its own?
may_chown() {
	chown 65534:65534 "$1" 2>/dev/null || { say "# left out: it takes root" && false; }
}

# What systemd has given to the user of the unit is that user's in the initramfs.
own_folder() {
	by_signal quick 'early = yes'
	boot
	until_true "it runs" has quick 1
	may_chown "$run-quick" || return 0
	chmod 2750 "$run-quick"
	jumps
	in_initramfs
	at_work quick 12
	is "$(stat -c %u:%g:%a "$run-quick")" 65534:65534:2750 "its folder has the owner and the mode that it had"
}

ordinary_boot() {
	by_signal quick 'early = yes'
	in_initramfs
	never "nothing is started in the initramfs" test -e "$run/quick.keeper"
	host
	until_true "the host starts it" has quick 1
}

by_unit() {
	one_early
	rm "$conf/signal.conf"
	in_initramfs
	at_work quick 12
	keeper=$(keeper quick)
	host_unit quick
	until_true "the unit's process hands over" unit_is quick ended
	is "$(cat "$machine/quick.unit")" "ended 0" "and ends well"
	is "$(cat "$machine/quick.main")" "$keeper" "the keeper is the main process"
	ok "nothing is stored" in_store quick
	ok "it is in the unit's cgroup" grep -q "unit's cgroup quick" "$machine/early"
	ok "it is adopted" is_adopted quick
	is "$(of_service quick unit)" true "the keeper knows that"
	jumps
	rm "$machine/systemd"
	in_initramfs
	at_work quick 123
}

# left TEXT: the early service is the host's to resume, and nothing of it has been taken
left() {
	until_true "it says so" logged "$1"
	until_true "there is no keeper" is_adopted quick
	host
	at_work quick 12
}

no_program() {
	ln -s /bin/true "$machine/there"
	one_early "ready-command = $machine/there"
	rm "$machine/there"
	in_initramfs
	ok "it says what lacks" logged 'quick.conf: ready-command: cannot run .*/there'
	ln -s /bin/true "$machine/there"
	left 'quick: it is not resumed in the initramfs, but by the host'
}

# in_kmsg TEXT
in_kmsg() {
	grep -q -- "$1" "$machine/kmsg"
}

# The console of an initramfs is read by nobody.
says_in_kmsg() {
	ln -s /bin/true "$machine/there"
	one_early "ready-command = $machine/there"
	rm "$machine/there"
	touch "$machine/kmsg" "$machine/no-device"
	in_initramfs
	ok "the kernel's log has why nothing resumes" in_kmsg 'cannot use /dev/liveupdate'
	rm "$machine/no-device"
	in_initramfs
	ok "and what lacks" in_kmsg 'quick.conf: ready-command: cannot run .*/there'
	ok "and who resumes it" in_kmsg 'quick: it is not resumed in the initramfs, but by the host'
	ln -s /bin/true "$machine/there"
	in_initramfs
	at_work quick 12
	ok "and what the keeper says" in_kmsg 'quick: at work with what it had'
}

no_root() {
	one_early
	touch "$machine/no-root"
	in_initramfs
	until_true "a root cannot be had" grep -q 'no root' "$machine/early"
	left ''
}

no_session() {
	one_early
	fault retrieve EBUSY 0 1
	in_initramfs
	left 'quick: it is not resumed in the initramfs, but by the host'
}

# The initramfs is emptied as a keeper is about to start.
no_keeper() {
	one_early
	mkdir "$machine/unloadable"
	: >"$machine/unloadable/libjansson.so.4"
	in_initramfs
	host
	at_work quick 12
	ok "it was tried" grep -q 'own cgroup quick' "$machine/early"
}

# The dynamic linker ends like this, before the program has run.
no_library() {
	by_signal quick 'early = yes'
	sed -i "s:^resume = \(.*\):resume = sh -c \"[ -e $machine/there ] || exit 127; exec \1\":" "$conf/quick.conf"
	boot
	until_true "it runs" has quick 1
	jumps
	in_initramfs
	until_true "it has ended" state_is quick saved
	is "$(of_service quick pid)" 0 "it does not run"
	again_in_initramfs
	until_true "it has tried again" logged_twice 'the service exited with status 127'
	touch "$machine/there"
	host
	at_work quick 12
}

logged_twice() {
	[ "$(grep -c "$1" "$log")" = 2 ]
}

# What is missing is there when udev has found the devices.
second_time() {
	one_early 'retry = yes'
	mood quick stumbles
	in_initramfs
	until_true "it has ended" state_is quick saved
	mood quick
	again_in_initramfs
	at_work quick 12
	pid=$(pid quick)
	again_in_initramfs
	is "$(pid quick)" "$pid" "one that runs is left alone"
}

# uid PID
uid() {
	stat -c %u:%g "/proc/$1"
}

# What did not resume in the initramfs has the user of its unit on the host.
unit_user() {
	one_early 'retry = yes'
	mood quick stumbles
	in_initramfs
	until_true "it has ended" state_is quick saved
	mood quick
	may_chown "$run-quick" || return 0
	chmod -R a+rwX "$machine"
	chmod go-w "$conf" "$conf"/*
	host_unit quick
	at_work quick 12
	is "$(uid "$(pid quick)"), $(uid "$(keeper quick)")" "65534:65534, 65534:65534" "service and keeper are not root's"
	is "$(sed -n 's/^Groups:[[:space:]]*//p' "/proc/$(pid quick)/status" | tr -d ' ')" "$(id -G nobody | tr -d ' ')" \
		"nor do they have root's groups"
	rm "$conf/signal.conf"
	ok "it is stopped" kill "$(keeper quick)"
	until_true "its unit has ended" unit_is quick ended
}

# A keeper that is killed takes with it what it had, and leaves nothing else.
killed() {
	one_early
	in_initramfs
	at_work quick 12
	pid=$(pid quick)
	kill -9 "$(keeper quick)"
	host_unit quick
	until_true "it is started afresh" has quick 2
	ok "it is said why" logged 'the keeper of quick in the initramfs has died'
	until_true "the one before is gone" gone "$pid"
	ok "nobody is to be adopted" is_adopted quick
}

# A keeper that is stopped is asked again.
silent() {
	one_early
	in_initramfs
	at_work quick 12
	keeper=$(keeper quick)
	kill -STOP "$keeper"
	echo 20 >"$machine/faster"
	host
	ok "it does not answer" logged 'quick: its keeper in the initramfs does not answer'
	rm "$machine/faster"
	kill -CONT "$keeper"
	kill -HUP "$agent"
	until_true "it is adopted" is_adopted quick
	at_work quick 12
}

# stuck FASTER: the unit's step meets a keeper that is stopped, when time passes faster
stuck() {
	one_early
	rm "$conf/signal.conf"
	in_initramfs
	at_work quick 12
	keeper=$(keeper quick)
	pid=$(pid quick)
	kill -STOP "$keeper"
	echo "$1" >"$machine/faster"
	host_unit quick
	until_true "it is said that the keeper does not answer" logged 'its keeper in the initramfs does not answer yet'
}

# A unit does not hold up the host's boot for ever, and can be started again.
stuck_for_good() {
	stuck 100
	until_true "the unit gives up" unit_is quick ended
	ok "what to do is said" logged 'does not answer: .*: it is left as it is: kill it, or have it go on, and start the unit again'
	never "the keeper is still expected" is_adopted quick
	rm "$machine/faster"
	kill -CONT "$keeper"
	kill -HUP "$unit"
	until_true "it is adopted" is_adopted quick
	is "$(pid quick)" "$pid" "it goes on"
	at_work quick 12
}

stop_when_stuck() {
	stuck 5
	pkill -TERM -P "$unit"
	until_true "the unit is stopped" unit_is quick ended
	ok "the keeper is killed" grep -q 'killed quick' "$machine/early"
	ok "it is said" logged 'does not answer: killed, with the service'
	until_true "the service is, too" gone "$pid"
	ok "nobody is to be adopted" is_adopted quick
	kill -9 "$keeper"
}

# The keeper stops its service as one of the unit would.
stop_in_time() {
	stuck 5
	rm "$machine/faster"
	pkill -TERM -P "$unit"
	kill -CONT "$keeper"
	until_true "the unit is stopped" unit_is quick ended
	ok "the service was stopped well" grep -qx stopped "$machine/quick.log"
	until_true "its keeper has ended" gone "$keeper"
	never "it was killed" logged 'killed, with'
	ok "nobody is to be adopted" is_adopted quick
}

# exits [KEY]...: in the initramfs, when it resumes
exits() {
	one_early "$@"
	mood quick stumbles
	in_initramfs
	until_true "it exits" logged 'the service exited with status'
	until_true "what it had is said to be lost" logged 'what it had in kernel 6.12.0-test-1 is lost: it exited in the initramfs'
	mood quick
}

exits_and_starts() {
	exits
	until_true "it does not run" state_is quick down
	host
	until_true "the host starts it afresh" has quick 2
}

exits_and_is_held() {
	exits 'if-lost = hold'
	host
	until_true "it is adopted" is_adopted quick
	is "$(of_service quick state)" lost "it is held, as it is declared"
	ok "a reload succeeds" lukeep reload quick
	until_true "which starts it afresh" has quick 2
}

# A check and a dry run tell of it before.
warns_of_loss() {
	local warning='quick.conf: early without retry: what it has is lost if it exits in the initramfs'

	by_signal quick 'early = yes'
	boot
	until_true "it runs" has quick 1
	(become "$out/agent/lukeep" check --config-dir "$conf") >"$said" 2>&1
	is $? 0 "the declaration has no mistake"
	ok "a check warns" says "$warning"
	update --dry-run
	is $? 0 "a dry run succeeds"
	ok "it warns, too" says "$warning"
	by_signal quick 'early = yes' 'retry = yes'
	(become "$out/agent/lukeep" check --config-dir "$conf") >"$said" 2>&1
	ok "with retry a check does not" says 'no mistake found'
	ok "a reload succeeds" lukeep reload quick
	update --dry-run
	never "nor does a dry run" says "$warning"
}

not_possible() {
	printf '[service]\nstart = true\nearly = yes\n[tmpfs]\npath = /run/x\nsize = 1M\n' >"$conf/files.conf"
	printf '[service]\nstart = true\nearly = yes\n[process]\nimages = /run/x\n' >"$conf/process.conf"
	printf '[service]\nstart = true\nbridge = br0\n' >"$conf/bridge.conf"
	(become "$out/agent/lukeep" check --config-dir "$conf") >"$said" 2>&1
	ok "a service with a tmpfs cannot be early" says 'files.conf: a service with a tmpfs, .* cannot resume in the initramfs'
	ok "one of processes cannot either" says 'process.conf: .* cannot resume in the initramfs'
	ok "others need no bridge" says 'bridge.conf: early-files and bridge are for the initramfs'
}

# cards: what is in the bridge when services have resumed on a machine with a network card
cards() {
	# shellcheck disable=SC2016 # for the shell within
	(become unshare --net sh -c 'ip link add v0 type veth peer name v1; log=$1; shift; "$@" >>"$log" 2>&1; ip -o link show master br0' \
		sh "$log" "$out/agent/lukeep" early --config-dir "$conf" --run-dir "$run") 2>&1 | sed 's/^[0-9]*: \([^@:]*\).*/\1/'
}

# Who has to type a passphrase by the network is not to be cut off.
leaves_cards_alone() {
	local files=$machine/root

	unshare --net ip link add br0 type bridge 2>/dev/null || { say "# left out: it takes bridges"; return; }
	one_early 'bridge = br0 v0'
	rm -rf "$run" "$run"-* "$machine"/*.has
	is "$(cards)" v0 "the bridge has its card"
	at_work quick 12
	mkdir -p "$files/sbin" "$files/conf"
	touch "$files/sbin/dropbear"
	is "$(cards)" "" "not where dropbear waits"
	ok "it is said" logged 'v0 is left to the host'
	rm "$files/sbin/dropbear"
	printf '#IP=dhcp\nIP=\n' >"$files/conf/initramfs.conf"
	is "$(cards)" v0 "it has it where the initramfs needs no network"
	printf 'DEVICE=\nIP=dhcp\n' >"$files/conf/initramfs.conf"
	is "$(cards)" "" "and not where it is configured to have one"
	rm -r "$files/sbin" "$files/conf"
}

# An update looks at the initramfs that it loads.
old_initramfs() {
	local warning='quick.conf: .*/quick.conf is newer than the initramfs'

	by_signal quick 'early = yes' 'retry = yes'
	boot
	until_true "it runs" has quick 1
	touch -d @1 "$machine/initrd"
	update --dry-run
	is $? 0 "a dry run succeeds"
	ok "it warns" says "$warning"
	jumps
	ok "an update warns, too" says "$warning"
	in_initramfs
	at_work quick 12
	host
	touch "$machine/initrd"
	jumps
	never "with a new one it does not" grep -q "$warning" "$said"
}

scenario old_initramfs resumes own_folder ordinary_boot by_unit no_program says_in_kmsg no_root no_session no_keeper no_library \
	second_time unit_user killed silent stuck_for_good stop_when_stuck stop_in_time exits_and_starts exits_and_is_held warns_of_loss \
	not_possible leaves_cards_alone
done_testing
