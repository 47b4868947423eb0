# A program with open files of many kinds, each of which it uses in each tick; what it has got so far is in FOLDER/counts.
#
#	process-kinds.py FOLDER KIND...
import array
import ctypes
import fcntl
import mmap
import os
import pty
import select
import signal
import socket
import struct
import sys
import time
import tty

folder = sys.argv[1]
libc = ctypes.CDLL(None, use_errno=True)


def path(name):
    return folder + "/" + name


def checked(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def syscall(number, *arguments):
    return checked(libc.syscall(ctypes.c_long(number), *arguments))


# Each kind is a generator: what it does up to the first yield is the beginning, and then a tick each time. What is in flight from one
# tick to the next is in flight while it is dumped.

def eventfd():
    fd, count = os.eventfd(1), 1
    while True:
        yield
        assert os.eventfd_read(fd) == count
        count = count % 1000 + 1
        os.eventfd_write(fd, count)


def timerfd():
    fd = os.timerfd_create(time.CLOCK_MONOTONIC)
    os.timerfd_settime(fd, initial=0.01, interval=0.01)
    while True:
        yield
        assert os.read(fd, 8)


def timer():
    number, end = ctypes.c_void_p(), struct.pack("4q", 0, 10000000, 0, 10000000)
    signal.signal(signal.SIGALRM, lambda number, frame: fired.append(1))
    fired = []
    checked(libc.timer_create(time.CLOCK_MONOTONIC, None, ctypes.byref(number)))
    checked(libc.timer_settime(number, 0, end, None))
    while True:
        yield
        before = len(fired)
        while len(fired) == before:
            time.sleep(0.01)


def signalfd():
    mask = struct.pack("Q", 1 << signal.SIGUSR1 - 1).ljust(128, b"\0")
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    fd = checked(libc.signalfd(-1, mask, 0))
    os.kill(os.getpid(), signal.SIGUSR1)
    while True:
        yield
        assert struct.unpack_from("I", os.read(fd, 128))[0] == signal.SIGUSR1
        os.kill(os.getpid(), signal.SIGUSR1)


def epoll():
    poll = select.epoll()
    out, into = os.pipe()
    poll.register(out, select.EPOLLIN | select.EPOLLET)
    event = os.eventfd(1)
    poll.register(event, select.EPOLLIN)
    while True:
        yield
        os.write(into, b"x")
        ready = set()
        while len(ready) < 2:
            ready |= {fd for fd, _ in poll.poll(1)}
        assert ready == {out, event} and os.read(out, 1) == b"x"


def inotify():
    os.makedirs(path("watched"), exist_ok=True)
    fd = checked(libc.inotify_init1(0))
    checked(libc.inotify_add_watch(fd, path("watched").encode(), 0x100))
    while True:
        yield
        open(path("watched/file"), "w").close()
        assert b"file" in os.read(fd, 4096)
        os.unlink(path("watched/file"))


def fanotify():
    os.makedirs(path("marked"), exist_ok=True)
    fd = checked(libc.fanotify_init(0, os.O_RDONLY))
    checked(libc.fanotify_mark(fd, 1, ctypes.c_uint64(0x08000020), -100, path("marked").encode()))
    open(path("marked/file"), "w").close()
    while True:
        yield
        open(path("marked/file")).close()
        event = os.read(fd, 4096)
        assert event
        os.close(struct.unpack_from("IBBHQiI", event)[5])


def child():
    pid = os.fork()
    while not pid:
        time.sleep(1)
    return pid


def pidfd():
    fd = os.pidfd_open(child())
    while True:
        yield
        signal.pidfd_send_signal(fd, 0)
        assert not select.select([fd], [], [], 0)[0]


def echo(end, other):
    end.send(b"first")
    while True:
        yield
        assert other.recv(100) == b"first"
        other.send(b"second")
        assert end.recv(100) == b"second"
        end.send(b"first")


def bound(name, kind):
    s = socket.socket(socket.AF_UNIX, kind)
    s.bind(name)
    return s


def connected(name):
    listener = bound(name, socket.SOCK_STREAM)
    listener.listen()
    end = socket.socket(socket.AF_UNIX)
    end.connect(name)
    return listener, end, listener.accept()[0]


def unix_pair():
    return echo(*socket.socketpair())


def unix_path():
    kept, end, other = connected(path("inside"))
    yield from echo(end, other)


def unix_abstract():
    kept, end, other = connected("\0process-kinds")
    yield from echo(end, other)


def unix_datagram():
    one, other = bound(path("one"), socket.SOCK_DGRAM), bound(path("other"), socket.SOCK_DGRAM)
    other.sendto(b"x", path("one"))
    while True:
        yield
        assert one.recv(100) == b"x"
        other.sendto(b"x", path("one"))


def unix_listening():
    listener = bound(path("listening"), socket.SOCK_STREAM)
    listener.listen()
    while True:
        yield
        end = socket.socket(socket.AF_UNIX)
        end.connect(path("listening"))
        end.send(b"x")
        assert listener.accept()[0].recv(100) == b"x"


def unix_files():
    end, other = socket.socketpair()
    out, into = os.pipe()
    while True:
        end.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [into]))])
        yield
        fd = array.array("i", other.recvmsg(1, 100)[1][0][2])[0]
        os.write(fd, b"y")
        os.close(fd)
        assert os.read(out, 1) == b"y"


