# A service that has so many MiB of memory, in pages of 4 KiB, and writes to 3 % of them over and over. Looks at each round whether one
# of its pages, another one each time, is as it was, and ends if not. FILE is there as soon as all memory is written.
#
#	process-fill.py MIB FILE
import mmap
import select
import sys

PAGE = 4096
pages = int(sys.argv[1]) * 1048576 // PAGE

memory = mmap.mmap(-1, pages * PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
memory.madvise(mmap.MADV_NOHUGEPAGE)
for i in range(pages):
    memory[i * PAGE:i * PAGE + 8] = (i + 1).to_bytes(8, "little")
open(sys.argv[2], "w").close()

rounds = 0
while memory[rounds % pages * PAGE:rounds % pages * PAGE + 8] == (rounds % pages + 1).to_bytes(8, "little"):
    for i in range(0, pages, 33):
        memory[i * PAGE + 8] = rounds & 255
    rounds += 1
    select.select([], [], [], 0.01)
