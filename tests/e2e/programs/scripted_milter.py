"""A milter that does what its script says, on Sendmail's own library.

Arguments: socket, file of records, script. The script is JSON, a list of rules
{"at": step, "when": a part of the argument, "from": the sender, "do": [[word, ...],
...]}. What the milter is shown becomes lines of JSON in the file of records, before it is judged.
"""

import base64
import json
import os
import signal
import sys
import time

import Milter

MACROS = (
    "j v {daemon_name} {daemon_addr} {client_addr} {client_name} {client_port} "
    "{client_ptr} {client_connections} i {mail_addr} {mail_host} {mail_mailer} "
    "{rcpt_addr} {rcpt_host} {rcpt_mailer} {auth_authen} {auth_type} {auth_author} "
    "{tls_version} {cipher} {cipher_bits} {cert_subject}"
).split()

VERDICTS = {
    "accept": Milter.ACCEPT,
    "reject": Milter.REJECT,
    "tempfail": Milter.TEMPFAIL,
    "discard": Milter.DISCARD,
    "continue": Milter.CONTINUE,
}

SCRIPT = json.loads(sys.argv[3])


class Scripted(Milter.Base):
    def __init__(self):
        self.content = b""
        self.sender = ""

    def write(self, **fields):
        with open(sys.argv[2], "a") as records:
            records.write(json.dumps(fields) + "\n")

    def shown(self, step, *arguments):
        macros = {name: self.getsymval(name) for name in MACROS}
        macros = {name: value for name, value in macros.items() if value is not None}
        self.write(at=step, told=list(arguments), macros=macros)
        text = " ".join(map(str, arguments))
        for rule in SCRIPT:
            if rule.get("from", self.sender) != self.sender:
                continue
            if rule["at"] == step and rule.get("when", "") in text:
                for word, *rest in rule["do"]:
                    verdict = self.do(word, *rest)
                    if verdict is not None:
                        return verdict
        return Milter.CONTINUE

    def do(self, word, *rest):
        if word in VERDICTS:
            return VERDICTS[word]
        if word == "reply":
            self.setreply(*rest)
            return Milter.REJECT if rest[0].startswith("5") else Milter.TEMPFAIL
        if word == "sleep":
            time.sleep(rest[0])
        elif word == "wait":
            while not os.path.exists(rest[0]):
                time.sleep(0.02)
        elif word == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        elif word == "progress":
            for _ in range(rest[0]):
                time.sleep(rest[1])
                self.progress()
        else:
            try:
                self.change(word, *rest)
                self.write(done=word)
            except Exception as error:
                self.write(failed=word, why=type(error).__name__)
        return None

    def change(self, word, *rest):
        if word == "add":
            self.addheader(rest[0], rest[1])
        elif word == "insert":
            self.addheader(rest[1], rest[2], rest[0])
        elif word == "change":
            self.chgheader(rest[0], rest[1], rest[2])
        elif word == "body":
            self.replacebody(rest[0].encode("utf-8"))
        elif word == "addrcpt":
            self.addrcpt(rest[0])
        elif word == "delrcpt":
            self.delrcpt(rest[0])
        elif word == "chgfrom":
            self.chgfrom(rest[0])
        elif word == "quarantine":
            self.quarantine(rest[0])
        else:
            raise ValueError(word)

    def connect(self, name, family, address):
        return self.shown("connect", name, str(address))

    def hello(self, name):
        return self.shown("helo", name)

    def envfrom(self, path, *parameters):
        self.content = b""
        self.sender = path.strip("<>")
        return self.shown("mail", path, *parameters)

    def envrcpt(self, path, *parameters):
        return self.shown("rcpt", path, *parameters)

    def data(self):
        return self.shown("data")

    def header(self, name, value):
        """The library looks whether this is here, and then calls the other."""

    def header_bytes(self, name, value):
        value = value.decode("latin-1")
        self.content += (name + ": " + value).encode("latin-1") + b"\n"
        return self.shown("header", name, value)

    def eoh(self):
        self.content += b"\n"
        return self.shown("eoh")

    def body(self, chunk):
        self.content += chunk
        return self.shown("body", len(chunk))

    def eom(self):
        return self.shown("eom", base64.b64encode(self.content).decode("ascii"))

    def abort(self):
        self.write(at="abort", told=[], macros={})
        return Milter.CONTINUE

    def close(self):
        self.write(at="close", told=[], macros={})
        return Milter.CONTINUE


Milter.factory = Scripted
Milter.set_exception_policy(Milter.TEMPFAIL)
Milter.runmilter("scripted", sys.argv[1], 300)
