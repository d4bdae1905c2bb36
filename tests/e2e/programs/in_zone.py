"""Runs a command in a network of its own, where one name server knows one zone.

Arguments: zone (JSON, name to TXT), command. It has to be started by
`unshare --mount --net`: the name server takes port 53 there, and resolv.conf is
another one.
"""

import fcntl
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading

SIOCSIFFLAGS, IFF_UP = 0x8914, 1
TXT = 16


def name_of(query):
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode("ascii"))
        at += 1 + query[at]
    return ".".join(labels), at + 5


def answer(query, zone):
    name, end = name_of(query)
    (kind,) = struct.unpack("!H", query[end - 4 : end - 2])
    text = zone.get(name.lower())
    found = text is not None and kind == TXT
    flags = 0x8580 if text is not None else 0x8583
    reply = query[:2] + struct.pack("!HHHHH", flags, 1, int(found), 0, 0) + query[12:end]
    if found:
        pieces = [text[i : i + 255].encode("ascii") for i in range(0, len(text), 255)]
        data = b"".join(bytes([len(piece)]) + piece for piece in pieces)
        reply += b"\xc0\x0c" + struct.pack("!HHIH", TXT, 1, 60, len(data)) + data
    return reply


def serve(server, zone):
    while True:
        query, client = server.recvfrom(4096)
        server.sendto(answer(query, zone), client)


with open(sys.argv[1]) as file:
    zone = {name.lower(): text for name, text in json.load(file).items()}
probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
fcntl.ioctl(probe, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))
probe.bind(("127.0.0.1", 53))
threading.Thread(target=serve, args=(probe, zone), daemon=True).start()
with tempfile.NamedTemporaryFile("w") as resolv:
    resolv.write("nameserver 127.0.0.1\noptions timeout:2 attempts:2\n")
    resolv.flush()
    target = os.path.realpath("/etc/resolv.conf")
    subprocess.run(["mount", "--bind", resolv.name, target], check=True)
    sys.exit(subprocess.run(sys.argv[2:]).returncode)
