"""Sends one message with Python's smtplib; prints what it was told as JSON.

Arguments: host, port, sender, file, recipients. WAY: how, as JSON (src/way.rs).
"""

import base64
import hashlib
import hmac
import json
import os
import secrets
import smtplib
import ssl
import sys


class ScramSha256:
    """The client of RFC 7677, from its text: smtplib has none."""

    def __init__(self, user, password):
        self.user = user.replace("=", "=3D").replace(",", "=2C")
        self.password = password
        self.nonce = secrets.token_urlsafe(18)

    def __call__(self, challenge=None):
        if not challenge:
            self.first = f"n={self.user},r={self.nonce}"
            return f"n,,{self.first}"
        challenge = challenge.decode("ascii")
        fields = dict(field.split("=", 1) for field in challenge.split(","))
        if "v" in fields:
            if base64.b64decode(fields["v"]) != self.expected:
                raise RuntimeError("the server does not know the password")
            return ""
        if not fields["r"].startswith(self.nonce) or fields["r"] == self.nonce:
            raise RuntimeError("not our nonce")
        salted = hashlib.pbkdf2_hmac(
            "sha256", self.password.encode(), base64.b64decode(fields["s"]), int(fields["i"])
        )
        bare = f"c=biws,r={fields['r']}"
        signed = f"{self.first},{challenge},{bare}".encode()
        key = hmac.digest(salted, b"Client Key", "sha256")
        signature = hmac.digest(hashlib.sha256(key).digest(), signed, "sha256")
        proof = bytes(a ^ b for a, b in zip(key, signature))
        server = hmac.digest(salted, b"Server Key", "sha256")
        self.expected = hmac.digest(server, signed, "sha256")
        return f"{bare},p={base64.b64encode(proof).decode()}"


def log_in(smtp, login):
    mechanism = login["mechanism"]
    smtp.user, smtp.password = login["user"], login["password"]
    if mechanism == "SCRAM-SHA-256":
        answer = ScramSha256(smtp.user, smtp.password)
    else:
        answer = getattr(smtp, "auth_" + mechanism.lower().replace("-", "_"))
    smtp.ehlo_or_helo_if_needed()
    smtp.auth(mechanism, answer)


host, port, sender, file, *recipients = sys.argv[1:]
with open(file, "rb") as message:
    content = message.read()
way = json.loads(os.environ["WAY"])
trust = ssl.create_default_context(cafile=way["ca"]) if way["tls"] != "off" else None
if way["tls"] == "implicit":
    smtp = smtplib.SMTP_SSL(
        host, int(port), local_hostname="client.test", timeout=30, context=trust
    )
else:
    smtp = smtplib.SMTP(host, int(port), local_hostname="client.test", timeout=30)

refused, accepted = {}, False
with smtp:
    try:
        if way["tls"] == "starttls":
            smtp.starttls(context=trust)
        if way["login"]:
            log_in(smtp, way["login"])
        refused = smtp.sendmail(sender, recipients, content)
        accepted = True
    except smtplib.SMTPRecipientsRefused as error:
        refused = error.recipients
    except smtplib.SMTPResponseException as error:
        refused = {"": (error.smtp_code, error.smtp_error)}

told = {who: f"{code} {text.decode('ascii')}" for who, (code, text) in refused.items()}
print(json.dumps({"accepted": accepted, "refused": told}))
