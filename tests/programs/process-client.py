# A client of redis over one TCP connection, which counts: each answer has to be the next number. Writes each to a file as it comes,
# with the longest time so far and its own in seconds, and ends with what has broken the connection, or when the file is removed.
#
#	process-client.py ADDRESS PORT FILE
import os
import socket
import sys
import time

address, port, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
file = open(path, "w", buffering=1)


def connect():
    """As soon as there is a redis; QEMU may be there before, and so may be podman, which has nobody accept from the port."""
    while True:
        try:
            connection = socket.create_connection((address, port), 10)
            connection.sendall(b"PING\r\n")
            if connection.recv(100):
                connection.settimeout(None)
                return connection
        except OSError:
            pass
        time.sleep(0.2)


connection = connect()
expected, longest = 1, 0
try:
    while os.path.exists(path):
        start = time.monotonic()
        connection.sendall(b"INCR client\r\n")
        answer = b""
        while not answer.endswith(b"\r\n"):
            data = connection.recv(100)
            if not data:
                raise ConnectionError("the connection was closed")
            answer += data
        waited = time.monotonic() - start
        longest = max(longest, waited)
        if answer != b":%d\r\n" % expected:
            raise ValueError("got %r, expected %d" % (answer, expected))
        print(expected, "%.1f" % longest, "%.1f" % waited, file=file)
        expected += 1
        time.sleep(0.1)
except Exception as error:
    print("broken:", error, file=file)
