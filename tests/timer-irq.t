#!/bin/bash
# The first kernel tests whether the timer's interrupt arrives, and the next ones do not, unless another timer raises it. The guest's
# clock counts instructions: by any other clock a busy machine may be too late for the test. Where the processor's own timer does not stop
# in sleep, a kernel without HPET uses none of them.
. "$(dirname "$0")/lib.bash"

vm timer-irq --mem 1G --smp 1 --accel tcg -- -icount shift=0,sleep=off -cpu max,-arat
done_testing