def unix_outside():
    s = socket.socket(socket.AF_UNIX)
    s.connect(path("outside"))
    while True:
        yield


def unix_unaccepted():
    s = socket.socket(socket.AF_UNIX)
    s.connect(path("deaf"))
    while True:
        yield


def tcp_listening():
    listener = socket.create_server(("127.0.0.1", 0))
    while True:
        yield
        end = socket.create_connection(listener.getsockname())
        end.send(b"x")
        assert listener.accept()[0].recv(100) == b"x"


def tcp_pair():
    listener = socket.create_server(("127.0.0.1", 0))
    end = socket.create_connection(listener.getsockname())
    yield from echo(end, listener.accept()[0])


def udp():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("127.0.0.1", 0))
    while True:
        yield
        s.sendto(b"x", s.getsockname())
        assert s.recv(100) == b"x"


def netlink():
    s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    while True:
        yield
        s.send(struct.pack("IHHIIBxHiII", 32, 18, 1, 1, 0, 0, 0, 1, 0, 0))
        assert struct.unpack_from("IH", s.recv(65536))[1] == 16


def packet():
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind(("lo", 3))
    while True:
        yield


def pipe():
    out, into = os.pipe()
    os.write(into, b"x")
    while True:
        yield
        os.write(into, b"x")
        assert os.read(out, 1) == b"x"


def fifo():
    if not os.path.exists(path("fifo")):
        os.mkfifo(path("fifo"))
    fd = os.open(path("fifo"), os.O_RDWR)
    os.write(fd, b"x")
    while True:
        yield
        os.write(fd, b"x")
        assert os.read(fd, 1) == b"x"


def terminal():
    master, slave = pty.openpty()
    tty.setraw(slave)
    while True:
        yield
        os.write(master, b"x")
        assert os.read(slave, 1) == b"x" and not tty.tcgetattr(slave)[3] & tty.ICANON


def memfd():
    fd = os.memfd_create("memory")
    os.ftruncate(fd, 4096)
    memory = mmap.mmap(fd, 4096)
    while True:
        yield
        memory[0] = (memory[0] + 1) % 256
        assert os.pread(fd, 1, 0) == memory[:1]


def shared():
    memory = mmap.mmap(-1, 4096)
    if not os.fork():
        while True:
            memory[0] = 1
            time.sleep(0.001)
    while True:
        yield
        memory[0] = 0
        while not memory[0]:
            time.sleep(0.001)


def locks():
    fd, posix = os.open(path("flock"), os.O_RDWR | os.O_CREAT), os.open(path("posix"), os.O_RDWR | os.O_CREAT)
    fcntl.flock(fd, fcntl.LOCK_EX)
    fcntl.lockf(posix, fcntl.LOCK_EX)
    while True:
        yield
        other = os.open(path("flock"), os.O_RDWR)
        try:
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
            raise AssertionError("it is not locked")
        except BlockingIOError:
            os.close(other)


def removed():
    fd = os.open(path("removed"), os.O_RDWR | os.O_CREAT)
    os.unlink(path("removed"))
    os.write(fd, b"x")
    while True:
        yield
        assert os.pread(fd, 1, 0) == b"x"


# What CRIU does not dump.

def unix_backlog():
    listener = bound(path("backlog"), socket.SOCK_STREAM)
    listener.listen()
    end = socket.socket(socket.AF_UNIX)
    end.connect(path("backlog"))
    end.send(b"x")
    while True:
        yield


def tcp_backlog():
    listener = socket.create_server(("127.0.0.1", 0))
    end = socket.create_connection(listener.getsockname())
    while True:
        yield


def io_uring():
    syscall(425, 4, (ctypes.c_char * 120)())
    while True:
        yield


def perf():
    syscall(298, struct.pack("IIQQQQQ", 1, 112, 0, 0, 0, 0, 0).ljust(112, b"\0"), 0, -1, -1, 0)
    while True:
        yield


def userfaultfd():
    syscall(323, 1)
    while True:
        yield


def seized():
    checked(libc.ptrace(0x4206, child(), 0, 0))
    while True:
        yield


kinds = {name: globals()[name]() for name in sys.argv[2:]}
counts = dict.fromkeys(kinds, -1)
while True:
    for name, kind in kinds.items():
        if isinstance(counts[name], str):
            continue
        with open(path("now"), "w") as file:
            file.write(name)
        try:
            next(kind)
            counts[name] += 1
        except (OSError, AssertionError, StopIteration) as e:
            counts[name] = repr(e)
    with open(path("new"), "w") as file:
        for name, count in counts.items():
            print(name, count, file=file)
    os.rename(path("new"), path("counts"))
    time.sleep(0.1)
