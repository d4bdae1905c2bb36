"""Sends messages, each on a connection of its own: PORT COUNT [CA].

With a CA: STARTTLS and AUTH first. Prints the microseconds of each, from connect to the reply to
QUIT.
"""

import smtplib
import ssl
import sys
import time

port, count = int(sys.argv[1]), int(sys.argv[2])
context = ssl.create_default_context(cafile=sys.argv[3]) if len(sys.argv) > 3 else None
letter = "From: news@shop.example\r\nTo: someone@example.net\r\nSubject: hello\r\n\r\n" + (
    "It is as long as a short letter.\r\n" * 60
)
for number in range(count):
    began = time.monotonic()
    client = smtplib.SMTP("127.0.0.1", port, local_hostname="client.example", timeout=60)
    if context:
        client.starttls(context=context)
        client.login("erp", "secret")
    refused = client.sendmail("news@shop.example", [f"person{number}@example.net"], letter)
    code, _ = client.quit()
    if refused or code != 221:
        sys.exit(f"message {number} was not taken")
    print(int((time.monotonic() - began) * 1e6))
