#!/bin/bash
# Bytes of what is handed over are corrupted: the next kernel comes up, and what is intact comes through.
# flavours: default debug pci
# tier: all
. "$(dirname "$0")/lib.bash"

structures='root-fdt tree-node tree-leaf metadata memblock luo session-block session file-block file-owner file flb flb-sum memfd
	hugetlb hugetlb-pool tmpfs tmpfs-inode tmpfs-name tmpfs-attr pipe vmalloc vmalloc-chunk folio'

# column STRUCTURE N: the number in a column of the table
column() {
	awk -v row="$1" -v column="$2" '$1 == row { n = $column } END { print n + 0 }' <<<"$out"
}

# Less with the debug kernel, which is slow, but each structure. A device is corrupted alone.
count=60
case $FLAVOUR in
debug)	count=22 ;;
pci)	count=40
	structures="$structures pci iommu iommu-root iommu-context iommu-table vfio-pci" ;;
esac
out=$("$root/scripts/corrupt" --count "$count" --jobs 1 2>&1)
is $? 0 "no corruption makes a kernel fail, and what is intact comes through"
say "# ${out//$'\n'/$'\n'# }"
for structure in $structures; do
	ok "$structure was corrupted" test "$(column "$structure" 2)" -gt 0
done
if [ "$FLAVOUR" = default ]; then
	replay=$("$root/tests/docs.pl" "$root/Documentation/core-api/kho/corruption.rst" | sed -n 's:.*\t\(scripts/corrupt --replay .*\):\1:p')
	ok "what the document replays: $replay" eval "cd '$root' && $replay >/dev/null"
fi
ok "there were corruptions of which one session noticed" test "$(column all 4)" -gt 0
done_testing
