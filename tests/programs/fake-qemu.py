# A QEMU that is none, for lukeep-qemu to talk with: one that misbehaves in one way, or in ways that a seed gives.
#
#	fake-qemu.py SOCKET WAY		serves a client: WAY is one of the functions *_way below
#	fake-qemu.py --fuzz TOOL N SEED	has TOOL do N talks, each with another one of these
#	fake-qemu.py --qemu SEED ...	is what "TOOL run" becomes in such a talk
import json
import os
import random
import re
import socket
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

GREETING = {"QMP": {"version": {"qemu": {"micro": 0, "minor": 0, "major": 0}}, "capabilities": []}}
EVENT = {"timestamp": {"seconds": 0, "microseconds": 0}, "event": "RTC_CHANGE", "data": {"offset": 0}}


def line(value):
    return json.dumps(value).encode() + b"\r\n"


def state_size():
    return os.fstat(int(os.environ["LUKEEP_FD_state"])).st_size


class Qemu:
    """What a client may see of QEMU."""

    def __init__(self, connection, spoil=lambda data: data):
        self.connection, self.spoil = connection, spoil
        self.status, self.fd, self.text = "running", -1, ""

    def send(self, value):
        self.connection.sendall(self.spoil(line(value)))

    def requests(self):
        while True:
            data, fds, _, _ = socket.recv_fds(self.connection, 65536, 1)
            if not data:
                return
            if fds:
                self.close()
                self.fd = fds[0]
            self.text += data.decode()
            while self.text:
                try:
                    request, end = json.JSONDecoder().raw_decode(self.text)
                except ValueError:
                    break
                self.text = self.text[end:].lstrip()
                yield request["execute"]

    def execute(self, command):
        if command == "query-status":
            return {"status": self.status, "running": self.status == "running"}
        if command == "query-migrate":
            return {"status": "completed"}
        if command == "cont":
            if self.status == "paused" and state_size():
                print("FAILED: the guest goes on, and its state is still there", file=sys.stderr)
            self.status = "running"
        return {}

    def go_on(self, command):
        """What happens when the answer is sent."""
        if command == "migrate":
            os.write(self.fd, os.urandom(1000))
            self.close()
        elif command == "migrate-incoming":
            while os.read(self.fd, 65536):
                pass
            self.close()
            self.status = "paused"
        elif command == "system_powerdown":
            self.send({"event": "SHUTDOWN", "data": {"guest": True}})

    def close(self):
        """Whatever goes wrong, what QEMU has written comes to an end."""
        if self.fd >= 0:
            os.close(self.fd)
        self.fd = -1

    def talk(self):
        try:
            self.converse()
        finally:
            self.close()

    def converse(self):
        self.send(GREETING)
        for command in self.requests():
            self.send({"return": self.execute(command)})
            self.go_on(command)
            if command in ("system_powerdown", "quit"):
                return


def mute_way(connection):
    connection.recv(1)


def silent_way(connection):
    connection.sendall(line(GREETING))
    while connection.recv(4096):
        pass


def events_way(connection):
    connection.sendall(line(GREETING))
    while True:
        connection.sendall(line(EVENT) * 100)


def string_way(connection):
    connection.sendall(b'{"QMP": "')
    while True:
        connection.sendall(b"x" * 4096)


def event_first_way(connection):
    connection.sendall(line(EVENT))


def good_way(connection):
    Qemu(connection).talk()


