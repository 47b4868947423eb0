#!/bin/bash
# make tree and make refresh, on a small base: what is applied, what is written, and that no edit is lost.
# flavours: none
. "$(dirname "$0")/lib.bash"

box=$(mktemp -d)
trap 'rm -rf "$box"' EXIT

base() {
	mkdir -p "$box/linux-source-6.12"/{mm,kernel} "$box/repo/patches" "$box/repo/kernel/new"
	seq 100 >"$box/linux-source-6.12/mm/a.c"
	seq 200 >"$box/linux-source-6.12/mm/b.c"
	seq 300 >"$box/linux-source-6.12/kernel/c.c"
	find "$box/linux-source-6.12" -exec touch -d '2020-01-01' {} +
	tar -C "$box" -cJf "$box/linux-source-6.12_test.tar.xz" linux-source-6.12
	cp -r "$root/scripts" "$box/repo/scripts"
	cp "$root/scripts/kernel/fetch" "$box/fetch"
	printf '#!/bin/sh\necho %s\n' "$box/linux-source-6.12_test.tar.xz" >"$box/repo/scripts/kernel/fetch"
	cd "$box/repo" || exit
	echo new >kernel/new/n.c
	printf 'kernel: new\n\nText.\n\nAdds: kernel/new/n.c\n' >patches/0001-new.patch
	edit_patch 0002-a.patch mm/a.c 50s/.*/fifty/
	edit_patch 0003-b.patch mm/b.c 50s/.*/fifty/
	printf '%s\n' 0001-new.patch 0002-a.patch 0003-b.patch >patches/series
}

# edit_patch PATCH FILE SED-SCRIPT
edit_patch() {
	mkdir -p "$box/a" "$box/b"
	cp "$box/linux-source-6.12/$2" "$box/a/f"
	sed "$3" "$box/a/f" >"$box/b/f"
	{
		printf 'mm: %s\n\nText.\n\nAdds:\n\n' "$1"
		diff -u --label "a/$2" --label "b/$2" "$box/a/f" "$box/b/f"
	} >"$box/repo/patches/$1"
}

# named_source VERSION: a tarball of the same, as kernel.org packs it, and how it is named
named_source() {
	cp -r "$box/linux-source-6.12" "$box/linux-$1"
	sed 's/^/VERSION = /; s/\./\nPATCHLEVEL = /; s/\./\nSUBLEVEL = /' <<<"$1" >"$box/linux-$1/Makefile"
	tar -C "$box" -czf "$box/linux-$1.tar.gz" "linux-$1"
	rm -r "$box/linux-$1"
	echo "SOURCE=../linux-$1.tar.gz"
}

line() {
	sed -n "$2p" "build/linux/$1"
}

quiet() {
	"$@" >"$box/out" 2>&1
}

mtimes() {
	find build/linux -path '*/.pc' -prune -o -type f -printf '%T@ %p\n' | sort
}

base
ok "the tree is made" quiet scripts/kernel/tree
is "$(line mm/a.c 50) $(line mm/b.c 50)" "fifty fifty" "the patches are applied"
is "$(readlink build/linux/kernel/new/n.c)" ../../../../kernel/new/n.c "a new file is a relative link"

before=$(mtimes)
ok "again, with nothing new" quiet scripts/kernel/tree
is "$(cat "$box/out")" "" "that is quiet"
is "$(mtimes)" "$before" "and writes nothing"

edit_patch 0002-a.patch mm/a.c 50s/.*/FIFTY/
before=$(mtimes | grep -v mm/a.c)
ok "a patch changed" quiet scripts/kernel/tree
is "$(line mm/a.c 50)" FIFTY "the change is applied"
is "$(mtimes | grep -v mm/a.c)" "$before" "no other file is written"

edit_patch 0003-b.patch mm/b.c 150s/.*/fifty/
sed -i 's/^fifty/zzz/' patches/0003-b.patch
sed -i 's/^-150/-151/' patches/0003-b.patch
ok "a patch that does not apply is refused" eval '! quiet scripts/kernel/tree'
is "$(line mm/b.c 50)" fifty "and the tree is as it was"
edit_patch 0003-b.patch mm/b.c 50s/.*/fifty/
ok "repaired" quiet scripts/kernel/tree

