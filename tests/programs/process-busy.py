# A program that knows nothing of live updates: threads, a timer, a pty, a pipe, a unix socket, epoll, and memory with a pattern.
# Each tick it writes to its folder how far all of them have come.
#
#	process-busy.py FOLDER [MIB]
import hashlib
import os
import pty
import select
import signal
import socket
import sys
import threading
import time
import tty

folder, mib = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 4
memory = bytearray(hashlib.sha256(b"seed").digest() * (mib << 15))
sum_at_start = hashlib.sha256(memory).hexdigest()
counts = {"threads": [0, 0, 0], "timer": 0, "pty": 0, "pipe": 0, "unix": 0}


def on_timer(number, frame):
    counts["timer"] += 1


def count(index):
    while True:
        counts["threads"][index] += 1
        time.sleep(0.05)


def echo(read, write):
    while True:
        write(read(100))


def tell():
    with open(folder + "/new", "w") as file:
        print(os.getpid(), min(counts["threads"]), counts["timer"], counts["pty"], counts["pipe"], counts["unix"],
              hashlib.sha256(memory).hexdigest() == sum_at_start, file=file)
    os.rename(folder + "/new", folder + "/counts")


for i in range(3):
    threading.Thread(target=count, args=(i,), daemon=True).start()
signal.signal(signal.SIGALRM, on_timer)
signal.setitimer(signal.ITIMER_REAL, 0.1, 0.1)

master, slave = pty.openpty()
tty.setraw(slave)
threading.Thread(target=echo, args=(lambda n: os.read(slave, n), lambda b: os.write(slave, b)), daemon=True).start()
end, other = socket.socketpair()
threading.Thread(target=echo, args=(other.recv, other.send), daemon=True).start()
out, into = os.pipe()

poll = select.epoll()
poll.register(master, select.EPOLLIN)
poll.register(end, select.EPOLLIN)
poll.register(out, select.EPOLLIN)
names = {master: "pty", end.fileno(): "unix", out: "pipe"}
while True:
    os.write(master, b"x")
    os.write(into, b"x")
    end.send(b"x")
    for _ in range(3):
        for fd, _ in poll.poll(1):
            os.read(fd, 1)
            counts[names[fd]] += 1
    tell()
    time.sleep(0.1)
