#!/bin/bash
# Whatever is said of areas of reserve_mem= is not believed unless it can be true.
# flavours: default
. "$(dirname "$0")/lib.bash"

mkdir -p "$build/guest"
ok "reserve-mem builds" gcc -static -O2 -Wall -o "$build/guest/reserve-mem" "$root/tests/programs/reserve-mem.c"
areas=()
for name in aa bb cc dd ee ff gg hh; do
	areas+=("reserve_mem=64K:64K:$name")
done
vm reserve-mem-damage --with "/bin/reserve-mem=$build/guest/reserve-mem" --append "${areas[*]}"
done_testing
