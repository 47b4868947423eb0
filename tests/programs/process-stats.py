# What CRIU notes of a dump in its file stats-dump: prints how many microseconds it took until the processes stood still; or another
# field: 2, how long they did so; and of a restore, in stats-restore: 3, how long it took to start the processes; 4, and to restore them.
#
#	process-stats.py FILE [FIELD]
import sys


def number(data):
    """The next one of variable length"""
    value = shift = 0
    while True:
        byte = next(data)
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value


with open(sys.argv[1], "rb") as file:
    file.read(12)  # two numbers that say which file this is, and a length
    entry = iter(file.read())
number(entry), number(entry)  # the entry of a dump, and its length
fields = {}
for key in entry:
    fields[key >> 3] = number(entry)
print(fields[int(sys.argv[2]) if len(sys.argv) > 2 else 1])
