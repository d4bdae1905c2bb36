"""The filter that was asked when the recordings beside this were made.

Needs python3-milter (its C part is libmilter). Run it with the port to listen at.
"""

import sys

import Milter


class Filter(Milter.Base):
    def negotiate(self, opts):
        self.protocol = opts
        verdict = super().negotiate(opts)
        # Milter.Base.setsymlist joins octets where a text is wanted.
        self._ctx.setsymlist(Milter.M_ENVRCPT, "i {rcpt_addr} mail_addr")
        return verdict

    def connect(self, name, family, address):
        self.seen = [f"connect {name} {address} {self.getsymval('{daemon_name}')}"]
        return Milter.CONTINUE

    def hello(self, name):
        self.seen.append(f"helo {name}")
        return Milter.CONTINUE

    def envfrom(self, path, *parameters):
        self.seen.append(f"mail {path} {parameters} {self.getsymval('i')}")
        self.octets = 0
        self.pieces = 0
        if path == "<later@corp.example>":
            self.setreply("451", "4.7.1", "100%% busy", "come again")
            return Milter.TEMPFAIL
        return Milter.CONTINUE

    def envrcpt(self, path, *parameters):
        self.seen.append(f"rcpt {path} {parameters} {self.getsymval('{mail_addr}')}")
        if path.startswith("<no@"):
            self.setreply("550", "5.7.1", "not this one")
            return Milter.REJECT
        if path.startswith("<never@"):
            return Milter.REJECT
        return Milter.CONTINUE

    def data(self):
        self.seen.append("data")
        return Milter.CONTINUE

    @Milter.noreply
    def header(self, name, value):
        self.seen.append(f"{name}:{value!r}")
        return Milter.CONTINUE

    @Milter.nocallback
    def unknown(self, command):
        return Milter.CONTINUE

    def eoh(self):
        self.seen.append("eoh")
        return Milter.CONTINUE

    def body(self, piece):
        self.octets += len(piece)
        self.pieces += 1
        return Milter.SKIP if piece.startswith(b"enough") else Milter.CONTINUE

    def eom(self):
        self.seen.append(f"eom {self.octets} octets in {self.pieces} pieces")
        self.progress()
        for line in self.seen:
            self.addheader("X-Seen", line)
        self.chgheader("Subject", 1, "changed\n over two lines")
        self.chgheader("X-Gone", 2, "")
        self.addheader("X-Top", "inserted", 0)
        self.addheader("X-Second", "inserted", 2)
        self.replacebody(b"a new body\r\n")
        self.replacebody(b"in two pieces\r\n")
        return Milter.ACCEPT

    def abort(self):
        self.seen = self.seen[:1]
        return Milter.CONTINUE


Milter.factory = Filter
Milter.set_flags(Milter.ADDHDRS | Milter.CHGHDRS | Milter.CHGBODY)
Milter.runmilter("filter", f"inet:{sys.argv[1]}@127.0.0.1", 60)
