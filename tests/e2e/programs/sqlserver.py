# A server that speaks as Microsoft SQL Server: pysqlbridge with the tables that its
# configuration names, read anew when one of their files has changed. Arguments: the
# configuration, the port, and with TLS the certificate and its key.
import json
import os
import sys

from pysqlbridge.certificate import Certificate
from pysqlbridge.server import load_catalog, load_logins, serve

configuration, port, *pem = sys.argv[1:]
certificate = Certificate(*(open(file, "rb").read() for file in pem)) if pem else None
folder = os.path.dirname(configuration)
files = [os.path.join(folder, table["csv"]) for table in json.load(open(configuration))["tables"]]


class Tables:
    def __init__(self):
        self.state = None

    def answer(self, query):
        state = [os.stat(file).st_ino for file in files]
        if state != self.state:
            self.catalog, self.state = load_catalog(configuration), state
            self.catalog.warm()
        print("asked:", query, file=sys.stderr, flush=True)
        return self.catalog.answer(query)


serve(
    "127.0.0.1",
    int(port),
    certificate=certificate,
    query_handler=Tables().answer,
    logins=load_logins(configuration),
)
