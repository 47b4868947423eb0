#!/bin/bash
# Kernels of each compression are unpacked when they are loaded, and what cannot be unpacked decompresses itself.
# flavours: default
# tier-all: debug
. "$(dirname "$0")/lib.bash"

images=$(mktemp -d)
trap 'rm -r "$images"' EXIT
"$root/tests/images.pl" "$kernel/kernel-B" "$images" || exit 1
with=(--with "/selftests=$selftests")
for image in "$images"/kernel-*; do
	with+=(--with "/boot/${image##*/}=$image")
done
vm kho-unpack "${with[@]}" --mem 2G
done_testing
