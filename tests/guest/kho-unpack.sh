# shellcheck shell=sh
# Images of tests/images.pl, which stand still when their kernel was not unpacked. B is one that can decompress itself.
. /tests/selftest.sh

reasons='damaged:its payload is damaged
short:its payload is damaged
outside:its payload is not in the file
bzip2:it is compressed neither by gzip nor by xz, zstd or LZ4
large:its payload is not of the size that its header says
empty:its payload is not of the size that its header says
elf:its ELF file is malformed
relocs:its table of relocations is malformed
fixed:it runs at one address only, or its header is malformed
align:there is no room for it in its range of addresses'

# What the kernel said of the last image, and how often it has said such a thing.
said() {
	dmesg | sed -n 's/.*KHO: the next kernel decompresses itself during the update, which takes longer: //p' | tail -n 1
}

refusals() {
	messages 'KHO: the next kernel decompresses itself'
}

# stays_packed REASON IMAGE [PARAMETER...]: it is loaded all the same
stays_packed() {
	_reason=$1
	shift
	_refusals=$(refusals)
	ok "$* is loaded" load_kernel "$@"
	is "$(refusals)" "$((_refusals + 1))" "$*: the kernel says once that it is not unpacked"
	is "$(said)" "$_reason" "$*: the reason"
}

# Where the kernel is, virtual and physical.
text() {
	awk '$3 == "_text" { print $1 }' /proc/kallsyms
}

code() {
	sed -n 's/^ *\([0-9a-f]*\)-.* : Kernel code$/\1/p' /proc/iomem
}

# KASLR_FLAG in loadflags
kaslr_flag() {
	_flags=$(dd if=/sys/kernel/boot_params/data bs=1 skip=$((0x211)) count=1 2>/dev/null | od -An -tu1)
	echo $((_flags >> 1 & 1))
}

in_scratch() {
	scratch_areas | tr , '\n' | while IFS=: read -r _start _size; do
		[ -z "$_start" ] || [ $((0x$(code))) -lt $((_start)) ] || [ $((0x$(code))) -ge $((_start + _size)) ] || echo yes
	done
}

# next_unpacked IMAGE [PARAMETER...]
next_unpacked() {
	_refusals=$(refusals)
	load_kernel "$@" || fail "kexec -s -l of kernel $1"
	is "$(refusals)" "$_refusals" "$* is unpacked"
	do_kexec
}

# load_until CALLS: loads a kernel; after so many calls of the page allocator some fail
load_until() {
	(
		cd /sys/kernel/debug/fail_page_alloc || exit
		echo 0 >verbose
		echo 0 >ignore-gfp-wait
		echo 0 >ignore-gfp-highmem
		echo 0 >min-order
		echo 1 >task-filter
		echo 100 >probability
		echo 8 >./times
		echo "$1" >space
		echo 1 >/proc/self/make-it-fail
		exec kexec -s -l /boot/kernel-gzip --command-line=quiet
	)
	echo 0 >/sys/kernel/debug/fail_page_alloc/probability
}

# Memory fails while the kernel is unpacked, which is near the end of the calls.
memory_fails() {
	[ -d /sys/kernel/debug/fail_page_alloc ] || return 0
	load_until 1000000
	_calls=$((1000000 - $(cat /sys/kernel/debug/fail_page_alloc/space)))
	note "loading a kernel takes $_calls calls of the page allocator"
	for _try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
		_calls=$((_calls - 25))
		load_until "$_calls"
		[ "$(said)" != "not enough memory to unpack it" ] || break
	done
	is "$(said)" "not enough memory to unpack it" "memory fails while a kernel is unpacked"
}

[ "$stage" = 1 ] || halves luo_update verify chain
case $stage in
1)	while IFS=: read -r image reason; do
		stays_packed "$reason" "$image"
	done <<-END
		$reasons
	END
	stays_packed "mem=, memmap= or mem_encrypt= is on its command line" gzip memmap=1M\$3G
	stays_packed "movable_node is on its command line" gzip movable_node
	ok "an image that allows for it is loaded with a long command line" load_kernel cmdline "long=$(head -c 2048 /dev/zero | tr '\0' x)"
	is "$(said)" "its command line is longer than that of this kernel can be" "it stays packed, and the reason"
	# QEMU emulates a processor that can have five levels, of which the kernel here makes no use.
	! grep -q '^model name.*QEMU TCG' /proc/cpuinfo || kernel_has X86_5LEVEL ||
		stays_packed "it has page tables of another number of levels" levels
	memory_fails
	halves luo_update prepare chain
	next_unpacked xz ;;
2|3|4)	case $stage in
	2)	image=zstd ;;
	3)	image=lz4 ;;
	4)	image=gzip ;;
	esac
	is "$(kaslr_flag)" 1 "stage $stage: the kernel knows that it is at random addresses"
	is "$(in_scratch)" yes "stage $stage: the kernel is in scratch memory"
	next_unpacked "$image" "text=$(param text),$(text)" "code=$(param code),$(code)" ;;
5)	ok "virtual addresses differ" test "$(param text | tr , '\n' | sort -u | wc -l)" -gt 2
	ok "physical addresses differ" test "$(param code | tr , '\n' | sort -u | wc -l)" -gt 2
	next_unpacked gzip nokaslr ;;
6)	is "$(kaslr_flag)" 0 "the kernel knows that it is not at random addresses"
	is "$(text)" ffffffff81000000 "its virtual address"
	is "$(in_scratch)" yes "stage $stage: the kernel is in scratch memory"
	stays_packed "movable_node is on its command line" B movable_node
	do_kexec ;;
7)	pass ;;
esac
