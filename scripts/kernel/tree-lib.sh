# shellcheck shell=bash
# What `make tree` and `make refresh` share; sourced, never run.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

# build/.tree: base (names in the tarball), tarball (its path), unpacked (a time stamp), links (that we made),
# hunks/ (the series as applied, without messages), left/ (each patched file as we left it).
# shellcheck disable=SC2034 # used by those who source this
state=$build/.tree

# quilt_in PATCHES COMMAND...
quilt_in() {
	QUILT_PATCHES=$1 QUILT_PC=.pc QUILT_DIFF_OPTS=-p quilt --quiltrc - "${@:2}"
}

# The files that a patch touches.
touched() {
	sed -n 's:^--- a/\([^\t]*\).*:\1:p' "$1"
}

# The series into a folder, hunks only: what makes a difference to the tree.
split_series() {
	local patch

	rm -rf "$1"
	mkdir -p "$1"
	series >"$1/series"
	while read -r patch; do
		[ -e "$root/patches/$patch" ] || die "patches/series names $patch, which does not exist"
		sed -n '/^--- a\//,$p' "$root/patches/$patch" >"$1/$patch"
	done <"$1/series"
}

# A file of the tarball, whose top folder may have any name.
from_tarball() {
	tar --extract --to-stdout --occurrence=1 --wildcards --no-wildcards-match-slash --file="$(cat "$state/tarball")" "*/$1"
}

# A file as the base has it.
before() {
	local patch

	while read -r patch; do
		if [ -e "$tree/.pc/$patch/$1" ]; then
			cat "$tree/.pc/$patch/$1"
			return
		fi
	done < <(cat "$tree/.pc/applied-patches" 2>/dev/null)
	if [ "$tree/$1" -nt "$state/unpacked" ]; then
		from_tarball "$1"
	else
		cat "$tree/$1"
	fi
}

# A file as `make tree` left it.
left() {
	if [ -e "$state/left/$1" ]; then
		cat "$state/left/$1"
	else
		before "$1"
	fi
}

# put FROM FILE: a new content for a file of the tree
put() {
	cat "$1" >"$tree/$2"
}

# The files of the base that differ from what `make tree` left, one a line.
edited() {
	local file

	(cd "$tree" && find . -path ./.pc -prune -o -type f -newer "$state/unpacked" -printf '%P\n') |
		sort | comm -12 - "$state/base" |
		while read -r file; do
			if [ -e "$state/left/$file" ]; then
				cmp -s "$state/left/$file" "$tree/$file" || echo "$file"
			else
				left "$file" | cmp -s - "$tree/$file" || echo "$file"
			fi
		done
}

# New files in the tree that are not links to ours.
strays() {
	(cd "$tree" && find . -path ./.pc -prune -o -type f -newer "$state/unpacked" \
		! -name '*.orig' ! -name '*.rej' ! -name '*~' ! -name '.*.sw?' ! -name '*.pyc' -printf '%P\n') |
		sort | comm -23 - "$state/base"
}
