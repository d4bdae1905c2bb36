"""A smarthost with scripted replies, on aiosmtpd.

Arguments: port, folder. Each accepted message becomes a file NUMBER.json in the
folder: envelope, parameters, content in base64. What it says depends on the
local part of an address or on the header field X-Answer.
"""

import asyncio
import base64
import json
import pathlib
import sys

from aiosmtpd.smtp import SMTP

SCRIPT = {
    "gone": "550-5.1.1 no such mailbox here;\r\n550 5.1.1 see https://help.example/gone?id=17%",
    "bare": "550 no such user, and no enhanced code",
    "full": "452 4.2.2 mailbox full, 0 octets left",
    "elsewhere": "251 2.1.5 not local; will forward to <other@example.net>",
}


class Smarthost(SMTP):
    # By default it refuses lines over the standard's limit; a gate must not.
    line_length_limit = 1_000_000


class Handler:
    def __init__(self, folder):
        self.folder = folder
        self.count = 0

    async def handle_MAIL(self, server, session, envelope, address, options):
        if address.startswith("unwanted@"):
            return "553 5.1.8 we take nothing from you"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 sender taken"

    async def handle_RCPT(self, server, session, envelope, address, options):
        local = address.split("@")[0]
        if local == "hangup":
            server.transport.abort()
            return "421 4.3.2 never sent"
        if local == "closing":
            await server.push("421 4.3.2 smarthost.test closing for maintenance")
            server.transport.close()
            return "421 4.3.2 never sent"
        if local in SCRIPT:
            if SCRIPT[local].startswith("2"):
                envelope.rcpt_tos.append(address)
            return SCRIPT[local]
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.append(options)
        return "250 2.1.5 recipient taken"

    async def handle_DATA(self, server, session, envelope):
        content = envelope.original_content
        for line in content.split(b"\r\n\r\n", 1)[0].split(b"\r\n"):
            if line.lower().startswith(b"x-answer: "):
                answer = line[10:].decode("ascii")
                if answer == "hangup":
                    server.transport.abort()
                    return "421 4.3.2 never sent"
                if answer != "250":
                    return answer
        self.count += 1
        record = {
            "from": envelope.mail_from,
            "mail_options": envelope.mail_options,
            "to": envelope.rcpt_tos,
            "content": base64.b64encode(content).decode("ascii"),
        }
        # Written whole and then renamed, so that nobody reads half a file.
        half = self.folder / f"{self.count}.half"
        half.write_text(json.dumps(record))
        half.rename(self.folder / f"{self.count}.json")
        return f"250 2.0.0 taken as number {self.count}"


async def main():
    port, folder = int(sys.argv[1]), pathlib.Path(sys.argv[2])
    handler = Handler(folder)
    loop = asyncio.get_running_loop()

    def factory():
        return Smarthost(
            handler,
            hostname="smarthost.test",
            ident="scripted",
            enable_SMTPUTF8=True,
            data_size_limit=10_000_000,
            loop=loop,
        )

    server = await loop.create_server(factory, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


asyncio.run(main())
