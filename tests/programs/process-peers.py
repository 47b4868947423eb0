# Two clients of services that go on over a live update, from outside: one is in the middle of a download from nginx, the other in the
# middle of a transaction of PostgreSQL, until nginx says that the next kernel runs. Says that both have what they should, or what
# they have not.
#
#	process-peers.py ADDRESS HTTP-PORT SQL-PORT MIB
import hashlib
import socket
import struct
import sys
import time

address, http_port, sql_port, mib = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])


def until_there(talk):
    """As soon as there is a service; QEMU may be there before, and who comes in an update waits."""
    while True:
        try:
            return talk()
        except (OSError, EOFError):
            time.sleep(0.2)


def receive(connection, size):
    data = b""
    while len(data) < size:
        more = connection.recv(size - len(data))
        if not more:
            raise EOFError("the connection was closed")
        data += more
    return data


def get(path):
    """Returns a connection, of which the header has been read."""
    connection = socket.create_connection((address, http_port))
    connection.sendall(b"GET /%s HTTP/1.0\r\n\r\n" % path)
    header = b""
    while not header.endswith(b"\r\n\r\n"):
        header += receive(connection, 1)
    return connection


def stage():
    with get(b"stage") as connection:
        connection.settimeout(5)
        return connection.recv(1)


def sql_message(connection):
    kind, size = struct.unpack(">cI", receive(connection, 5))
    data = receive(connection, size - 4)
    if kind == b"E":
        raise ConnectionError("PostgreSQL says: %r" % data)
    return kind, data


def sql_rows(connection, text=None):
    """Returns what it answers, up to where it is ready for more."""
    rows = []
    if text:
        connection.sendall(struct.pack(">cI", b"Q", len(text) + 5) + text + b"\0")
    while True:
        kind, data = sql_message(connection)
        if kind == b"D":
            rows.append(data[6:])  # of the one column that we ask for
        if kind == b"Z":
            return rows


def sql():
    connection = socket.create_connection((address, sql_port))
    start = struct.pack(">I", 3 << 16) + b"user\0postgres\0database\0postgres\0\0"
    connection.sendall(struct.pack(">I", len(start) + 4) + start)
    sql_rows(connection)
    return connection


download = until_there(lambda: get(b"file"))
file = hashlib.sha256(receive(download, 100000))
until_there(lambda: sql_rows(sql(), b"SELECT number FROM rows"))
session = sql()
sql_rows(session, b"BEGIN")
sql_rows(session, b"INSERT INTO rows VALUES (1)")
while until_there(stage) != b"2":
    file.update(receive(download, 1000))
    time.sleep(0.1)

while data := download.recv(1 << 16):
    file.update(data)
if file.digest() != hashlib.sha256(hashlib.shake_256(b"seed").digest(mib << 20)).digest():
    sys.exit("the download is not what it should be")
sql_rows(session, b"INSERT INTO rows VALUES (2)")
sql_rows(session, b"COMMIT")
with sql() as other:
    if sql_rows(other, b"SELECT number FROM rows ORDER BY number") != [b"1", b"2"]:
        sys.exit("the transaction is not there, or not as it should be")
    print("both have what they should", flush=True)
    # By this the guest knows it.
    sql_rows(other, b"INSERT INTO rows VALUES (3)")
