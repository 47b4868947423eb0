# shellcheck shell=sh
# Half of a change shows only when the processors stop in the midst of one, so there are several updates.
. /tests/selftest.sh

module=/lib/modules/$(uname -r)/test_kho.ko
case $stage in
[2468]) from=A to=A ;;
*)	from=B to=B ;;
esac

[ "$stage" = 1 ] || came_from "$from" $((stage - 1))
[ "$stage" -lt 8 ] || pass
ok "kernel $stage: the module loads" insmod "$module" churn=50
next_kernel "$to"
