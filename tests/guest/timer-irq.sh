# shellcheck shell=sh
# What the kernels say of the timer's interrupt. In the fourth and fifth another timer raises it.
. /tests/selftest.sh

untested="KHO: timer's interrupt is not tested, as it worked in the previous kernel"

# A kernel tests it that is the first one in which this timer raises it.
case $stage in
1|4)	tests=1 ;;
*)	tests=0 ;;
esac
is "$(messages '\.\.TIMER: vector=')" 1 "kernel $stage uses it"
is "$(messages "$untested")" $((!tests)) "kernel $stage: whether it was told that it works"
is "$(messages 'route of the timer')" 0 "kernel $stage: what it was told is in order"
is "$(messages 'clocksource: hpet')" $((stage < 4)) "kernel $stage: whether it uses the HPET"
case $stage in
1|4)	next_kernel B ;;
2)	next_kernel A ;;
3)	next_kernel A hpet=disable ;;
5)	pass ;;
esac
