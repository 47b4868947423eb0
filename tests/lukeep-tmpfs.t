#!/bin/bash
# lukeep on this host, with a shim: a service with its files on a tmpfs, which is preserved, given back, lost, or in the way.
# flavours: none
# shellcheck disable=SC2016 # patterns
. "$(dirname "$0")/lukeep-machine.bash"

# Scenarios that fail as yet.
not_yet=''

place=$machine/place

# What it has is a line for each kernel in which it was started; that it works is told beside. Told to save, it exits.
cat >"$machine/bin/filer" <<'END'
#!/bin/bash
# filer FOLDER NAME PLACE
mkdir "$3/began" 2>/dev/null && echo >>"$1/$2.began"
trap 'exit "$(cat "$1/$2.mood" 2>/dev/null || echo 0)"' USR1
trap 'exit 0' TERM
cat "$1/kernel" >>"$3/kernels" || exit 9
tr -d '\n' <"$3/kernels" >"$1/$2.new"
echo $$ >"$1/$2.pid"
mv "$1/$2.new" "$1/$2.has"
while :; do sleep 0.05; done
END
chmod +x "$machine/bin/filer"

# declare_filer NAME PLACE [KEY=VALUE]...: a service; "--" before the keys of its tmpfs
declare_filer() {
	{
		printf '[service]\nstart = filer %s %s %s\nsave-signal = USR1\n' "$machine" "$1" "$2"
		printf '\n[tmpfs]\npath = %s\n' "$2"
		printf '%s\n' "${@:3}"
	} >"$conf/$1.conf"
}

# files [KEY=VALUE]...: one service with a tmpfs, in its first kernel
files() {
	rm -f "$machine/files.began"
	mkdir -p "$place"
	declare_filer files "$place" "$@"
	boot
	until_true "files runs" has files 1
}

options() {
	awk -v place="$place" '$5 == place { print $6 "," $NF }' "/proc/$$/mountinfo"
}

is_mounted() {
	mountpoint -q "$place"
}

is_writable() {
	[[ ,$(options), != *,ro,* ]]
}

# back KERNELS: after an update that failed
back() {
	until_true "files is at work with what it had" has files "$1"
	ok "its tmpfs is writable" is_writable
	is "$(wc -l <"$machine/files.began")" 1 "it never began afresh"
}

whole() {
	mkdir -p "$place" && chmod 0750 "$place"
	files 'size = 1M'
	ok "the tmpfs has the size that is declared" test "$(df --output=size "$place" | tail -n 1)" -eq 1024
	is "$(stat -c %a "$place")" 750 "and the mode of the folder"
	ok "nothing on it is a device, or gives privileges" eval '[[ $(options) == *nosuid*nodev* ]]'
	is "$(of_service files 'tmpfs.path + " " + (.tmpfs.size | tostring)')" "$place 1048576" "the status shows it"
	ok "and so does the table" eval 'lukeep status; says "  $place *tmpfs *1.0 MiB, .* KiB allocated"'
	ok "a dry run succeeds" update --dry-run
	ok "it leaves the tmpfs writable" is_writable
	jumps
	boot
	until_true "files is at work with what it had" has files 12
	ok "the log tells how much it was" logged 'files: the tmpfs .* is preserved, with 0.0 MiB'
	ok "and that it came in" logged 'its files came in, on the tmpfs'
	is "$(of_service files resumed)" true "the status says that it has resumed"
	ok "the tmpfs is as it was" test "$(df --output=size "$place" | tail -n 1)" -eq 1024
	is "$(stat -c %a "$place")" 750 "its mode as well"
	ok "nothing on it is a device, or gives privileges" eval '[[ $(options) == *nosuid*nodev* ]]'
	is "$(grep -c '^2 finish files.* ok' "$machine/calls")" 2 "both sessions are finished"
	jumps
	boot
	back 123
}

