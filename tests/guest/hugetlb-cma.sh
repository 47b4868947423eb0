# shellcheck shell=sh
# Gigantic pages of hugetlb_cma= are refused.
. /tests/selftest.sh

# They are for gigantic pages, and not what a kernel boots with.
scratch=$(($(tr '\n' + </sys/kernel/debug/kho/out/scratch_len)0))
ok "scratch memory is no larger for areas of hugetlb_cma=" test $scratch -gt 0 -a $scratch -le $((512 << 20))
note "$((scratch >> 20)) MiB of scratch memory"
halves luo_hugetlb_rules prepare gigantic_in_cma
is "$(messages 'hugetlb_luo: a gigantic page of hugetlb_cma= cannot be preserved')" 1 "the log says what to do"
pass
