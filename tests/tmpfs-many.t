#!/bin/bash
# A mount of tmpfs with 100,000 names, and damage to the description of others.
# flavours: default
# tier: all
. "$(dirname "$0")/lib.bash"

vm tmpfs-many --with "/selftests=$selftests" --mem 2G
done_testing
