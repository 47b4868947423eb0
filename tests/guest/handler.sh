# shellcheck shell=sh
# What a handler may refuse; above all the freeze: the update is called off, and works the second time. And what trace
# events and debugfs show of all that.
. /tests/selftest.sh

trace=/sys/kernel/tracing
needs='needs_former needs_latter needs_lost needs_circle needs_chain needs_long_chain'

# An attempt that is called off thaws what it froze, in the opposite order, and nothing else.
thawed_in_reverse() {
	dmesg | sed -n 's/.*luo_test: //p; s/.*luo: .*\(refused\) to freeze.*/\1/p' | awk '
		$1 == "freeze" { frozen[n++] = substr($0, 8) }
		$1 == "refused" { n--; refused++ }
		$1 == "unfreeze" { if (n == 0 || frozen[--n] != substr($0, 10)) bad = 1 }
		END { exit !(refused == 25 && n == 0 && !bad) }'
}

# Only the debug kernel has to have trace events, see scripts/kernel/config/debug.config.
has_events() {
	[ -d $trace/events/kho ]
}

# events PATTERN: what was traced and matches an extended regular expression, without time and task
events() {
	sed -n 's/^.* [0-9]*\.[0-9]*: \(\(kho\|luo\)_\)/\1/p' $trace/trace | grep -E "$1"
}

# traced NAME EXPECTED: the events of that session
traced() {
	is "$(events " session=$1\$" | sed "s/ session=$1\$//")" "$2" "the events of session $1"
}

# The address in an event of the LUO header.
header_phys() {
	events "^$1: phys=0x[0-9a-f]+ size=32 err=0 name=LUO\$" | sed 's/.*phys=\([^ ]*\).*/\1/' | sort -u
}

# NAME=VALUE of an event that is there once.
field() {
	events "^$1: " | sed "s/.*[: ]$2=\([^ ]*\).*/\1/"
}

