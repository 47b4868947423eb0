# shellcheck shell=sh
# The same behind an IOMMU, which never lets go of what the card can reach.
export IOMMU=1
. /tests/vfio.sh