cp -r patches "$box/patches"
ok "refresh without edits" quiet scripts/kernel/refresh
is "$(diff -r patches "$box/patches")" "" "changes no patch"
sed -i 60s/.*/sixty/ build/linux/mm/b.c
ok "refresh with an edit" quiet scripts/kernel/refresh
is "$(diff -rq patches "$box/patches" | grep -c .)" 1 "changes one patch"
ok "the one that touches the file" grep -qx +sixty patches/0003-b.patch
is "$(sed '/^--- a/,$d' patches/0003-b.patch)" "$(sed '/^--- a/,$d' "$box/patches/0003-b.patch")" "its message stays"

sed -i 60s/.*/sixty/ build/linux/kernel/c.c
ok "an edit to a file of no patch is refused" eval '! quiet scripts/kernel/refresh'
ok "with the file's name" grep -q kernel/c.c "$box/out"
ok "until it is claimed" quiet env PATCH=0001-new.patch FILE=kernel/c.c scripts/kernel/refresh
ok "for a patch that had no hunks" grep -qx +sixty patches/0001-new.patch
ok "whose message and trailer stay" grep -qx 'Adds: kernel/new/n.c' patches/0001-new.patch

sed -i 70s/.*/seventy/ build/linux/mm/a.c
edit_patch 0002-a.patch mm/a.c 50s/.*/5O/
ok "an edit and a changed patch for one file are a conflict" eval '! quiet scripts/kernel/tree'
is "$(line mm/a.c 50) $(line mm/a.c 70)" "FIFTY seventy" "which loses nothing"
ok "the edit can be dropped" quiet env DISCARD=1 scripts/kernel/tree
is "$(line mm/a.c 50) $(line mm/a.c 70)" "5O 70" "and is"

sed -i 80s/.*/eighty/ build/linux/mm/a.c
edit_patch 0003-b.patch mm/b.c 50s/.*/5O/
ok "an edit and a changed patch for another file are none" quiet scripts/kernel/tree
is "$(line mm/a.c 80) $(line mm/b.c 50)" "eighty 5O" "both are there"

: >patches/series
DISCARD=1 quiet scripts/kernel/tree
is "$(diff -r --exclude=.pc build/linux "$box/linux-source-6.12")" "" "an empty series gives the base"

printf '%s\n' 0001-new.patch 0002-a.patch 0003-b.patch >patches/series
cp "$box/fetch" scripts/kernel/fetch
rm -r build
ok "what is no tarball is refused" eval '! quiet env SOURCE=/nowhere scripts/kernel/tree'
ok "with its name" grep -q 'SOURCE=/nowhere' "$box/out"
ok "a tarball of another Linux is refused" eval "! quiet env $(named_source 6.13.1) scripts/kernel/tree"
ok "with its version" grep -q 'but 6.13' "$box/out"
ok "and there is no tree" [ ! -e build/linux ]
source=$(named_source 6.12.5)
ok "a tree is made of a tarball of Linux 6.12" quiet env "$source" scripts/kernel/tree
is "$(line mm/a.c 50) $(line Makefile 3)" "5O SUBLEVEL = 5" "with the patches"
sed -i 60s/.*/sixty/ build/linux/mm/a.c
ok "which stays the base without SOURCE" quiet env -u SOURCE scripts/kernel/refresh
ok "and edits are taken back" grep -qx +sixty patches/0002-a.patch
sed -i '3s/5/7/' build/linux/Makefile
ok "in a file of no patch, too" quiet env PATCH=0003-b.patch FILE=Makefile scripts/kernel/refresh
ok "which it compares with the tarball's" grep -qx -- '-SUBLEVEL = 5' patches/0003-b.patch
ok "another tarball is refused then" eval "! quiet env $(named_source 6.12.6) scripts/kernel/tree"
ok "with what to do" grep -q 'make clean' "$box/out"
is "$(line Makefile 3)" "SUBLEVEL = 7" "and the tree is as it was"
done_testing
