#!/bin/bash
# Two virtual machines of stock QEMU and memcached over an update of their host, and what becomes of them without one.
# flavours: default
# tier: all
. "$(dirname "$0")/lib.bash"
vm_with_machines qemu-several
done_testing
