#!/bin/bash
# A handover that cannot be used leads to a cold boot, whatever is wrong with it.
. "$(dirname "$0")/lib.bash"

mkdir -p "$build/guest"
ok "damage builds" gcc -static -O2 -Wall -o "$build/guest/damage" "$root/tests/programs/damage.c"
vm damage --with "/selftests=$selftests" --with "/bin/damage=$build/guest/damage"
done_testing
