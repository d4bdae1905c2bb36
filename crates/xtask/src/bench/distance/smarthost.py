"""A smarthost that takes mail only under TLS and with a login: PORT CERTIFICATE KEY."""

import signal
import ssl
import sys

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult


class Server(SMTP):
    async def smtp_MAIL(self, arg):
        # Who offers AUTH takes this parameter (RFC 4954 s5); aiosmtpd does not know it.
        await super().smtp_MAIL(arg and arg.replace(" AUTH=<>", ""))


class Handler:
    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        session.host_name = hostname
        # It reads line by line and answers in turn, so that this is true.
        return responses[:-1] + ["250-PIPELINING", responses[-1]]

    async def handle_DATA(self, server, session, envelope):
        return "250 2.0.0 taken"


def authenticate(server, session, envelope, mechanism, data):
    return AuthResult(success=data.login == b"erp" and data.password == b"secret")


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[2], sys.argv[3])


class Door(Controller):
    def factory(self):
        return Server(self.handler, **self.SMTP_kwargs)


controller = Door(
    Handler(),
    hostname="127.0.0.1",
    port=int(sys.argv[1]),
    tls_context=context,
    require_starttls=True,
    auth_required=True,
    authenticator=authenticate,
)
controller.start()
signal.pause()
