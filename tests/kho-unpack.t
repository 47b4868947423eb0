#!/bin/bash
# Kernels of each compression are unpacked when they are loaded, and what cannot be unpacked decompresses itself. So it is with
# the initramfs.
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
vm kho-unpack-initramfs --with "/bin/zstd=$(command -v zstd)" --mem 2G

# In MiB: the kernel while it boots, and the only area of scratch memory that it fits in, beside which there are 8 MiB. Areas are multiples
# of 4 MiB, and 32 MiB must remain.
image=$(($(od -An -t u4 -j $((0x260)) -N 4 "$kernel/kernel-B") / 1048576 + 1))
area=$(((image + 52) / 4 * 4))
[ "$FLAVOUR" = debug ] || vm kho-unpack-room --mem 2G --append "room=$(((area + 8 - image - 33) << 20)) kho_scratch=4M,${area}M,4M"
done_testing
