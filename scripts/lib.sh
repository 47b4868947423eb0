# shellcheck shell=bash
# shellcheck disable=SC2034 # all of it is for those who source this
# What the scripts share; sourced, never run.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
build=$root/build
tree=$build/linux
cache=${XDG_CACHE_HOME:-$HOME/.cache}/liveupdate

# What is built and run. One of the two has a cross compiler and an emulator.
export ARCH=${ARCH:-x86_64} FLAVOUR=${FLAVOUR:-default}
kernel=$build/$ARCH-$FLAVOUR
# For the names of logs, which most often are those of the default.
suffix=-$ARCH-$FLAVOUR
suffix=${suffix#-x86_64}
suffix=${suffix%-default}
cross='' image=''
case $ARCH in
x86_64)	image=arch/x86/boot/bzImage ;;
arm64)	image=arch/arm64/boot/Image cross=aarch64-linux-gnu- ;;
*)	printf 'no such architecture: %s (there are: x86_64 arm64)\n' "$ARCH" >&2; exit 1 ;;
esac

# What a kernel's log must not have, as an extended regular expression.
complaints='\bBUG\b|WARNING: |Oops|KASAN|UBSAN|Kernel panic|general protection fault|INFO: .*(stall|blocked|hung)|possible .*(deadlock|recursi|lock)|bad page|Bad page|unreferenced object|new suspected memory leaks|refcount_t|list_(add|del) corruption|sleeping function called|------------\[ cut here'

# A make above us must not steer the makes and tests that we start.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES

say() {
	printf '%s\n' "$*"
}

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# The release of Debian that this machine runs, by its name: trixie, for example
codename() {
	local name

	name=$(sed -n 's/^VERSION_CODENAME="\?\([^"]*\)"\?$/\1/p' /etc/os-release 2>/dev/null) || :
	echo "${name:-unstable}"
}

# in_build_lock NAME COMMAND...: one at a time for each NAME
in_build_lock() {
	local name=$1

	shift
	mkdir -p "$build"
	(
		flock 9
		"$@" 9>&-
	) 9>"$build/.$name.lock"
}

# The series, one patch name a line.
series() {
	[ ! -e "$root/patches/series" ] || sed 's/[[:space:]]*\(#.*\)\?$//; /^$/d' "$root/patches/series"
}

# adds PATCH...: the files that these commits bring, one a line. A trailer may go on in indented lines.
adds() {
	local patch

	for patch; do
		awk '/^--- a\// { exit }
		     sub(/^Adds:/, "") || (more && /^[ \t]+[^ \t]/) { more = 1; for (i = 1; i <= NF; i++) print $i; next }
		     { more = 0 }' "$root/patches/$patch"
	done
}
