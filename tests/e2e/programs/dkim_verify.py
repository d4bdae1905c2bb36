"""Verifies every signature of a message by dkimpy.

Arguments: message, zone (JSON, name to TXT). Prints a JSON list, a row for each
signature from the top: its domain, its algorithm, and whether it is true.
"""

import json
import re
import sys

import dkim

with open(sys.argv[1], "rb") as file:
    message = file.read()
with open(sys.argv[2]) as file:
    zone = json.load(file)


def answer(name, timeout=5):
    name = name.decode("ascii") if isinstance(name, bytes) else name
    text = zone.get(name.rstrip("."))
    return text.encode("ascii") if text else None


def tag(value, name):
    found = re.search(rb"(?:^|;)\s*" + name + rb"\s*=\s*([^;]*)", value)
    return found.group(1).strip().decode("ascii") if found else None


rows = []
judge = dkim.DKIM(message, minkey=1024)
fields = [value for name, value in judge.headers if name.lower() == b"dkim-signature"]
for index, value in enumerate(fields):
    try:
        true = dkim.DKIM(message).verify(idx=index, dnsfunc=answer)
        why = ""
    except dkim.DKIMException as error:
        true, why = False, str(error)
    rows.append(
        {"domain": tag(value, b"d"), "algorithm": tag(value, b"a"), "true": true, "why": why}
    )
print(json.dumps(rows))
