"""Sends a broker what no client would send, and looks whether it minds.

    hostile.py --bootstrap B --pid P --golden FILE [--seed N] [--rounds R] [--idle SECONDS] [--memory MB]

Random and changed bodies for every API key and version (the changed ones from the golden bytes of the tests, FILE), frames
of impossible lengths, frames that never end, requests byte by byte, and requests whose answers nobody reads. After each
kind a fresh connection must be answered, connections on which nothing whole arrives must be closed after the broker's idle
time, and the broker's memory must never have been above MB. Random choices come from the seed, which is printed.
"""

import argparse
import collections
import random
import socket
import struct
import sys
import time

KEYS = {
    "Produce": 0, "Fetch": 1, "ListOffsets": 2, "Metadata": 3, "OffsetCommit": 8, "OffsetFetch": 9, "FindCoordinator": 10,
    "JoinGroup": 11, "Heartbeat": 12, "LeaveGroup": 13, "SyncGroup": 14, "DescribeGroups": 15, "ListGroups": 16,
    "SaslHandshake": 17, "ApiVersions": 18, "CreateTopics": 19, "DeleteTopics": 20, "DeleteRecords": 21,
    "InitProducerId": 22, "OffsetForLeaderEpoch": 23, "AddPartitionsToTxn": 24, "AddOffsetsToTxn": 25, "EndTxn": 26,
    "TxnOffsetCommit": 28, "DescribeConfigs": 32, "AlterConfigs": 33, "DescribeLogDirs": 35, "SaslAuthenticate": 36,
    "CreatePartitions": 37, "DeleteGroups": 42, "IncrementalAlterConfigs": 44, "OffsetDelete": 47, "DescribeCluster": 60,
    "DescribeProducers": 61, "DescribeTransactions": 65, "ListTransactions": 66, "DescribeTopicPartitions": 75,
}
# The first version whose header has tagged fields.
FLEXIBLE = {
    0: 9, 1: 12, 2: 6, 3: 9, 8: 8, 9: 6, 10: 3, 11: 6, 12: 4, 13: 4, 14: 4, 15: 5, 16: 3, 18: 3, 19: 5, 20: 4, 21: 2, 22: 2,
    23: 4, 24: 3, 25: 3, 26: 3, 28: 3, 32: 4, 33: 2, 35: 2, 36: 2, 37: 2, 42: 2, 44: 1, 60: 0, 61: 0, 65: 0, 66: 0, 75: 0,
}


