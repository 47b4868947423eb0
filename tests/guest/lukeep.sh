# shellcheck shell=sh
# lukeep keeps memcached over A -> B -> A; before that, each step that can fail is made to fail once.

items=2000
socket=/run/memcached.sock

# keep [OPTION]...: starts the agent; $wrapper runs the service
keep() {
	lukeep run --name memcached --memory memory=/run/memory --save meta=/run/memory.meta "$@" -- \
		$wrapper memcached -u root -t 1 -m 64 -M -s $socket -e /run/memory >>/run/log 2>&1 &
	agent=$!
}
wrapper=

# Runs a service, and unloads the next kernel when the service is to save: the last step fails.
cat >/run/unloading <<'EOF'
#!/bin/sh
trap 'kexec -s -u; kill -USR1 $child' USR1
trap 'kill $child' TERM
"$@" &
child=$!
wait $child
status=$?
# The signal ended that wait.
[ $status -le 128 ] || { wait $child; status=$?; }
exit $status
EOF
chmod +x /run/unloading

update() {
	lukeep update --name memcached >/run/update 2>&1
}

# fails_at STEP: the update fails, says where, and memcached has its items
fails_at() {
	update
	is $? 1 "an update that cannot be fails"
	ok "it says that the step was to $1" grep -q "update: failed at the step \"$1\"" /run/update
	ok "memcached is at work" grep -q 'the service is \(back \)\?at work' /run/update
	ok "memcached has its items" mcload check $socket $items
}

stop() {
	kill $agent
	wait $agent
}

case $stage in
1)	keep --signal USR1
	ok "memcached takes items" mcload fill $socket $items
	lukeep run --name memcached true >/run/second 2>&1
	is $? 1 "a second agent for the same service is refused"
	ok "it says why" grep -q 'another lukeep keeps this service already' /run/second
	lukeep update --name nobody >/run/nobody 2>&1
	is $? 1 "an update of a service that nobody keeps fails"

	fails_at "check the next kernel"
	load_kernel B || fail "kexec -s -l of kernel B"
	mv /dev/liveupdate /dev/away
	fails_at "preserve the memory"
	mv /dev/away /dev/liveupdate

	# TERM, the default, makes memcached exit without saving.
	stop
	keep
	ok "memcached takes items again" mcload fill $socket $items
	update
	is $? 1 "an update fails when the service does not save"
	ok "it says that nothing was saved" grep -q 'saved nothing' /run/update
	ok "memcached is back at work" mcload fill $socket 1
	stop

	wrapper=/run/unloading
	keep --signal USR1
	ok "memcached takes items a third time" mcload fill $socket $items
	fails_at "jump into the next kernel"
	stop
	cat /run/log

	wrapper=
	load_kernel B || fail "kexec -s -l of kernel B, again"
	keep --signal USR1
	ok "memcached takes items for the update" mcload fill $socket $items
	update
	cat /run/update
	fail "lukeep update came back" ;;
2)	keep --signal USR1
	ok "memcached has its items in kernel B" mcload check $socket $items
	cat /run/log
	ok "it says which kernel they came from" grep -q 'came from kernel .*-A' /run/log
	# Kernel A will take its time from the RTC, an hour behind ours.
	ok "the clock can be set" date -s "@$(($(date +%s) + 3600))"
	load_kernel A || fail "kexec -s -l of kernel A"
	update
	cat /run/update
	fail "lukeep update came back from kernel B" ;;
3)	keep --signal USR1
	ok "memcached has its items in kernel A again" mcload check $socket $items
	cat /run/log
	ok "the clock was set forward" grep -q 'the clock was [0-9]* s before' /run/log
	mcload check $socket $((items + 1))
	is $? 1 "an item that is not there is missed"
	ok "it takes further items" mcload fill $socket $((2 * items))
	ok "and has them" mcload check $socket $((2 * items))
	stop
	is $? 0 "lukeep ends with its service"
	pass ;;
esac
