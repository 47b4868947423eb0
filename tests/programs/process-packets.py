# What the packets of the last TCP connection of a service say that was updated: reads a file of pcap, as QEMU's filter-dump writes it.
# Prints what should not be there: a reset, a second connection, or a window of no use, by which a service that is back has its peer
# wait. Then, to standard error, how long nobody said anything, the longest times first.
#
#	process-packets.py FILE PORT
import struct
import sys

path, port = sys.argv[1], int(sys.argv[2])
FIN, SYN, RST = 1, 2, 4


def packets():
    """Of the port: time, the peer's port, whether the service sends it, flags, window."""
    with open(path, "rb") as file:
        file.read(24)
        while header := file.read(16):
            seconds, micros, length, _ = struct.unpack("<IIII", header)
            packet = file.read(length)
            if packet[12:14] != b"\x08\x00" or packet[23] != 6:
                continue
            segment = packet[14 + (packet[14] & 15) * 4:]
            source, destination = struct.unpack_from(">HH", segment)
            if port in (source, destination):
                yield (seconds + micros / 1e6, destination if source == port else source, source == port, segment[13],
                       struct.unpack_from(">H", segment, 14)[0])


# Until there is a redis, QEMU may have tried with other ports.
all_packets = list(packets())
peer = all_packets[-1][1]
opened, last, silences = 0, None, []
for time, other, ours, flags, window in all_packets:
    if other != peer:
        continue
    if flags & SYN and not ours:
        opened += 1
    if flags & RST:
        print("a reset, sent by the", "service" if ours else "peer")
    if ours and not flags & (SYN | RST | FIN) and window < 1000:
        print("a window of", window, "bytes")
    if last:
        silences.append(time - last)
    last = time
if opened != 1:
    print(opened, "connections")
print("silent for", ", ".join("%.1f" % silence for silence in sorted(silences, reverse=True)[:8]), "s", file=sys.stderr)
