"""Recomputes the chains of an optgate ledger with nothing but Python and its sqlite3.

python3 audit.py LEDGER [CHECKPOINT]

Prints the end of both chains, or the first row that is not as it was written, and with a
checkpoint whether the ledger still extends it. Reads only. See docs/ledger.md.
"""

import hashlib
import json
import sqlite3
import struct
import sys


def sha(data):
    return hashlib.sha256(data).digest()


def text(value):
    data = value.encode()
    return struct.pack(">Q", len(data)) + data


def i64(value):
    return struct.pack(">q", value)


def row_hash(previous, row, origin, imports):
    (position, _, key_id, exact, person, stated, recorded, imported, refers_to,
     refers_import, expires, personal) = row
    optional = [
        (stated, i64), (imported, lambda i: text(imports[i])), (refers_to, i64),
        (refers_import, lambda i: text(imports[i])), (expires, i64), (personal, bytes),
    ]
    present = sum(1 << bit for bit, (value, _) in enumerate(optional) if value is not None)
    present |= (len(origin) == 4) << 6
    data = previous + i64(position) + struct.pack(">I", key_id) + exact + person
    data += i64(recorded) + bytes([present]) + b"".join(text(part) for part in origin)
    data += b"".join(write(value) for value, write in optional if value is not None)
    return sha(data)


def personal_digest(salt, fields):
    data = salt
    for field in fields:
        data += bytes([field is not None]) + text(field or "")
    return sha(data)


def audit(path, checkpoint):
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    db.execute("BEGIN")
    meta = dict(db.execute("SELECT name, value FROM meta"))
    origins = {
        i: [part for part in parts if part is not None]
        for i, *parts in db.execute("SELECT id, source, kind, scope, hashed FROM origin")
    }
    imports = dict(db.execute("SELECT id, name FROM import"))
    hashes = {0: sha(b"optgate ledger 1\0" + meta["ledger_id"])}
    wanted = {0, checkpoint.get("position", 0)}
    wanted |= {at for (at,) in db.execute("SELECT entries FROM event")}
    listed = list(db.execute("SELECT id, fingerprint, added FROM hash_key ORDER BY number"))
    last, position, blanked = hashes[0], 0, []
    for row in db.execute(
        "SELECT position, origin, key_id, exact, person, stated, recorded, import, refers_to,"
        " refers_import, expires, personal, hash, salt, plain, reason, evidence"
        " FROM entry ORDER BY position"
    ):
        *chained, stored, salt, plain, reason, evidence = row
        position += 1
        if row[0] != position:
            return f"row {position} is missing"
        last = row_hash(last, chained, origins[row[1]], imports)
        if last != stored:
            return f"row {position} was changed"
        if all(row[2] != key for key, _, _ in listed):
            return f"the key of row {position} is missing"
        fields = (plain, reason, evidence)
        if salt is not None and personal_digest(salt, fields) != row[11]:
            return f"a personal field of row {position} was changed"
        if salt is None and fields != (None, None, None):
            return f"a personal field of row {position} was put in"
        if salt is None and row[11] is not None:
            blanked.append(position)
        if position in wanted:
            hashes[position] = last
    if (position, last) != (meta["head"], meta["head_hash"]):
        return f"row {min(position, meta['head']) + 1} is missing, or not accounted for"

    events = {0: sha(b"optgate events 1\0" + meta["ledger_id"])}
    number, erased, added = 0, set(), []
    for row in db.execute(
        "SELECT number, recorded, what, by, details, entries, entries_hash, hash"
        " FROM event ORDER BY number"
    ):
        _, recorded, what, by, details, entries, entries_hash, stored = row
        number += 1
        data = events[number - 1] + i64(number) + i64(recorded) + text(what) + text(by)
        events[number] = sha(data + text(details) + i64(entries) + entries_hash)
        if row[0] != number or events[number] != stored:
            return f"event {number} is missing or was changed"
        if hashes.get(entries) != entries_hash:
            return f"event {number} covers rows that are not the ledger's"
        if what == "erase":
            erased |= {at for at in json.loads(details)["rows"] if at <= entries}
        if what == "rekey":
            key = json.loads(details)
            added.append((int(key["key"], 16), bytes.fromhex(key["fingerprint"]), recorded))
    if (number, events[number]) != (meta["events"], meta["events_hash"]):
        return f"event {number + 1} is missing, or not accounted for"
    for position_blanked in blanked:
        if position_blanked not in erased:
            return f"row {position_blanked} was blanked without a record of it"
    if listed[1:] != added:
        return "the keys that were added later are not those of the events"
    print(f"intact: {position} rows, {last.hex()}; {number} events, {events[number].hex()}")

    if checkpoint:
        rows = hashes.get(int(checkpoint["position"]), b"").hex()
        happened = events.get(int(checkpoint["events"]), b"").hex()
        if (meta["ledger_id"].hex(), rows, happened) != (
            checkpoint["ledger"], checkpoint["hash"], checkpoint["events-hash"]
        ):
            return f"it does not extend the checkpoint of {checkpoint['time']}"
        print(f"extends the checkpoint of {checkpoint['time']}")
    return None


def read_checkpoint(path):
    with open(path, encoding="ascii") as file:
        fields = dict(line.split(" ", 1) for line in file.read().splitlines()[1:])
    fields["position"] = int(fields["position"])
    return fields


if __name__ == "__main__":
    sys.exit(audit(sys.argv[1], read_checkpoint(sys.argv[2]) if sys.argv[2:] else {}))