# With units, what came in waits in the step before the keeper.
by_units() {
	rm -f "$machine/files.began"
	mkdir -p "$place"
	declare_filer files "$place"
	boot_systemd files
	until_true "files runs" has files 1
	jumps
	mv "$place" "$place.away"
	boot_systemd files
	until_true "it waits" logged "make a folder there"
	ok "the status shows it" state_is files held
	mv "$place.away" "$place"
	echo 10 >"$machine/faster"
	back 12
	until_true "its unit is active" unit_is files active
	rm "$machine/faster"
	jumps
	boot_systemd files
	back 123
}

# It is for the service's whole life, and longer.
stopped() {
	files
	ok "the service can be stopped" lukeep stop files
	ok "its tmpfs stays" is_mounted
	ok "it is started again" lukeep reload files
	until_true "it has its files" has files 11
	kill -9 "$(keeper files)"
	until_true "its keeper is gone" eval '[ "$(of_service files state)" = gone ]'
	ok "it is started once more" lukeep reload files
	until_true "it has its files" has files 111
	lukeep stop files
	ok "the operator can give it up" umount "$place"
	ok "then it is started" lukeep reload files
	until_true "on nothing" has files 1
}

# Nothing has stopped yet.
not_possible() {
	files
	touch "$machine/no-tmpfs"
	before=$(pid files)
	fails_at 1 "check the services" 'this kernel cannot preserve a tmpfs: boot one with CONFIG_LIVEUPDATE_TMPFS'
	update --dry-run
	is $? 1 "a dry run fails as well"
	ok "and says why" says 'this kernel cannot preserve a tmpfs'
	(become "$out/agent/lukeep" check "$conf/files.conf") >"$said" 2>&1
	ok "a check tells" says 'this kernel cannot preserve a tmpfs'
	ok "without the service there is an update" update --dry-run --without files
	rm "$machine/no-tmpfs"
	umount -l "$place"
	fails_at 1 "check the services" 'files: its tmpfs is not mounted on'
	is "$(pid files)" "$before" "the service was not touched"
}

# Called off after it was stopped.
failures() {
	files
	exec 5>"$place/open"
	fails_at 3 "preserve what they saved" "cannot be made read-only: process [0-9]* ([^ ]*) has $place/open open for writing: have it end"
	exec 5>&-
	back 11
	fault preserve.files:tmpfs EOPNOTSUPP
	fails_at 3 "preserve what they saved" "cannot preserve tmpfs $place: .* something in it cannot be carried"
	fault preserve.files:tmpfs
	back 111
	fault create.files:tmpfs ENOMEM
	fails_at 3 "preserve what they saved" "cannot create the session"
	fault create.files:tmpfs
	back 1111
	fault preserve.files ENOMEM 1
	fails_at 3 "preserve what they saved" "cannot preserve memfd lukeep.state"
	fault preserve.files
	back 11111
	fault reboot EINVAL
	fails_at 3 "jump into the next kernel" 'the kernel refused'
	fault reboot
	back 111111
	mood files 3
	fails_at 3 "save and stop the services" 'nothing is lost'
	mood files
	back 1111111
	ok "it was writable before it was started" eval '! some_call thaw EBUSY'
	jumps
	boot
	back 11111112
}

# frozen_update [COUNT]: one that has frozen the tmpfs, and hangs; so many have by then
frozen_update() {
	fault preserve.files:tmpfs hang
	update &
	client=$!
	until_true "an update has made the tmpfs read-only" some_call preserve hangs "${1:-1}"
	never "it is not" is_writable
}

agent_killed() {
	files
	frozen_update
	kill -9 "$agent"
	wait "$client"
	until_true "its keeper makes it writable" has files 11
	fault preserve.files:tmpfs
	run_agent
	back 11

	# A keeper that may not: the agent does.
	frozen_update 2
	fault thaw EPERM
	kill -9 "$agent"
	wait "$client"
	until_true "the service waits" logged 'is read-only: start the agent'
	fault thaw
	fault preserve.files:tmpfs
	echo 10 >"$machine/faster"
	run_agent
	back 111
	rm "$machine/faster"
	ok "there can be an update" update --dry-run
	jumps
	boot
	back 1112
}

