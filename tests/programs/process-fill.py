# A service that has so many MiB of memory, in pages of 4 KiB, writes to 3 % of them over and over, and measures for how long it was
# kept from that. The time is the processor's time stamp, which goes on over a kexec; with QEMU's -icount it counts instructions.
# FILE gets the longest time so far, and behind it the pages that are not as they were.
#
#	process-fill.py MIB FILE
import ctypes
import mmap
import os
import sys
import time

PAGE = 4096
pages, path = int(sys.argv[1]) * 1048576 // PAGE, sys.argv[2]
NOTABLE = 50_000_000

code = mmap.mmap(-1, PAGE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
code.write(b"\x0f\x31\x48\xc1\xe2\x20\x48\x09\xd0\xc3")  # rdtsc; shl $32, %rdx; or %rdx, %rax; ret
stamp = ctypes.CFUNCTYPE(ctypes.c_uint64)(ctypes.addressof(ctypes.c_char.from_buffer(code)))

memory = mmap.mmap(-1, pages * PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
memory.madvise(mmap.MADV_NOHUGEPAGE)
for i in range(pages):
    memory[i * PAGE:i * PAGE + 8] = (i + 1).to_bytes(8, "little")


def changed():
    return sum(memory[i * PAGE:i * PAGE + 8] != (i + 1).to_bytes(8, "little") for i in range(pages))


def tell(longest):
    with open(path + ".new", "w") as file:
        print(longest, changed(), file=file)
    os.rename(path + ".new", path)


longest, rounds = 0, 0
tell(longest)
while True:
    last, found = stamp(), 0
    for i in range(0, pages, 33):
        memory[i * PAGE + 8] = rounds & 255
        now = stamp()
        found, last = max(found, now - last), now
    time.sleep(0.01)
    found = max(found, stamp() - last)
    rounds += 1
    if found > max(longest, NOTABLE):
        longest = found
        tell(longest)
