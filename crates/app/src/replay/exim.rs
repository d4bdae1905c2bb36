//! The main log of Exim: `DATE TIME ID FLAG ...`, where the flag says what happened.
//!
//! `<=` is the arrival of a message, with its sender, client and login; `=>`, `->`, `>>`,
//! `*>`, `**` and `==` are a recipient delivered, delivered as well, delivered while it
//! arrived, not delivered on purpose, failed and put off; `Completed` is the end. Where an
//! address was redirected, the one it came from stands behind it in angle brackets.

use super::envelopes::{Delivery, Envelopes};

const RECIPIENT: [&str; 6] = ["=>", "->", ">>", "*>", "**", "=="];

/// Reads a log.
#[derive(Debug, Default)]
pub(super) struct Exim {
    messages: Envelopes,
}

impl Exim {
    /// What a line tells of a recipient.
    pub(super) fn line(&mut self, number: u64, line: &str) -> Option<Delivery> {
        let (id, rest) = parse(line)?;
        let (flag, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        match flag {
            "<=" => {
                let (sender, fields) = rest.split_once(' ').unwrap_or((rest, ""));
                let envelope = self.messages.of(id);
                envelope.sender = Some(if sender == "<>" { "" } else { sender }.to_owned());
                envelope.client = field(fields, "H=").and_then(|_| client(fields));
                let login = field(fields, "A=").and_then(|a| a.split_once(':'));
                envelope.login = login.map(|(_, user)| user.to_owned());
                None
            }
            "Completed" => {
                self.messages.finish(id);
                None
            }
            flag if RECIPIENT.contains(&flag) => {
                self.messages.deliver(number, id, recipient(rest)?)
            }
            _ => None,
        }
    }
}

/// Message id, and what follows. In front of it stand date and time, perhaps a zone, a
/// process number in brackets, or what syslog puts there.
pub(super) fn parse(line: &str) -> Option<(&str, &str)> {
    let mut rest = line;
    for _ in 0..8 {
        let (word, behind) = rest.split_once(' ')?;
        if is_id(word) {
            return Some((word, behind));
        }
        rest = behind;
    }
    None
}

/// `1tEaBc-000Abc-0X`, since 4.97 `1tEaBc-0000000Abcd-0X2a`.
fn is_id(word: &str) -> bool {
    let mut parts = word.split('-').map(str::len);
    let lengths = (parts.next(), parts.next(), parts.next(), parts.next());
    let form =
        matches!(lengths, (Some(6), Some(6), Some(2), None) | (Some(6), Some(11), Some(4), None));
    form && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// The value of a field behind the sender; fields are parted by blanks.
fn field<'a>(fields: &'a str, key: &str) -> Option<&'a str> {
    fields.split(' ').find_map(|word| word.strip_prefix(key))
}

/// `H=name (helo) [192.0.2.7]:4711`, the address of the client.
fn client(fields: &str) -> Option<std::net::IpAddr> {
    let start = fields.find("H=")?;
    let host = fields.get(start..)?;
    // A name given in EHLO may be an address literal, in round brackets.
    let outside = host.rfind(") [").map_or(host, |at| host.get(at + 2..).unwrap_or(host));
    let (_, inside) = outside.split_once('[')?;
    inside.split_once(']')?.0.parse().ok()
}

/// `bob@example.com F=<..> R=.. T=..`, or `bob <bob@corp.example> R=..`: the address that the
/// client had named. A trailing colon belongs to the reason behind `**` and `==`.
fn recipient(rest: &str) -> Option<&str> {
    let (first, behind) = rest.split_once(' ').unwrap_or((rest, ""));
    let original = behind.strip_prefix('<').and_then(|b| b.split_once('>')).map(|(path, _)| path);
    let address = original.unwrap_or(first).trim_end_matches(':');
    let address = address.strip_prefix('<').and_then(|a| a.strip_suffix('>')).unwrap_or(address);
    (!address.is_empty()).then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::Envelope;

    const LOG: &str = "\
2026-11-22 08:35:40 exim 4.96 daemon started: pid=12, no queue runs, listening for SMTP on port 25
2026-11-22 08:35:40 1tEaBc-000001-0X <= shop@corp.example H=erp.corp.example (erp) [10.1.2.3]:51966 P=esmtpa A=plain:erp S=381 id=1@corp.example
2026-11-22 08:35:40 1tEaBc-000001-0X => bob@example.com R=dnslookup T=remote_smtp H=mx.example.com [192.0.2.25] C=\"250 OK\"
2026-11-22 08:35:40 1tEaBc-000001-0X -> carol@example.net R=dnslookup T=remote_smtp H=mx.example.com [192.0.2.25] C=\"250 OK\"
2026-11-22 08:35:40 1tEaBc-000001-0X == dave@example.org R=dnslookup T=remote_smtp defer (110): Connection timed out
2026-11-22 08:45:40 1tEaBc-000001-0X => dave@example.org R=dnslookup T=remote_smtp H=mx.example.org [192.0.2.9]
2026-11-22 08:45:40 1tEaBc-000001-0X ** gone@example.org: Unrouteable address
2026-11-22 08:45:40 1tEaBc-000001-0X => joe <sales@corp.example> R=local T=maildir
2026-11-22 08:45:40 1tEaBc-000001-0X Completed
2026-11-22 08:46:00.123 +0000 [4711] 1tEaBd-0000000Abcd-0X2a <= <> H=([10.9.9.9]) [2001:db8::7]:25 I=[::1]:25 P=esmtp S=9
2026-11-22 08:46:00.123 +0000 [4711] 1tEaBd-0000000Abcd-0X2a => eve@example.com F=<> R=dnslookup T=remote_smtp
2026-11-22 08:46:01 1tEaBe-000001-0X <= root@mail.corp.example U=root P=local S=9
2026-11-22 08:46:01 1tEaBe-000001-0X => frank@example.com R=dnslookup T=remote_smtp
2026-11-22 08:46:01 H=(x) [192.0.2.1] F=<a@b.example> rejected RCPT <z@example.com>: relay not permitted
";

    #[test]
    fn each_recipient_once_with_the_envelope_of_its_message() {
        let mut exim = Exim::default();
        let lines = (1..).zip(LOG.lines());
        let told: Vec<_> = lines.filter_map(|(number, line)| exim.line(number, line)).collect();
        let recipients: Vec<_> = told.iter().map(|d| (d.line, d.recipient.as_str())).collect();
        assert_eq!(
            recipients,
            [
                (3, "bob@example.com"),
                (4, "carol@example.net"),
                (5, "dave@example.org"),
                (7, "gone@example.org"),
                (8, "sales@corp.example"),
                (11, "eve@example.com"),
                (13, "frank@example.com"),
            ]
        );
        let erp = Envelope {
            sender: Some("shop@corp.example".to_owned()),
            client: Some("10.1.2.3".parse().unwrap()),
            login: Some("erp".to_owned()),
        };
        assert_eq!(told[0].envelope.as_ref(), Some(&erp));
        let null = told[5].envelope.as_ref().unwrap();
        assert_eq!(null.sender.as_deref(), Some(""));
        assert_eq!(null.client, Some("2001:db8::7".parse().unwrap()));
        let local = told[6].envelope.as_ref().unwrap();
        assert_eq!((local.client, local.sender.as_deref()), (None, Some("root@mail.corp.example")));
    }
}
