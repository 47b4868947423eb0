#!/bin/sh
# service.sh NAME start|resume|save|stop: a service for tests of lukeep, on its memfds "memory" and "saved".
#
# In its memory it has a line for each kernel that it has run in, and for each time that it was resumed there; /run/NAME.has
# shows it. It saves on USR1, or has its save command send that. Both do as /run/NAME.mood tells. The service: "late", wait for
# /run/NAME.fifo. Its save command: "refuse"; "hang"; "wait" for /run/NAME.fifo; "unload" the next kernel, and save;
# "replace" it by one that gets nothing, and save.
# When it resumes: "stumble", exit before; and where there is /run/NAME.empties it empties what it saved.
name=$1
memory=/proc/self/fd/$LUKEEP_FD_memory
saved=/proc/self/fd/$LUKEEP_FD_saved

# Who sees that it serves may have it save at once.
serve() {
	echo "in kernel $(uname -r)"
	sleep 1000 &
	child=$!
	trap 'write; kill $child; exit 0' USR1
	trap 'kill $child; exit 0' TERM
	cat "$memory" >"/run/$name.has.new"
	mv "/run/$name.has.new" "/run/$name.has"
	while :; do
		wait $child
		sleep 1000 &
		child=$!
	done
}

# Late, if the mood says so.
write() {
	if [ "$(cat "/run/$name.mood" 2>/dev/null)" = late ]; then
		read -r _ <"/run/$name.fifo"
	fi
	cat "$memory" >"$saved"
}

save() {
	mood=$(cat "/run/$name.mood" 2>/dev/null)
	echo "$mood" >"/run/$name.saving"
	case $mood in
	refuse)	exit 3 ;;
	hang)	exec sleep 1000 ;;
	wait)	read -r answer <"/run/$name.fifo"; [ "$answer" = save ] || exit 4 ;;
	unload)	kexec -s -u ;;
	replace) kexec -c -l /boot/kernel-B --reuse-cmdline ;;
	esac
	kill -USR1 "$(cat "/run/$name.pid")"
}

echo $$ >"/run/$name.$2.pid"
case $2 in
start)	[ ! -s "$memory" ] || exit 5
	[ ! -s "$saved" ] || exit 6
	uname -r >>"$memory" ;;
resume)	[ "$(cat "/run/$name.mood" 2>/dev/null)" != stumble ] || exit 8
	cmp "$memory" "$saved" || exit 7
	[ ! -e "/run/$name.empties" ] || : >"$saved"
	uname -r >>"$memory" ;;
save)	save
	exit ;;
stop)	: >"/run/$name.stopped"
	kill "$(cat "/run/$name.pid")"
	exit ;;
esac
echo $$ >"/run/$name.pid"
serve