class Spoiler:
    """Passes on what is sent, or does something else to it."""

    def __init__(self, rng, connection):
        self.rng, self.connection = rng, connection

    def flip(self, data):
        data = bytearray(data)
        for _ in range(self.rng.randint(1, 4)):
            data[self.rng.randrange(len(data))] = self.rng.randrange(256)
        return bytes(data)

    def cut(self, data):
        self.connection.sendall(data[:self.rng.randrange(len(data))])
        raise ConnectionError

    def garbage(self, _):
        return self.rng.randbytes(self.rng.randint(1, 3000))

    def other_type(self, data):
        value = json.loads(data)
        key = self.rng.choice(list(value))
        value[key] = self.rng.choice([None, 5, -1.5e300, "", [], {}, [{}], {"status": 5}, {"status": None},
                                      {"status": "x" * 5000}, {"desc": 1}, {"desc": "no"}, True])
        return line(value)

    def refuse(self, _):
        return line({"error": self.rng.choice([{"class": "GenericError", "desc": "no"}, {"desc": 5}, "no", None])})

    def status(self, _):
        return line({"return": {"status": self.rng.choice(
            ["active", "failed", "cancelled", "paused", "inmigrate", "postmigrate", "shutdown", "io-error", ""])}})

    def deep(self, _):
        return b'{"return": ' + self.rng.choice([b"[", b'{"a":']) * self.rng.randint(1, 9000)

    def long(self, _):
        return line({"return": {"status": "x" * self.rng.randint(60000, 200000)}})

    def twice(self, data):
        return data * 2

    def after_events(self, data):
        return line(EVENT) * self.rng.randint(1, 300) + data

    def event_for_ever(self, _):
        while True:
            self.connection.sendall(line(EVENT) * 100)

    def nothing(self, _):
        return b""

    def __call__(self, data):
        if self.rng.random() < 0.8:
            return data
        rare = [self.event_for_ever, self.nothing]
        ways = [self.flip, self.cut, self.garbage, self.other_type, self.refuse, self.status, self.deep, self.long,
                self.twice, self.after_events]
        return self.rng.choice(rare if self.rng.random() < 0.05 else ways)(data)


def serve(listener, talk, clients=1):
    for _ in range(clients):
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            try:
                talk(connection)
            except OSError:
                pass


def listen(path):
    """By the time that the socket is there, it can be connected to."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path + ".new")
    listener.listen(16)
    os.rename(path + ".new", path)
    return listener


def fuzzed(seed):
    rng = random.Random(seed)
    return lambda connection: Qemu(connection, Spoiler(rng, connection)).talk()


def be_qemu(seed, arguments):
    fd = int(re.search(r"socket,id=lukeep,fd=(\d+)", " ".join(arguments)).group(1))
    serve(socket.socket(fileno=fd), fuzzed(seed))


def one_talk(tool, seed):
    """Returns what went wrong."""
    rng = random.Random(seed)
    verb = rng.choice(["save", "stop", "ready", "run"])
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as state:
        path = folder + "/vm.qmp"
        command = ["timeout", "60", tool, verb, path]
        if verb == "run":
            state.write(rng.randbytes(1000))
            state.flush()
            command += [sys.executable, __file__, "--qemu", str(seed)]
        elif verb == "stop":
            command += ["1"]
        environment = dict(os.environ, LUKEEP_FD_state=str(state.fileno()),
                           ASAN_OPTIONS="exitcode=99:quarantine_size_mb=16:hard_rss_limit_mb=200", UBSAN_OPTIONS="halt_on_error=1:exitcode=99")
        listener = None if verb == "run" else listen(path)
        # What is loaded outlives the command: wait until its standard error is closed.
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                   pass_fds=[state.fileno()], env=environment, text=True, errors="replace")
        with process:
            if listener:
                # "ready" asks again and again, and looks before whether QEMU is there.
                listener.settimeout(0.1)
                while process.poll() is None:
                    serve(listener, fuzzed(rng.random()))
                listener.close()
            said = process.stderr.read()
        if process.returncode not in ((0, 1, -9) if verb == "run" else (0, 1)) or \
                re.search(r"Sanitizer|runtime error|FAILED", said):
            return f"{verb}, seed {seed}, exit {process.returncode}: {said}"
        return ""


def fuzz(tool, number, seed):
    with ThreadPoolExecutor(8) as pool:
        wrong = list(filter(None, pool.map(lambda i: one_talk(tool, seed + i), range(number))))
    print("\n".join(wrong) if wrong else f"{number} talks")
    return 1 if wrong else 0


if sys.argv[1] == "--fuzz":
    sys.exit(fuzz(sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
elif sys.argv[1] == "--qemu":
    be_qemu(int(sys.argv[2]), sys.argv[3:])
else:
    serve(listen(sys.argv[1]), globals()[sys.argv[2] + "_way"], 16)
