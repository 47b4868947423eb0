# shellcheck shell=sh
# The same behind an IOMMU, which never lets go of what the card can reach.
export IOMMU=1
[ "$stage" != 1 ] || echo 1 >/proc/sys/vm/nr_hugepages
. /tests/vfio.sh
