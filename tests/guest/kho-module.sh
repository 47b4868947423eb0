# shellcheck shell=sh
# The module test_kho preserves memory, and checks what came in, over three updates: tests/kho-module.t says where. What
# it preserves in the third kernel is dropped again, so that the fourth one gets nothing.
. /tests/selftest.sh

module=/lib/modules/$(uname -r)/test_kho.ko

# field LINE NAME: the number NAME= in the last message of the module that begins with LINE
field() {
	dmesg | sed -n "s/.*test_kho: $1: .*\<$2=\([0-9]*\).*/\1/p" | tail -n 1
}

insert() {
	# shellcheck disable=SC2046 # one word or none
	ok "kernel $stage: the module loads" insmod "$module" $(param folio_at | sed 's/^./folio_at=&/')
}

remove() {
	ok "kernel $stage: the module goes" rmmod test_kho
	is "$(messages 'test_kho: freed what was preserved')" "$1" "kernel $stage: it frees all"
}

# expect LINE: what each kernel is to have
expect() {
	is "$(field "$1" huge_order)" 9 "kernel $stage: $1: the huge area is made of pages of 2 MiB"
}

# so_far NAME: items of a kind that kernels up to this one took back
so_far() {
	_before=$(param "$1")
	_now=$(field restored "$1")
	echo $((${_before:-0} + ${_now:-0}))
}

# Whether a page that cannot be moved lies where such an item would be is a matter of chance, so not each kernel has one.
expect_some() {
	for _name in crossing edges low split; do
		_want=$(param "want_$_name")
		[ -z "$_want" ] || ok "of items '$_name' some were taken back" test "$(so_far "$_name")" -ge "$_want"
	done
}

# What the last kernel preserved is there, and only what can be refused was.
verified() {
	came_from "$1" $((stage - 1))
	# With other nodes the kernel takes another amount for itself.
	[ -n "$(param numa_2)" ] || ok "kernel $stage: memory is missing" test "$before" -le $(($(param total) - $(param bytes) / 1024))
	insert
	for _name in items bytes; do
		is "$(field restored "$_name")" "$(param "$_name")" "kernel $stage: $_name restored"
	done
	is "$(field restored failed)" 0 "kernel $stage: nothing failed"
	expect restored
	is "$(messages 'KHO: no preserved folio begins at|KHO: folio at .* on two nodes|KHO: [0-9]* pages at .* were not preserved')" \
		"$(field restored refused)" "kernel $stage: one warning for each thing refused"
	is "$(messages 'test_kho: FAILED')" 0 "kernel $stage: no message of a failure"
}

# handover KERNEL: on to the next one, which has NUMA nodes as numa_STAGE= says
handover() {
	numa=$(param "numa_$((stage + 1))")
	next_kernel "$1" "total=$total" "items=$(field preserved items)" "bytes=$(field preserved bytes)" \
		"crossing=$(so_far crossing)" "edges=$(so_far edges)" \
		"low=$(so_far low)" "split=$(so_far split)"
}

before=$(total_memory)
case $stage in
1)	is "$(messages 'test_kho: nothing came in')" 0 "the module is not loaded yet"
	insert
	is "$(messages 'test_kho: nothing came in')" 1 "nothing came in"
	remove 1
	insert
	expect preserved
	total=$before
	handover B ;;
2)	total=$(param total)
	verified A
	handover A ;;
3)	total=$(param total)
	verified B
	expect_some
	remove 1
	[ -n "$(param numa_2)" ] || about "$(total_memory)" "$total" 64 "all memory is managed again"
	ok "what was restored is gone" sh -c "! insmod $module"
	handover B ;;
4)	[ -n "$(param numa_2)" ] || about "$before" "$(param total)" 64 "nothing stays preserved"
	insert
	is "$(messages 'test_kho: nothing came in')" 1 "nothing came in"
	remove 1
	pass ;;
esac
