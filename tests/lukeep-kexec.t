#!/bin/bash
# How lukeep gets to the next kernel, on this host and without a kernel: it loads it, or says why not and what to do.
# flavours: none
. "$(dirname "$0")/lib.bash"

"$root/scripts/setup" demo >&2
box=$(mktemp -d)
trap 'rm -rf "$box"' EXIT
sources=$root/tools/liveupdate
read -ra libraries < <(pkg-config --cflags --libs libsystemd jansson zlib)
gcc -O1 -g -Wall -Wextra -D_GNU_SOURCE -fsanitize=address,undefined -fno-sanitize-recover=all -I"$sources" \
	-Wl,--wrap=open,--wrap=syscall -o "$box/driver" "$root/tests/programs/lukeep-kexec.c" \
	"$sources"/{child,clock,kexec,kexec_advice,kexec_cmdline,kexec_image,kmsg,message}.c "${libraries[@]}" ||
	{ result "not ok" "the driver builds"; done_testing; exit 1; }
cd "$box" || exit
export LOADED=$box/loaded

# says DESCRIPTION EXPECTED COMMAND...: the driver says what matches the pattern
says() {
	local said

	said=$("${@:3}" 2>&1)
	# shellcheck disable=SC2053 # a pattern
	if [[ $said == $2 ]]; then result ok "$1"; else result "not ok" "$1"; say "# said '${said//$'\n'/$'\n# '}'"; fi
}

loads() {
	says "$1" "$2" ./driver load "${@:3}"
}

echo "a kernel" >kernel
echo "an initramfs" >initrd
loads "kernel and initramfs are loaded" $'loads: kernel 9 bytes "a kernel\n" initrd 13 bytes "an initramfs\n" cmdline 7 "kho=on" flags 0\nis loaded' \
	kernel initrd kho=on
loads "a kernel alone is" $'loads: kernel 9 bytes "a kernel\n" cmdline 1 "" flags 4\nis loaded' kernel "" ""

# Images that a boot loader unpacks.
gzip <kernel >kernel.gz
loads "what gzip compressed is unpacked" $'loads: kernel 9 bytes "a kernel\n"*is loaded' kernel.gz "" ""
# zboot COMPRESSION PAYLOAD: an EFI program that would unpack the payload
zboot() {
	perl -e '$data = do { local (@ARGV, $/) = $ARGV[1]; <> };
		print pack("a4 a4 V V x8 a32", "MZ", "zimg", 512, length $data, $ARGV[0]) . "\0" x 456 . $data . "behind it"' "$@"
}
zboot gzip kernel.gz >kernel.efi
loads "so is what an EFI program would unpack" $'loads: kernel 9 bytes "a kernel\n"*is loaded' kernel.efi "" ""
zboot zstd kernel.gz >kernel.efi
loads "but not with another compression" 'lukeep: cannot unpack the kernel kernel.efi: *: lukeep can unpack gzip only*is not loaded' kernel.efi "" ""
zboot gzip kernel.gz | head -c 520 >kernel.efi
loads "nor with a part of it missing" '*kernel.efi: *: what is compressed in it is damaged*is not loaded' kernel.efi "" ""
zboot gzip kernel.gz | head -c 40 >kernel.efi
loads "a file that hardly begins is the kernel's to judge" 'loads: kernel 40 bytes*' kernel.efi "" ""
head -c 20 kernel.gz >short.gz
loads "a file that ends early is refused" '*short.gz: *: what is compressed in it is damaged*is not loaded' short.gz "" ""
perl -pe 's/^(.{12})./$1\xff/s' kernel.gz >bad.gz
loads "a damaged one as well" '*bad.gz: *: what is compressed in it is damaged*is not loaded' bad.gz "" ""

# Files that cannot be read.
mkdir folder
mkfifo fifo
ln -s link link
: >empty
loads "a kernel that is not there" '*kernel no: No such file*: is its package installed?*is not loaded' no "" ""
loads "an initramfs that is not there" '*initramfs no: No such file*: is its package installed?*is not loaded' kernel no ""
loads "a folder" '*folder: Is a directory: give a file in it*is not loaded' folder "" ""
loads "a pipe, without waiting for it" '*fifo: *: it is no regular file*is not loaded' fifo "" ""
loads "an empty file" '*empty: *: the file is empty*is not loaded' empty "" ""
loads "a link to itself" '*link: *: it is a link to itself*is not loaded' link "" ""
loads "a folder as initramfs" '*initramfs folder: Is a directory*is not loaded' kernel folder ""

# What the kernel says no to.
while read -r error advice; do
	FAIL=$error loads "$error: $advice" "*cannot load the kernel kernel with initrd: *: *$advice*is not loaded" kernel initrd ""
done <<'END'
ENOEXEC it is no image of a kernel for this machine
EINVAL it is no image of a kernel for this machine
EPERM run lukeep as root; root is refused while the sysctl kernel.kexec_load_disabled is 1
EKEYREJECTED this kernel wants a signature that it trusts
ENOKEY this kernel wants a signature that it trusts
ELIBBAD this kernel wants a signature that it trusts
ENODATA this kernel wants a signature that it trusts
EADDRNOTAVAIL boot cold with a larger kho_scratch=: KHO's message above has the size
ENOMEM free some memory
E2BIG the command line is too long
EBUSY another kernel is just being loaded
ETXTBSY are just being written
EHWPOISON try again
ENOTTY dmesg may say more
END

