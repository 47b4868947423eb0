#!/bin/sh
# service.sh NAME start|resume|save: a service for tests of lukeep, on its memfds "memory" and "saved".
#
# In its memory it has a line for each kernel that it has run in. It saves on USR1, or with its save command as /run/NAME.mood
# tells: "refuse"; "hang"; "wait" until told by /run/NAME.fifo; "unload" the next kernel, and save. /run/NAME.has is what it has.
name=$1
memory=/proc/self/fd/$LUKEEP_FD_memory
saved=/proc/self/fd/$LUKEEP_FD_saved

serve() {
	cat "$memory" >"/run/$name.has.new"
	mv "/run/$name.has.new" "/run/$name.has"
	# The fifo keeps us waiting, and a signal can interrupt that.
	trap 'cat "$memory" >"$saved"; exit 0' USR1
	trap 'exit 0' TERM
	while :; do
		sleep 1000 &
		child=$!
		trap 'cat "$memory" >"$saved"; kill $child; exit 0' USR1
		trap 'kill $child; exit 0' TERM
		wait $child
	done
}

save() {
	mood=$(cat "/run/$name.mood" 2>/dev/null)
	echo "$mood" >"/run/$name.saving"
	case $mood in
	refuse)	exit 3 ;;
	hang)	exec sleep 1000 ;;
	wait)	read -r answer <"/run/$name.fifo"; [ "$answer" = save ] || exit 4 ;;
	unload)	kexec -s -u ;;
	esac
	kill -USR1 "$(cat "/run/$name.pid")"
}

echo $$ >"/run/$name.$2.pid"
case $2 in
start)	[ ! -s "$memory" ] || exit 5
	[ ! -s "$saved" ] || exit 6
	uname -r >>"$memory" ;;
resume)	cmp "$memory" "$saved" || exit 7
	uname -r >>"$memory" ;;
save)	save
	exit ;;
esac
echo $$ >"/run/$name.pid"
serve
