# shellcheck shell=sh
# An initramfs of archives that are compressed or not is unpacked when it is loaded, and what cannot be unpacked stays as it is.
. /tests/selftest.sh

# What the kernel said of the last initramfs, and how often it has said such a thing.
said() {
	dmesg | sed -n 's/.*KHO: the initramfs is decompressed during the update, which takes longer: //p' | tail -n 1
}

refusals() {
	messages 'KHO: the initramfs is decompressed during the update'
}

# load FILE [PARAMETER...]: kernel B with this as its initramfs
load() {
	_initramfs=$1
	shift
	kexec -s -l /boot/kernel-B --initrd="$_initramfs" \
		--command-line="$(sed "s/ stage=[0-9]*/ stage=$((stage + 1))/; s/ pages=[0-9]*//g" /proc/cmdline) $*"
}

# stays_packed REASON FILE
stays_packed() {
	_refusals=$(refusals)
	ok "$2 is loaded" load "$2"
	is "$(refusals)" "$((_refusals + 1))" "$2: the kernel says once that it is not unpacked"
	is "$(said)" "$1" "$2: the reason"
}

# next_unpacked FILE BYTES: which is what it unpacks to
next_unpacked() {
	_refusals=$(refusals)
	load "$1" "pages=$((($2 + 4095) / 4096))" || fail "kexec -s -l with $1"
	is "$(refusals)" "$_refusals" "$1: the kernel says nothing of it"
	do_kexec
}

# Pages of the initramfs with which this kernel was started.
pages() {
	_range=$(dmesg | sed -n 's/.*RAMDISK: \[mem \(0x[0-9a-f]*\)-\(0x[0-9a-f]*\)\]$/\2 + 1 - \1/p')
	echo $(((_range) / 4096))
}

size() {
	stat -c %s "$@" | awk '{ sum += $1 } END { print sum }'
}

# Archives as those of distributions: early.cpio is not compressed, and there are zeroes behind it.
make_archives() {
	cp /boot/base.cpio base.cpio
	(cd / && find boot | cpio -o -H newc) >boot.cpio
	mkdir -p early/kernel
	echo "$stage" >early/kernel/stage
	{ (cd early && find kernel | cpio -o -H newc) && head -c 1001 /dev/zero; } >early.cpio
}

largest_scratch() {
	sort -n /sys/kernel/debug/kho/out/scratch_len | tail -n 1
}

mkdir /tmp/archives
cd /tmp/archives || exit
[ "$stage" = 1 ] || is "$(pages)" "$(param pages)" "stage $stage: the initramfs came unpacked"
case $stage in
1)	make_archives
	gzip <base.cpio >base.gz
	head -c $(($(size base.gz) - 5)) base.gz >short.gz
	zstd -q -1 <base.cpio >base.zst
	head -c $(($(size base.zst) - 5)) base.zst >short.zst
	{ cat base.cpio && printf '\3757zXZ\0 and more'; } >xz
	{ cat base.gz && echo bootconfig; } >text
	head -c $(($(largest_scratch) + 4096)) /dev/zero | gzip -1 >large.gz
	for file in short.gz short.zst; do
		stays_packed "it is damaged" $file
	done
	for file in xz text; do
		stays_packed "a part of it is compressed neither by gzip nor by zstd" $file
	done
	stays_packed "there is no room for it in scratch memory" large.gz
	# To decompress this takes a window of 256 MiB.
	head -c 1000000 base.cpio | cat | zstd -q -1 --long=28 >window.zst
	stays_packed "not enough memory to unpack it" window.zst
	zstd -q -1 <boot.cpio >boot.zst
	cat early.cpio base.zst boot.zst >zstd
	next_unpacked zstd $(($(size early.cpio base.cpio boot.cpio) + 3)) ;;
2)	is "$(cat /kernel/stage)" 1 "stage 2: what is before the first compressed archive"
	make_archives
	gzip -1 <base.cpio >base.gz
	cat base.gz boot.cpio >gzip
	next_unpacked gzip "$(size base.cpio boot.cpio)" ;;
3)	make_archives
	cat base.cpio boot.cpio >plain
	next_unpacked plain "$(size plain)" ;;
4)	pass ;;
esac
