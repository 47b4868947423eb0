# shellcheck shell=sh
# Gigantic pages of hugetlb_cma= are refused.
. /tests/selftest.sh

halves luo_hugetlb prepare gigantic_in_cma
is "$(messages 'hugetlb_luo: a gigantic page of hugetlb_cma= cannot be preserved')" 1 "the log says what to do"
pass
