#!/bin/bash
# Which kernel, initramfs and command line "lukeep update" takes from the boot loader's entries: GRUB's, as Debian writes them,
# and systemd-boot's.
# flavours: none
# shellcheck disable=SC2016,SC1003 # GRUB's variables, and its backslashes
. "$(dirname "$0")/lib.bash"

"$root/scripts/setup" demo >&2
box=$(mktemp -d)
trap 'rm -rf "$box"' EXIT
sources=$root/tools/liveupdate
examples=$root/tests/bootentries
read -ra libraries < <(pkg-config --cflags --libs libsystemd jansson)
gcc -O1 -g -Wall -Wextra -D_GNU_SOURCE -fsanitize=address,undefined -fno-sanitize-recover=all -I"$sources" \
	-o "$box/driver" "$root/tests/programs/lukeep-bootentry.c" "$sources"/{alloc,bootentry*,grub*,message,packet,rights}.c \
	"${libraries[@]}" || { result "not ok" "the driver builds"; done_testing; exit 1; }
cd "$box" || exit

# A bootctl that tells what is in the files entries and list.
mkdir bin
cat >bin/bootctl <<-'END'
	#!/bin/sh
	case $* in
	"list --json=short") cat entries ;;
	list)	cat list ;;
	esac 2>/dev/null
END
chmod +x bin/bootctl
PATH=$box/bin:$PATH

# says DESCRIPTION EXPECTED [KEY=VALUE...]: with the host in the folder host
says() {
	local said

	said=$(./driver host "${@:3}" 2>&1 | sed "s:$box/::g")
	# shellcheck disable=SC2053 # a pattern
	if [[ $said == $2 ]]; then result ok "$1"; else result "not ok" "$1"; say "# said '${said//$'\n'/$'\n# '}'"; fi
}

# takes DESCRIPTION KERNEL INITRD OPTIONS [KEY=VALUE...]
takes() {
	says "$1" "lukeep: the next kernel is that of *kernel=host$2"$'\n'"initrd=host$3"$'\n'"append=$4" "${@:5}"
}

# host CONFIGURATION FILE...: a host with these files, and a GRUB so configured
host() {
	local file

	rm -rf host entries list
	mkdir -p host/boot/grub
	[ "$1" = - ] || cp "$1" host/boot/grub/grub.cfg
	for file in "${@:2}"; do
		mkdir -p "$(dirname "host$file")"
		: >"host$file"
	done
}

# grub TEXT: a host with a kernel and an initramfs, and with this configuration
grub() {
	host - /boot/kernel /boot/initrd /boot/old
	printf '%s\n' "$1" >host/boot/grub/grub.cfg
}

unusable='*give --kernel and --initrd, and --reuse-cmdline or --append'

# Debian 12 on LVM
kernels=(/boot/{vmlinuz,initrd.img}-{6.12.117-liveupdate,6.1.0-40-amd64})
words='net.ifnames=0 kho=on liveupdate=on'
host "$examples/debian12-lvm.cfg" "${kernels[@]}"
takes "Debian 12 on LVM" /boot/{vmlinuz,initrd.img}-6.12.117-liveupdate "root=/dev/mapper/vg0-root ro $words quiet"
takes "words are added to the entry's" /boot/{vmlinuz,initrd.img}-6.12.117-liveupdate "root=/dev/mapper/vg0-root ro $words quiet panic=30" \
	append=panic=30
says "this kernel's command line can be used with it" $'*\nkernel=host/boot/vmlinuz-6.12.117-liveupdate\ninitrd=*' reuse=yes
says "and another initramfs" $'*\nkernel=host/boot/vmlinuz-6.12.117-liveupdate\ninitrd=other\nappend=root=*' initrd=other
says "for a kernel that is given its entry tells the rest, and not the recovery mode" \
	$'*\nkernel=host/boot/vmlinuz-6.1.0-40-amd64\ninitrd=host/boot/initrd.img-6.1.0-40-amd64\nappend=root=/dev/mapper/vg0-root ro net*' \
	kernel=host/boot/vmlinuz-6.1.0-40-amd64
ln -s vmlinuz-6.1.0-40-amd64 host/boot/vmlinuz
says "also if that is a link to it" $'*\ninitrd=host/boot/initrd.img-6.1.0-40-amd64\nappend=root=*' kernel=host/boot/vmlinuz
says "if it has no entry this is said" $'lukeep: no entry of the boot loader loads the kernel host/boot/grub/grub.cfg\nkernel=host/boot/grub/grub.cfg' \
	kernel=host/boot/grub/grub.cfg
says "a request that says all is left alone" $'kernel=a\nreuse=yes' kernel=a reuse=yes
says "so is one with words" $'kernel=a\nappend=b' kernel=a append=b
rm host/boot/initrd.img-6.12.117-liveupdate
says "files that are gone are missed" "*the boot loader's default entry \"Debian GNU/Linux\" cannot be used: its initramfs is neither in / nor in /boot: $unusable"
rm host/boot/vmlinuz-6.12.117-liveupdate
says "the kernel as well" "*its kernel is neither in / nor in /boot: $unusable"

