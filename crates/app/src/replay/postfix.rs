//! The log of Postfix, as it comes by syslog, by journald or from its own `maillog_file`:
//! whatever is in front, a line holds `postfix/DAEMON[PID]: QUEUEID: ...`.
//!
//! `smtpd` tells the client and its login, `qmgr` the sender, the delivery agents each
//! recipient, and `qmgr` at last that the message was removed. Where `orig_to` stands,
//! Postfix has rewritten the recipient; what the client had named is that one.

use super::envelopes::{Delivery, Envelopes};

/// Daemons that deliver, and tell `to=<...>`.
const AGENTS: [&str; 8] = ["smtp", "lmtp", "local", "virtual", "pipe", "error", "retry", "discard"];

/// Characters of a queue id: more than Postfix makes of 64 bits.
const ID_MAX: usize = 20;

/// Reads a log.
#[derive(Debug, Default)]
pub(super) struct Postfix {
    messages: Envelopes,
}

impl Postfix {
    /// What a line tells of a recipient.
    pub(super) fn line(&mut self, number: u64, line: &str) -> Option<Delivery> {
        let (daemon, id, rest) = parse(line)?;
        match daemon {
            "smtpd" | "submission" | "smtps" | "postscreen" => {
                let client = value(rest, "client=")?;
                let envelope = self.messages.of(id);
                envelope.client = address_in(client);
                envelope.login = value(rest, "sasl_username=").map(str::to_owned);
                None
            }
            "qmgr" | "oqmgr" | "nqmgr" if rest == "removed" => {
                self.messages.finish(id);
                None
            }
            "qmgr" | "oqmgr" | "nqmgr" => {
                let (sender, _) = path(rest.strip_prefix("from=<")?)?;
                self.messages.of(id).sender = Some(sender.to_owned());
                None
            }
            agent if AGENTS.contains(&agent) => {
                let (to, behind) = path(rest.strip_prefix("to=<")?)?;
                let original = behind.strip_prefix(", orig_to=<").and_then(path);
                self.messages.deliver(number, id, original.map_or(to, |(path, _)| path))
            }
            _ => None,
        }
    }
}

/// Daemon, queue id, and what follows.
fn parse(line: &str) -> Option<(&str, &str, &str)> {
    let (head, rest) = line.split_once("]: ")?;
    let (tag, pid) = head.rsplit_once('[')?;
    if pid.is_empty() || !pid.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // An instance may be called otherwise (postfix-out), and a service may be named in
    // between: postfix/submission/smtpd.
    let tag = tag.rsplit(' ').next()?;
    let (instance, path) = tag.split_once('/')?;
    if !instance.starts_with("postfix") {
        return None;
    }
    let daemon = path.rsplit('/').next()?;
    let (id, rest) = rest.split_once(": ")?;
    // Short ones are hexadecimal and as long as the inode and the microseconds are; long ones
    // have about a dozen characters without vowels.
    let is_id = (1..=ID_MAX).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric())
        && id != "NOQUEUE";
    is_id.then_some((daemon, id, rest))
}

/// The value behind `key`, up to the next comma.
fn value<'a>(rest: &'a str, key: &str) -> Option<&'a str> {
    let start = if rest.starts_with(key) { 0 } else { rest.find(&format!(", {key}"))? + 2 };
    let value = rest.get(start + key.len()..)?;
    Some(value.split(',').next().unwrap_or(value))
}

/// A path, its `<` read already, and what stands behind its `>`. A local part may hold a `>`
/// in quotes.
fn path(from: &str) -> Option<(&str, &str)> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in from.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => quoted = !quoted,
            b'>' if !quoted => return Some((from.get(..at)?, from.get(at + 1..)?)),
            _ => {}
        }
    }
    None
}