# A child that does not end.
echo 0 >loaded
hangs=$'is not loaded\nlukeep: process * is still loading the kernel of an update that failed*\nno other can be loaded now\n'
HANG=1 says "a kernel that does not get loaded is given up, and does not stand in the way for ever" \
	"loads: *lukeep: the kernel kernel is not loaded in time: *${hangs}loads: *is loaded" ./driver over-limit kernel
echo 0 >loaded
HANG=late says "one that is loaded after the time is unloaded" \
	"loads: *lukeep: the kernel kernel is not loaded in time: *${hangs}unloads*loads: *is loaded" ./driver over-limit kernel
says "one that nobody waits for any more is unloaded" $'loads: *\nunloads' ./driver cancel kernel

# Somebody else has loaded a kernel before.
echo 1 >loaded
HANG=1 says "it is not unloaded when it may be there still" "*lukeep: a kernel was loaded before, and it is not known whether it still is*" \
	./driver over-limit kernel
echo 1 >loaded
FAIL=EINVAL says "nor when the next one is refused" $'loads: *' ./driver cancel kernel
is "$(cat loaded)" 1 "it is there"
says "one that has taken its place is" $'loads: *\nunloads' ./driver cancel kernel

# Command lines.
export CMDLINE=$box/cmdline
left=lukeep.left=$(uname -r)

# current WORDS: this kernel's
current() {
	echo "$1" >cmdline
}

# next DESCRIPTION EXPECTED reuse|fresh [APPEND]: the next kernel's
next() {
	says "$1" "$2" ./driver cmdline "${@:3}"
}

# lacks WORDS DESCRIPTION reuse|fresh [APPEND]
lacks() {
	next "$2" "lukeep: the next kernel would *, its command line lacks \"$1\"*: give the words by --append*" "${@:3}"
}

current 'BOOT_IMAGE=/boot/vmlinuz-6.12 root=/dev/sda1 ro kho=on initrd=\EFI\initrd liveupdate=on lukeep.left=6.12.1'
next "this kernel's is used again, without what its boot was told" "root=/dev/sda1 ro kho=on liveupdate=on $left" reuse
next "words are added" "root=/dev/sda1 ro kho=on liveupdate=on panic=30 $left" reuse panic=30
next "or there are only these" "root=/dev/sdb kho=on liveupdate=on $left" fresh 'root=/dev/sdb kho=on liveupdate=on'
current '"dyndbg=file  a.c +p" BOOT_IMAGE=x a="b  BOOT_IMAGE=y" kho=on liveupdate=on'
next "what is in quotes stays" "\"dyndbg=file  a.c +p\" a=\"b  BOOT_IMAGE=y\" kho=on liveupdate=on $left" reuse

current 'root=/dev/sda1 kho=on liveupdate=on'
lacks "kho=on liveupdate=on" "without words" fresh
lacks "kho=on liveupdate=on" "with root= alone" fresh root=/dev/sda1
lacks kho=on "without kho=" fresh 'root=/dev/sda1 liveupdate=on'
lacks liveupdate=on "without liveupdate=" fresh 'root=/dev/sda1 kho=on'
lacks root= "without root=" fresh 'kho=on liveupdate=on'
lacks kho=on "it is turned off after it was turned on" reuse kho=off
lacks liveupdate=on "live update as well" reuse liveupdate=0
lacks liveupdate=on "a switch needs its value" fresh 'root=/dev/sda1 kho=on liveupdate'
lacks "kho=on liveupdate=on" "words for init do not count" fresh 'root=/dev/sda1 -- kho=on liveupdate=on'
lacks "kho=on liveupdate=on" "nor those with longer names" fresh 'root=/dev/sda1 kho_scratch=on kho.on liveupdates=on'
lacks "kho=on liveupdate=on" "nor what is in the quotes of others" fresh 'root=/dev/sda1 a="b kho=on liveupdate=on"'
lacks root= "nor rootflags=" fresh 'kho=on liveupdate=on rootflags=x'
for words in 'kho=1 liveupdate=Y' 'kho liveupdate=true' 'kho="on" "liveupdate=on"' 'kho=off kho=on liveupdate=on liveupdate=what'; do
	next "$words: as the kernel reads it" "root=x $words $left" fresh "root=x $words"
done
current 'liveupdate=on test=boot'
next "kho=on and root= are not missing where this kernel does without" "liveupdate=on $left" fresh liveupdate=on
lacks kho=on "but kho=off is wrong" fresh 'kho=off liveupdate=on'

current 'kho=on liveupdate=on'
long=$(head -c 3000 /dev/zero | tr '\0' x)
rest=" kho=on liveupdate=on $left"
longest=$([ "$(uname -m)" = x86_64 ] && echo 2016 || echo 2047)
next "the longest one" "xx*$left" fresh "${long:0:longest - ${#rest}} kho=on liveupdate=on"
next "a longer one" "lukeep: the next kernel's command line has $((longest + 1)) bytes, and no more than $longest can be loaded: *" \
	fresh "${long:0:longest - ${#rest} + 1} kho=on liveupdate=on"
CMDLINE=/nonexistent next "without /proc there is none" 'lukeep: cannot read /proc/cmdline: *: mount /proc' reuse

current 'root=/dev/sda1 lukeep.left=6.12.1-A a'
says "it tells which kernel was left" 6.12.1-A ./driver left
current 'root=/dev/sda1 lukeep.left=6.12.1-A lukeep.left=6.12.1-B'
says "the last word counts" 6.12.1-B ./driver left
current 'root=/dev/sda1 xlukeep.left=6.12.1-A'
says "or that none was" none ./driver left
done_testing