# default TEXT: another entry than the first
default() {
	host "$examples/debian12-lvm.cfg" "${kernels[@]}"
	sed -i "s/set default=\"0\"/set default=\"$1\"/" host/boot/grub/grub.cfg
}

uuid=0b5fe2a6-9d0f-4a3f-8f0c-3f6a40f3a1b2
old=(/boot/{vmlinuz,initrd.img}-6.1.0-40-amd64)
for name in '1>2' "gnulinux-advanced-$uuid>gnulinux-6.1.0-40-amd64-advanced-$uuid" \
	'Advanced options for Debian GNU\/Linux>Debian GNU\/Linux, with Linux 6.1.0-40-amd64'; do
	default "$name"
	takes "default=$name" "${old[@]}" "root=/dev/mapper/vg0-root ro $words quiet"
done
default '1>3'
takes "the recovery mode can be the default" "${old[@]}" "root=/dev/mapper/vg0-root ro single $words"
default 1
takes "a submenu's default is its first entry" /boot/{vmlinuz,initrd.img}-6.12.117-liveupdate "root=/dev/mapper/vg0-root ro $words quiet"
default nothing
takes "the first entry is taken for one that does not exist" /boot/{vmlinuz,initrd.img}-6.12.117-liveupdate "root=/dev/mapper/vg0-root ro $words quiet"
default 2
says "an entry that only GRUB knows of is not taken" "lukeep: only the boot loader can tell which entry it would boot: $unusable"
default uefi-firmware
says "nor one that is no Linux" "*\"UEFI Firmware Settings\" cannot be used: it loads no Linux: $unusable"

# Debian 13 with a file system for /boot, and a default that is saved
host "$examples/debian13-boot.cfg" /boot/{vmlinuz,initrd.img}-6.12.{117,90}+deb13-amd64
words='console=ttyS0,115200 "dyndbg=file drivers/base/dd.c +p" kho=on liveupdate=on'
uuid=7c1b0a3e-52c4-4f8e-a5f0-90d6b7b4a001
takes "Debian 13 with its own /boot, nothing saved" /boot/{vmlinuz,initrd.img}-6.12.117+deb13-amd64 "root=UUID=$uuid ro $words"
# saved LINE...: GRUB's environment
saved() {
	{ printf '%s\n' '# GRUB Environment Block' "$@"; head -c 500 /dev/zero | tr '\0' '#'; } >host/boot/grub/grubenv
}
saved "saved_entry=gnulinux-advanced-$uuid>gnulinux-6.12.90+deb13-amd64-advanced-$uuid"
takes "an entry that is saved" /boot/{vmlinuz,initrd.img}-6.12.90+deb13-amd64 "root=UUID=$uuid ro $words"
saved 'saved_entry=0' 'next_entry=1>2'
takes "one for the next boot only is for that" /boot/{vmlinuz,initrd.img}-6.12.117+deb13-amd64 "root=UUID=$uuid ro $words"

host "$examples/debian13-cloud.cfg" /boot/{vmlinuz,initrd.img}-6.12.117+deb13-cloud-amd64
takes "Debian 13's image for clouds" /boot/{vmlinuz,initrd.img}-6.12.117+deb13-cloud-amd64 'root=PARTUUID=*liveupdate=on'
printf '%s\n' 'menuentry mine { linux /boot/mine root=x; }' 'set default=mine' >host/boot/grub/custom.cfg
: >host/boot/mine
says "the administrator's custom.cfg is read" '*"mine"*kernel=host/boot/mine*append=root=x'