keeper_killed() {
	files
	frozen_update
	kill -9 "$(keeper files)"
	fault preserve.files:tmpfs
	wait "$client"
	is $? 4 "the update fails"
	ok "the tmpfs is writable" is_writable
	ok "the service is started" lukeep reload files
	until_true "it has its files" has files 11
}

lost() {
	files
	jumps
	fault retrieve-fd.files:tmpfs EIO
	boot
	until_true "it starts on nothing" has files 2
	ok "it says so" logged 'its tmpfs did not come in'
	ok "and that all is lost" logged 'what it had in kernel 6.12.0-test-1 is lost'
	fault retrieve-fd.files:tmpfs
	echo 'if-lost = hold' | sed -i '/^save-signal/r /dev/stdin' "$conf/files.conf"
	ok "another declaration" lukeep reload files
	jumps
	fault retrieve-fd.files:tmpfs ENOENT
	boot
	until_true "it is not started" state_is files lost
	fault retrieve-fd.files:tmpfs
	ok "until the operator wants it" lukeep reload files
	until_true "it starts on nothing" has files 3
}

# What came in waits until it can be mounted.
held() {
	files
	jumps
	mv "$place" "$place.away"
	boot
	until_true "it is held" state_is files held
	ok "it says why" logged "tmpfs $place: No such file or directory: make a folder there"
	echo 10 >"$machine/faster"
	mkdir "$place"
	mount -t tmpfs other "$place"
	until_true "something else is in the way" logged "tmpfs $place: something is mounted there already: unmount it"
	cp "$conf/files.conf" "$machine/before"
	sed -i '/tmpfs/,$d' "$conf/files.conf"
	until_true "it is not declared" logged 'a tmpfs came in for it, and none is declared'
	cp "$machine/before" "$conf/files.conf"
	umount "$place"
	until_true "it has what it had" has files 12
	rmdir "$place.away"
}

# Without an update before: nothing is waited for.
not_started() {
	mkdir -p "$place"
	mount -t tmpfs other "$place"
	declare_filer files "$place"
	boot
	until_true "it is not started" logged 'something is mounted there already'
	lukeep reload files
	is $? 1 "and not by a reload"
	umount "$place"
	rmdir "$place"
	lukeep reload files
	is $? 1 "nor without a folder"
	until_true "it says so" logged 'No such file or directory: make a folder there'
	mkdir "$place"
	ok "then it is" lukeep reload files
	until_true "it runs" has files 1
}

declared_anew() {
	files 'size = 1M'
	mkdir -p "$place.2"
	declare_filer files "$place" 'size = 2M' 'huge = never'
	ok "another size" lukeep reload files
	ok "takes effect later" logged 'its tmpfs has another size, or other pages; that takes effect when it is started afresh'
	ok "and prevents no update" update --dry-run
	declare_filer files "$place.2"
	fails_at 1 "check the services" "its tmpfs is not mounted on $place.2: stop the service"
	sed -i '/tmpfs/,$d' "$conf/files.conf"
	fails_at 1 "check the services" 'its tmpfs is not there any more'
	declare_filer files "$place" 'size = 2M'
	lukeep stop files
	ok "the service is started" lukeep reload files
	until_true "it has its files" has files 11
	ok "and the size" test "$(df --output=size "$place" | tail -n 1)" -eq 2048
	declare_filer files "$place.2"
	lukeep stop files
	ok "at another place" lukeep reload files
	until_true "it has nothing" has files 1
	ok "the other tmpfs stays, it says" logged "the tmpfs $place is not declared any more, and stays mounted: umount $place"
	rm "$conf/files.conf"
	by_signal files
	lukeep stop files
	lukeep reload files
	jumps
	boot
	until_true "without a tmpfs it has its memory" has files 12
}

scenario whole by_units stopped not_possible failures agent_killed keeper_killed lost held not_started declared_anew
done_testing