# The segments of an image that do not lie in scratch memory, which the jump would write over what is preserved.
outside_scratch() {
	events '^kho_load_segment: ' | sed 's/.* phys=\([^ ]*\) size=\([^ ]*\) .*/\1 \2/' | while read -r _phys _size; do
		_outside=$_phys
		for _area in $(scratch_areas | tr , ' '); do
			[ $((_phys)) -lt $((${_area%:*})) ] || [ $((_phys + _size)) -gt $((${_area%:*} + ${_area#*:})) ] || _outside=
		done
		[ -z "$_outside" ] || echo "$_outside"
	done
}

traced_before() {
	traced mixed "\
luo_session_create: nr_files=0 err=0
luo_file_preserve: token=0x1 err=0 handler=luo-test-v1
luo_file_preserve: token=0x2 err=0 handler=memfd-v2
luo_file_preserve: token=0x3 err=0 handler=luo-test-v1"
	traced preserve_fails "\
luo_session_create: nr_files=0 err=0
luo_file_preserve: token=0x1 err=-5 handler=luo-test-v1
luo_file_preserve: token=0x1 err=-5 handler=luo-test-v1
luo_file_preserve: token=0x1 err=0 handler=memfd-v2
luo_file_preserve: token=0x2 err=0 handler=luo-test-v1"
	traced closed "\
luo_session_create: nr_files=0 err=0
luo_session_unpreserve: nr_files=0 err=0"
	ok "preserved memory is traced" eval 'events "^kho_preserve_folio: .* nr_pages=1 err=0$" >/dev/null'
	is "$(field kho_prepare_image nr_scratch) $(field kho_prepare_image err)" \
		"$(wc -l </sys/kernel/debug/kho/out/scratch_len) 0" "the loading of the image is traced"
	ok "a segment was written in place" eval 'events "^kho_load_segment: .* in_place=1$" >/dev/null'
	is "$(outside_scratch)" "" "all segments are in scratch memory"
}

# A freeze that is refused, and once more.
traced_freeze() {
	attempt="\
luo_file_freeze: token=0x1 err=0 handler=luo-test-v1
luo_file_freeze: token=0x2 err=-5 handler=luo-test-v1
luo_file_unfreeze: token=0x1 err=0 handler=luo-test-v1"
	traced 'refused 2' "\
luo_session_create: nr_files=0 err=0
luo_file_preserve: token=0x1 err=0 handler=luo-test-v1
luo_file_preserve: token=0x2 err=0 handler=luo-test-v1
luo_file_preserve: token=0x3 err=0 handler=luo-test-v1
$attempt
$attempt"
	# Of the sessions before: 3 + 2 + 2 + 3 + 3 + 2.
	attempt="\
luo_freeze_begin: nr_sessions=7
luo_freeze_end: nr_sessions=7 nr_files=15 err=-5"
	is "$(events ^luo_freeze_)" "$attempt
$attempt" "the events of the freezes"
	is "$(events '^luo_file_freeze: .* err=0 ' | sort)" \
		"$(events '^luo_file_unfreeze: ' | sed s/unfreeze/freeze/ | sort)" "what was frozen is thawed, nothing else"
}

traced_after() {
	traced mixed "\
luo_session_receive: nr_files=3 err=0
luo_session_retrieve: nr_files=3 err=0
luo_file_retrieve: token=0x3 err=0 handler=luo-test-v1
luo_file_retrieve: token=0x2 err=0 handler=memfd-v2
luo_file_retrieve: token=0x1 err=0 handler=luo-test-v1
luo_file_finish: token=0x3 err=0 handler=luo-test-v1
luo_file_finish: token=0x2 err=0 handler=memfd-v2
luo_file_finish: token=0x1 err=0 handler=luo-test-v1
luo_session_finish: nr_files=3 err=0
luo_session_finish: nr_files=0 err=0"
	traced retrieve_fails "\
luo_session_receive: nr_files=2 err=0
luo_session_retrieve: nr_files=2 err=0
luo_file_retrieve: token=0x1 err=-5 handler=luo-test-v1
luo_file_retrieve: token=0x1 err=-5 handler=luo-test-v1
luo_file_retrieve: token=0x2 err=0 handler=memfd-v2
luo_file_retrieve: token=0x1 err=-5 handler=luo-test-v1
luo_file_finish: token=0x2 err=0 handler=memfd-v2
luo_file_finish: token=0x1 err=0 handler=luo-test-v1
luo_session_finish: nr_files=2 err=0
luo_session_finish: nr_files=0 err=0"
	is "$(field kho_takeover nr_scratch)" "$(wc -l </sys/kernel/debug/kho/out/scratch_len)" "taking over is traced"
	is "$(field kho_takeover block_size)" 4194304 "in blocks of the page allocator's largest size"
	ok "with all that was preserved" test "$(field kho_takeover preserved)" -ge 16777216
	ok "what was reserved is preserved or released" test \
		"$(field kho_takeover released)" -ge $(($(field kho_takeover reserved) - $(field kho_takeover preserved)))
	is "$(header_phys kho_retrieve_subtree)" "$(param luo)" "a subtree is traced where the previous kernel had it"
	ok "memory that is taken back is traced" eval 'events "^kho_restore_folio: .* nr_pages=1 err=0$" >/dev/null'
	is "$(events '^kho_restore_.* err=-')" "" "all of it was there"
}

[ "$flavour" = default ] || ok "there are trace events" has_events

# shellcheck disable=SC2086 # a list of words
case $stage in
1)	halves luo_debugfs prepare view handlers
	halves luo_handler prepare mixed preserve_fails retrieve_fails busy
	ok "the next kernel is loaded" load_kernel B "luo=$(header_phys kho_add_subtree)"
	! has_events || traced_before
	halves luo_handler prepare refused
	! has_events || traced_freeze
	! has_events || echo 0 >$trace/tracing_on
	halves luo_debugfs prepare frozen
	halves luo_needs prepare refused_needy $needs
	halves luo_handler prepare refused_in_use
	is "$(messages 'luo: live update called off')" 25 "a message says each time that the update was called off"
	ok "what was frozen is thawed in reverse" thawed_in_reverse
	no_leaks
	do_kexec ;;
2)	came_from A 1
	halves luo_debugfs verify view
	halves luo_handler verify mixed preserve_fails retrieve_fails busy refused refused_in_use
	halves luo_needs verify $needs
	is "$(dmesg | sed -n 's/.*luo_test: finish mixed //p' | tr '\n' ' ')" "3 1 " "files are finished in reverse"
	! has_events || traced_after
	is "$(messages 'luo_test: retrieve retrieve')" 1 "a retrieve that failed is not tried again"
	pass ;;
esac