# What else there may be in an entry
grub 'menuentry a --class b --id c { linux /@rootfs/boot/kernel root=UUID=1 rootflags=subvol=@rootfs; initrd /@rootfs/boot/initrd; }'
takes "a subvolume of btrfs" /boot/kernel /boot/initrd 'root=UUID=1 rootflags=subvol=@rootfs'
grub 'menuentry a { linux /BOOT/debian@/kernel root=ZFS=rpool/ROOT/debian; initrd /BOOT/debian@/initrd; }'
takes "a dataset of ZFS" /boot/kernel /boot/initrd root=ZFS=rpool/ROOT/debian
grub $'menuentry "it\\"s" {\n\tlinux /boot/kernel a=\'b c\' "d e"\\\n f=\\$g # comment\n\tinitrd /boot/initrd\n}'
says "quotes, a line that goes on, a comment" $'*"it"s"*\nappend="a=b c" "d e" f=$g'
grub $'set default=two\nmenuentry one { linux /boot/old\n}\nmenuentry two { linux /boot/kernel\n}'
says "an entry without words and initramfs" $'*"two"*\nkernel=host/boot/kernel\nappend='
grub 'menuentry a { linux /boot/kernel $words; }'
says "words that only GRUB knows" "*its words depend on what only GRUB knows: $unusable"
grub 'menuentry a { linux "/boot/kernel$suffix"; }'
says "a part of a word as well" "*its words depend on what only GRUB knows: $unusable"
grub $'menuentry a {\nif true; then linux /boot/kernel; else linux /boot/old; fi\n}'
says "a kernel that only GRUB knows" "*its words depend on what only GRUB knows: $unusable"
grub 'menuentry a { linux /boot/kernel; initrd /boot/initrd /boot/old; }'
says "more than one initramfs" "*it loads more than one initramfs: $unusable"
grub 'menuentry a { linux /boot/kernel; linux /boot/old; }'
says "more than one kernel" "*it loads more than one kernel: $unusable"
grub 'menuentry a { linux (hd0,1)/boot/kernel; }'
says "a kernel on a device of GRUB" "*its kernel is neither in / nor in /boot: $unusable"
grub $'if [ "$grub_platform" = efi ]; then\nset default=1\nfi\nmenuentry a { linux /boot/kernel; }'
says "a default that only GRUB knows" "*only the boot loader can tell which entry it would boot: $unusable"
grub $'a=x\nif [ $a = y ]; then\nset default=9\nelif [ $a = x ]; then\nset default=1\nelse\nset default=8\nfi\nmenuentry a { linux /boot/old; }\nmenuentry b { linux /boot/kernel; }'
says "conditions" '*"b"*kernel=host/boot/kernel*'
grub $'for a in b; do\nmenuentry a { linux /boot/old; }\ndone\nfunction f { menuentry c { linux /boot/old\n}\n}\nmenuentry d { linux /boot/kernel; }'
says "loops and functions are not carried out" '*"d"*kernel=host/boot/kernel*'
for text in '' '}' 'menuentry a {' 'if' 'if [ a ]' 'submenu a { menuentry b { if' "menuentry '" 'set default=$' 'a\' '{ { {' 'menuentry' 'set default=1>0'; do
	grub "$text"
	says "no entry in \"$text\"" "*: $unusable"
done
grub "$(for ((i = 0; i < 100; i++)); do echo 'submenu a {'; done)"
says "a menu that is too deep" "*: $unusable"

# systemd-boot, as bootctl of systemd 252 tells it, and of later ones
host - /efi/m/{6.1,6.12}/{linux,initrd}
for version in 6.12 6.1; do
	printf '{"id":"m-%s.conf","root":"%s/host/efi","showTitle":"Debian (%s)","options":"root=x kho=on","linux":"/m/%s/linux","initrd":["/m/%s/initrd"]}\n' \
		$version "$box" $version $version $version
done >entries
printf '        title: Debian (%s)%s\n           id: m-%s.conf\n      version: x\n\n' 6.12 " (not reported/new)" 6.12 6.1 " (default) (selected)" 6.1 >list
takes "systemd-boot of Debian 12" /efi/m/6.1/{linux,initrd} 'root=x kho=on'
says "for a kernel that is given its entry tells the rest" $'*\ninitrd=host/efi/m/6.12/initrd\nappend=root=x kho=on' kernel=host/efi/m/6.12/linux
: >list
says "no default" "*only the boot loader can tell which entry it would boot: $unusable"
printf '[{"id":"a","type":"type2","linux":"/uki.efi","isDefault":true},{"id":"b"}]' >entries
says "a unified kernel image" "*it is an EFI program, no kernel with an initramfs: $unusable"
printf '[{"id":"a","type":"type1","title":"A","root":"%s/host/efi","linux":"/m/6.1/linux","initrd":["/m/6.1/initrd"],"options":"x","isDefault":true}]' "$box" >entries
takes "systemd-boot of Debian 13" /efi/m/6.1/{linux,initrd} x
sed -i 's:"initrd".*\]:"initrd"\:["/m/6.1/initrd","/m/6.12/initrd"]:' entries
sed -i 's:,"options.*::; s:$:,"isDefault"\:true}]:' entries
says "more than one initramfs" "*it loads more than one initramfs: $unusable"
cp "$examples/debian13-cloud.cfg" host/boot/grub/grub.cfg
says "where GRUB is as well it is GRUB's default" "*its kernel is neither in / nor in /boot: $unusable"
efivars=host/sys/firmware/efi/efivars
mkdir -p $efivars
perl -e 'print "attr", map { "$_\0" } split //, "systemd-boot 257.9"' >$efivars/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f
says "unless systemd-boot booted the system" "*it loads more than one initramfs: $unusable"
perl -e 'print "attr", map { "$_\0" } split //, "GRUB 2.12"' >$efivars/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f
says "GRUB leaves its name there, too" "*its kernel is neither in / nor in /boot: $unusable"
host -
says "no boot loader" "lukeep: there is no entry of a boot loader: neither /boot/grub/grub.cfg nor /boot/grub2/grub.cfg can be read, and \"bootctl list\" shows none: $( ((UID)) && echo 'are you root? Else ')$unusable"
done_testing
