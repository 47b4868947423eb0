#!/bin/bash
# The short verbs on Debian 13 and 12, each from a bare install: what setup installs, the tree, lukeep and its package, the
# series, checks, and what goes into guests. Nothing of it takes a kernel. The bare installs stay in the cache, and so does what
# the verbs fetch there. RELEASES=trixie takes one of them.
# flavours: none
# tier: all
. "$(dirname "$0")/lib.bash"

mkdir -p "$build"
box=$(mktemp -d -p "$build" releases.XXXXXX)

# in_namespaces COMMAND...: as root, with mounts and processes that go with it
in_namespaces() {
	local user=()

	[ "$(id -u)" = 0 ] || user=(--user --map-auto --map-root-user)
	unshare "${user[@]}" --mount --pid --fork --kill-child "$@"
}
trap 'in_namespaces rm -rf "$box"' EXIT

# bare RELEASE: puts its bare install into the box, and a copy of the repository as it is here; makes it first if there is none
bare() {
	local tar=$cache/releases/$1.tar

	mkdir -p "$cache/releases/$1"
	if [ ! -e "$tar" ]; then
		say "# making a bare install of $1"
		mmdebstrap --quiet --variant=apt --dpkgopt=force-unsafe-io "$1" "$tar.new" "deb http://deb.debian.org/debian $1 main" \
			"deb http://deb.debian.org/debian-security $1-security main" && mv "$tar.new" "$tar" || return
	fi
	mkdir -p "$box/$1"
	in_namespaces tar --extract --directory="$box/$1" --file="$tar" || return
	(cd "$root" && git ls-files -z --cached --others --exclude-standard |
		while IFS= read -r -d '' file; do [ ! -e "$file" ] || printf '%s\0' "$file"; done |
		cpio --null --create --format=newc --quiet) |
		in_namespaces sh -c "mkdir '$box/$1/repo' '$box/$1/cache' && cp --dereference /etc/resolv.conf '$box/$1/etc/' && cd '$box/$1/repo' && cpio --extract --make-directories --quiet"
}

# there RELEASE COMMAND: runs it there, in the copy
there() {
	# shellcheck disable=SC2016 # for the shells below
	in_namespaces sh -c '
		mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" && mount --bind "$2" "$1/cache" || exit
		exec chroot "$1" env --ignore-environment HOME=/root XDG_CACHE_HOME=/cache PATH=/usr/sbin:/usr/bin:/sbin:/bin \
			LC_ALL=C.UTF-8 bash -ec "cd /repo; $3"' sh "$box/$1" "$cache/releases/$1" "$2" >"$box/said" 2>&1
}

# works DESCRIPTION COMMAND: on $release
works() {
	if there "$release" "$2"; then
		result ok "$release: $1"
	else
		result "not ok" "$release: $1"
		tail -n 20 "$box/said" | sed 's/^/# /'
	fi
}

all='build vm hosts demo bench series docs deb deb-check check'
verbs() {
	local units=/usr/lib/systemd/system

	[ "$release" != bookworm ] || units=/lib/systemd/system
	ok "$release: a bare install" bare "$release" || return
	# To know which files there are, and when the last change was.
	works "setup finds all packages" "scripts/setup --simulate $all"
	works "and those for arm64" "ARCH=arm64 scripts/setup --simulate $all"

	works "make, the first package" "apt-get install --yes --no-install-recommends make git &&
		git init --quiet . && git add . && git -c user.name=test -c user.email=test@localhost commit --quiet -m test"
	works "make tree" "make tree"
	works "make series" "make series"
	works "it applies to this release's sources, old, new and plain" "scripts/series/series check"

	works "lukeep is built without a warning" "scripts/setup demo; make -C tools/liveupdate OUTPUT=/tmp/lukeep/ CFLAGS='-O2 -g -Wextra -Werror'"
	works "and installed" "make -C tools/liveupdate OUTPUT=/tmp/lukeep/ install DESTDIR=/tmp/root;
		test -e /tmp/root/usr/sbin/lukeep; test -e /tmp/root$units/lukeep.service"
	works "and uninstalled" "make -C tools/liveupdate OUTPUT=/tmp/lukeep/ uninstall DESTDIR=/tmp/root; test -z \"\$(find /tmp/root ! -type d)\""

	works "setup brings all that packages are built with" "scripts/setup deb; dpkg-checkbuilddeps scripts/packages/debian/control"
	works "lukeep's package is built" "scripts/packages/deb --tools"
	works "for this release" "dpkg-parsechangelog --file build/deb-tools/liveupdate-tools/debian/changelog --show-field Distribution | grep -x $release"
	works "hardened" "dpkg-deb --extract out/deb/liveupdate-tools_*.deb /tmp/deb;
		for file in /tmp/deb/usr/sbin/lukeep*; do
			readelf --dynamic --wide \$file | grep BIND_NOW; readelf --dyn-syms --wide \$file | grep _chk@
		done"
	works "it installs, and asks nothing" "DEBIAN_FRONTEND=readline apt-get install --yes ./out/deb/liveupdate-tools_*.deb </dev/null;
		! grep -q ^kexec-tools/ /var/cache/debconf/config.dat"
	works "its units are where this release has them" "dpkg --listfiles liveupdate-tools | grep -x $units/lukeep.service"
	works "and lukeep is enabled" "test -e /etc/systemd/system/multi-user.target.wants/lukeep.service"

	works "the checks that are short" "scripts/check/check membership program_layers one_job kernel_doc shell"

	works "what goes into guests is there" "tools=\$(scripts/vm/guest-tools qemu); for file in \$tools; do test -e \"\${file#*=}\"; done"
	works "and their QEMU" "test -x \"\$(scripts/vm/qemu-nested)/qemu-system-x86_64\""
	works "and an initramfs of it" "mkdir -p build/x86_64-default/modules; touch build/x86_64-default/kernel-{A,B};
		tools=\$(scripts/vm/guest-tools qemu); archive=\$(scripts/vm/initramfs test \$tools); cpio --list --quiet <\$archive >/tmp/list
		grep -x bin/busybox /tmp/list; grep -x sbin/kexec /tmp/list; grep 'libc\.so' /tmp/list"
	works "for arm64, too" "export ARCH=arm64; scripts/setup build; mkdir -p build/arm64-default/modules; touch build/arm64-default/kernel-{A,B};
		tools=\$(scripts/vm/guest-tools); archive=\$(scripts/vm/initramfs test \$tools); cpio --list --quiet <\$archive >/tmp/list
		grep -x bin/busybox /tmp/list; grep -x sbin/kexec /tmp/list; grep 'libc\.so' /tmp/list"
}

# What is there now is good for a host that is no Debian: all is installed, but no apt says so.
without_apt() {
	works "without apt: a tree of what SOURCE names" "rm /usr/bin/{apt,dpkg}*; rm -r build/linux build/.tree;
		make tree SOURCE=\"\$(ls /cache/liveupdate/linux-plain_*.tar.xz)\"; grep -x 'VERSION = 6' build/linux/Makefile"
	works "and the series from it" "make series && scripts/series/series check"
	works "setup names what is missing, and goes on" "rm /usr/bin/quilt; scripts/setup build 2>&1 | grep 'install what they hold: quilt\$'"
}

"$root/scripts/setup" deb-check vm >&2 || exit
for release in ${RELEASES:-trixie bookworm}; do
	verbs
	[ "$release" != bookworm ] || without_apt
	in_namespaces rm -rf "${box:?}/$release"
done
done_testing
