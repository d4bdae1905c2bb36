"""Sends one message with Python's smtplib; prints what it was told as JSON.

Arguments: host, port, sender, file, recipients.
"""

import json
import smtplib
import sys

host, port, sender, file, *recipients = sys.argv[1:]
with open(file, "rb") as message:
    content = message.read()

refused, accepted = {}, False
with smtplib.SMTP(host, int(port), local_hostname="client.test", timeout=30) as smtp:
    try:
        refused = smtp.sendmail(sender, recipients, content)
        accepted = True
    except smtplib.SMTPRecipientsRefused as error:
        refused = error.recipients
    except smtplib.SMTPResponseException as error:
        refused = {"": (error.smtp_code, error.smtp_error)}

told = {who: f"{code} {text.decode('ascii')}" for who, (code, text) in refused.items()}
print(json.dumps({"accepted": accepted, "refused": told}))