class Hostile:
    def __init__(self, options):
        host, port = options.bootstrap.rsplit(":", 1)
        self.address = (host, int(port))
        self.options = options
        self.random = random.Random(options.seed)
        self.open = collections.deque()
        self.sent = 0

    def connect(self):
        connection = socket.create_connection(self.address, timeout=60)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def send(self, data):
        """On a connection of its own, which stays for a while."""
        connection = self.connect()
        connection.settimeout(0.5)
        try:
            connection.sendall(data)
        except OSError:
            pass
        self.sent += 1
        self.open.append(connection)
        if len(self.open) > 100:
            self.open.popleft().close()
        return connection

    @staticmethod
    def frame(key, version, body, length=None):
        tags = b"\0" if version >= FLEXIBLE.get(key, 1000) else b""
        payload = struct.pack(">hhi", key, version, 7) + struct.pack(">h", 4) + b"evil" + tags + body
        return struct.pack(">i", len(payload) if length is None else length) + payload

    def ask_versions(self, connection=None):
        connection = connection or self.connect()
        connection.sendall(self.frame(18, 0, b""))
        size = struct.unpack(">i", self.receive(connection, 4))[0]
        answer = self.receive(connection, size)
        connection.close()
        count = struct.unpack(">i", answer[6:10])[0]
        return [struct.unpack(">hhh", answer[10 + 6 * n:16 + 6 * n]) for n in range(count)]

    @staticmethod
    def receive(connection, count):
        data = b""
        while len(data) < count:
            piece = connection.recv(count - len(data))
            if not piece:
                sys.exit("the broker closed the connection of one that had done nothing wrong")
            data += piece
        return data

    def bytes(self, count):
        # Half of them small, so that lengths and counts are often believable.
        top = self.random.choice([1, 3, 255])
        return bytes(self.random.randint(0, top) if self.random.random() < 0.9 else 255 for _ in range(count))

    # What it does

    def random_bodies(self):
        spoken = self.ask_versions()
        for key, low, high in spoken:
            for version in range(low - 1, high + 2):
                for _ in range(self.options.rounds):
                    self.send(self.frame(key, version, self.bytes(self.random.randint(0, 200))))
            self.ask_versions()
        for key in [-1, 99, 32767, -32768]:
            self.send(self.frame(key, 0, self.bytes(50)))

    def changed_bodies(self):
        with open(self.options.golden) as file:
            lines = [line.split(" ", 5)[:5] for line in file]
        for name, first, last, _, digits in lines:
            if not name.endswith("Request") or digits == "-":
                continue
            key = KEYS[name.removesuffix("Request")]
            for version in range(int(first), int(last) + 1):
                for _ in range(self.options.rounds):
                    body = bytearray.fromhex(digits)
                    for _ in range(self.random.randint(1, 4)):
                        place = self.random.randrange(len(body))
                        change = self.random.randint(0, 3)
                        if change == 0:
                            body[place] = self.random.randint(0, 255)
                        elif change == 1:
                            body[place:place + 4] = self.random.choice(
                                [b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\0\xff\xff\xff"])
                        elif change == 2:
                            del body[place:]
                        else:
                            body[place:place] = self.bytes(self.random.randint(1, 20))
                        if not body:
                            break
                    self.send(self.frame(key, version, bytes(body)))
        self.ask_versions()

    def impossible_lengths(self):
        for length in [-1, -2**31, 2**31 - 1, 100 * 2**20 + 1, 0, 1, 7, 13]:
            self.send(struct.pack(">i", length) + self.bytes(20))
        for _ in range(50):
            self.send(self.bytes(self.random.randint(1, 100)))
        self.ask_versions()

    def endless_frames(self):
        """Much is announced and little sent: nothing may be reserved for it, and it may not stay for ever."""
        waiting = []
        for _ in range(100):
            connection = self.connect()
            connection.sendall(struct.pack(">i", 100 * 2**20) + self.bytes(7) + bytes(50_000))
            waiting.append(connection)
        self.ask_versions()
        for connection in waiting:
            connection.settimeout(self.options.idle * 5 + 10)
            try:
                if connection.recv(1):
                    sys.exit("half a request was answered")
            except socket.timeout:
                sys.exit("a connection on which nothing whole arrives stays open")
            except ConnectionError:
                pass
            connection.close()

    def byte_by_byte(self):
        connections = [self.connect() for _ in range(20)]
        for byte in self.frame(18, 0, b""):
            for connection in connections:
                connection.sendall(bytes([byte]))
        for connection in connections:
            size = struct.unpack(">i", self.receive(connection, 4))[0]
            self.receive(connection, size)
            connection.close()

    def unread_answers(self):
        """Requests whose answers nobody reads: the broker has to stop reading, not to keep the answers."""
        for _ in range(10):
            connection = self.connect()
            connection.settimeout(0.2)
            try:
                for _ in range(40):
                    connection.sendall(self.frame(3, 1, struct.pack(">i", -1)) * 50)
            except OSError:
                pass
            self.open.append(connection)
        self.ask_versions()

    def large_request(self):
        connection = self.send(self.frame(0, 9, b"\0\xff\xff\0\0\x10\0" + bytes(60 * 2**20)))
        connection.settimeout(30)
        try:
            connection.recv(1)
        except OSError:
            pass
        self.ask_versions()

    def peak(self):
        with open(f"/proc/{self.options.pid}/status") as status:
            line = next(line for line in status if line.startswith("VmHWM"))
        return int(line.split()[1]) // 1024

    def run(self):
        for step in [self.random_bodies, self.changed_bodies, self.impossible_lengths, self.endless_frames,
                     self.byte_by_byte, self.unread_answers, self.large_request]:
            start = time.monotonic()
            step()
            print(f"{step.__name__}: {time.monotonic() - start:.1f} s, at most {self.peak()} MB so far", flush=True)
            if self.peak() > self.options.memory:
                sys.exit(f"the broker took {self.peak()} MB")
        print(f"{self.sent} hostile requests")


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--bootstrap", required=True)
parser.add_argument("--pid", type=int, required=True)
parser.add_argument("--golden", required=True)
parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--idle", type=float, default=2)
parser.add_argument("--memory", type=int, default=500)
options = parser.parse_args()
print(f"seed {options.seed}", flush=True)
Hostile(options).run()
