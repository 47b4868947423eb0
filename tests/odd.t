#!/bin/bash
# A kernel with few of the options that we know: no kexec_load(), no shared memory, and so no memfds; and with IMA, whose list of
# measurements goes along with each kexec in a place that KHO chooses.
# flavours: odd
# tier: all
. "$(dirname "$0")/lib.bash"

mib=$((1024 * 1024))
list=16
image=$(($(od -An -t u4 -j $((0x260)) -N 4 "$kernel/kernel-A") / mib + 1))
initrd=$("$root/scripts/vm/initramfs" odd "/selftests=$selftests")

# The global area is that of the kernel and the list, with hardly a place for the kernel where the list is not; the one of low
# memory, which is above it, is full of the initramfs.
run_vm odd --append "ima_policy=tcb list=$list kho_scratch=$(($(stat -c %s "$initrd") / mib + 4))M,$((image + list + 6))M,4M"
done_testing