/// `name[192.0.2.7]`, or `unknown[IPv6:2001:db8::1]`; with a port behind, in some versions.
fn address_in(client: &str) -> Option<std::net::IpAddr> {
    let (_, inside) = client.split_once('[')?;
    let (address, _) = inside.split_once(']')?;
    address.strip_prefix("IPv6:").unwrap_or(address).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::Envelope;

    /// As Postfix 3.7 writes it through rsyslog.
    const LOG: &str = "\
Nov 22 08:35:40 mail postfix/smtpd[411]: connect from erp.corp.example[10.1.2.3]
Nov 22 08:35:40 mail postfix/smtpd[411]: 4Zd3kq1Wz9z5: client=erp.corp.example[10.1.2.3], sasl_method=PLAIN, sasl_username=erp
Nov 22 08:35:40 mail postfix/cleanup[413]: 4Zd3kq1Wz9z5: message-id=<1@corp.example>
Nov 22 08:35:40 mail postfix/qmgr[400]: 4Zd3kq1Wz9z5: from=<shop@corp.example>, size=381, nrcpt=3 (queue active)
Nov 22 08:35:41 mail postfix/smtp[414]: 4Zd3kq1Wz9z5: to=<bob@example.com>, relay=mx.example.com[192.0.2.25]:25, delay=0.3, delays=0.01/0/0.1/0.2, dsn=2.0.0, status=sent (250 2.0.0 Ok)
Nov 22 08:35:41 mail postfix/smtp[414]: 4Zd3kq1Wz9z5: to=<carol@example.net>, orig_to=<sales@corp.example>, relay=none, delay=30, delays=0/0/30/0, dsn=4.4.1, status=deferred (connect to mx[192.0.2.9]:25: timed out, from=<x>)
Nov 22 08:45:41 mail postfix/smtp[419]: 4Zd3kq1Wz9z5: to=<carol@example.net>, orig_to=<sales@corp.example>, relay=mx.example.net[192.0.2.9]:25, delay=600, dsn=2.0.0, status=sent (250 ok)
Nov 22 08:45:42 mail postfix/local[420]: 4Zd3kq1Wz9z5: to=<root@mail.corp.example>, orig_to=<root>, relay=local, delay=0, dsn=2.0.0, status=sent (delivered to mailbox)
Nov 22 08:45:42 mail postfix/qmgr[400]: 4Zd3kq1Wz9z5: removed
2026-11-22T08:46:00.123456+00:00 mail postfix-out/submission/smtpd[500]: A1B2C3D4E5: client=unknown[IPv6:2001:db8::7]
2026-11-22T08:46:00.123456+00:00 mail postfix-out/qmgr[501]: A1B2C3D4E5: from=<>, size=9, nrcpt=1 (queue active)
2026-11-22T08:46:00.123456+00:00 mail postfix-out/error[502]: A1B2C3D4E5: to=<\"a>, b\"@example.com>, relay=none, delay=0, dsn=5.0.0, status=bounced (no)
2026-11-22T08:47:00+00:00 mail postfix/smtp[9]: 0000000001: to=<late@example.com>, relay=none, dsn=4.0.0, status=deferred (later)
Nov 22 08:50:00 mail postfix/smtpd[411]: NOQUEUE: reject: RCPT from x[192.0.2.1]: 554 5.7.1 <z@example.com>: Relay access denied; from=<a@b.example> to=<z@example.com> proto=ESMTP
Nov 22 08:50:00 mail dovecot: imap(to=<q@example.com>)
";

    #[test]
    fn queue_ids_are_short_or_long_and_words_are_none() {
        for (id, is) in [
            ("1", true),
            ("3F2A", true),
            ("0BC1D2A1E5", true),
            ("4Zd3kq1Wz9z5", true),
            ("123456789012345678901", false),
            ("NOQUEUE", false),
            ("a b", false),
            ("", false),
        ] {
            let log = format!("x postfix/smtp[1]: {id}: to=<a@b.example>, relay=none\n");
            assert_eq!(read(&log).len(), usize::from(is), "{id}");
        }
    }

    fn read(log: &str) -> Vec<Delivery> {
        let mut postfix = Postfix::default();
        (1..).zip(log.lines()).filter_map(|(number, line)| postfix.line(number, line)).collect()
    }

    #[test]
    fn each_recipient_once_with_the_envelope_of_its_message() {
        let told = read(LOG);
        let recipients: Vec<_> = told.iter().map(|d| (d.line, d.recipient.as_str())).collect();
        assert_eq!(
            recipients,
            [
                (5, "bob@example.com"),
                (6, "sales@corp.example"),
                (8, "root"),
                (12, "\"a>, b\"@example.com"),
                (13, "late@example.com")
            ]
        );
        let erp = Envelope {
            sender: Some("shop@corp.example".to_owned()),
            client: Some("10.1.2.3".parse().unwrap()),
            login: Some("erp".to_owned()),
        };
        assert_eq!(told[0].envelope.as_ref(), Some(&erp));
        let null = told[3].envelope.as_ref().unwrap();
        assert_eq!(null.sender.as_deref(), Some(""));
        assert_eq!(null.client, Some("2001:db8::7".parse().unwrap()));
        assert_eq!(told[4].envelope.as_ref().unwrap().sender, None);
    }
}
