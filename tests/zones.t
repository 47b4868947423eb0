#!/bin/bash
# What the kernel computes from the size of its zones, after most of memory was preserved and taken back.
# flavours: default arm64-default
. "$(dirname "$0")/lib.bash"

# By default a fifth of so small a machine is scratch memory.
vm zones --with "/selftests=$selftests" --mem 4G --append 'kho_scratch=128M,64M,64M'
done_testing
