//! The one Received field optgate puts on top (RFC 5321 s4.4).
//!
//! No FOR clause: with several recipients it would tell one of another (s7.6). The
//! client's name was checked to be printable when it was parsed, so it cannot start
//! a field of its own.

use std::fmt::Write as _;
use std::net::IpAddr;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use jiff::tz::TimeZone;
use smtp_session::Moment;

/// Octets the field may add to a message: what SIZE= upstream is raised by (RFC 1870
/// s6.1 asks for an estimate).
pub(crate) const SIZE_ALLOWANCE: u64 = 256;

/// What the field tells.
pub(crate) struct Trace<'a> {
    pub(crate) client_name: &'a str,
    pub(crate) client: IpAddr,
    pub(crate) hostname: &'a str,
    /// EHLO was used.
    pub(crate) extended: bool,
    /// The envelope is internationalised (RFC 6531 s3.7.3).
    pub(crate) utf8: bool,
    pub(crate) reference: &'a str,
    /// The cipher suite, where the client speaks TLS.
    pub(crate) cipher: Option<&'a str>,
    /// The client has logged in.
    pub(crate) logged_in: bool,
    /// The classes of solicitation the message is of (RFC 3865 s2.6).
    pub(crate) solicit: Option<&'a str>,
}

/// Octets of classes that a line has room for (RFC 5322 s2.1.1: 998).
const SOLICIT_MAX: usize = 900;

/// A date-time (RFC 5322 s3.3), in UTC.
pub(crate) fn date(now: Moment) -> String {
    Timestamp::from_microsecond(now.unix_micros())
        .ok()
        .and_then(|time| rfc2822::to_string(&time.to_zoned(TimeZone::UTC)).ok())
        .unwrap_or_else(|| "Thu, 1 Jan 1970 00:00:00 +0000".to_owned())
}

impl Trace<'_> {
    /// The field with its line ends, at most a few hundred octets.
    pub(crate) fn field(&self, now: Moment) -> String {
        let protocol = match (self.utf8, self.extended) {
            (true, _) => "UTF8SMTP",
            (false, true) => "ESMTP",
            (false, false) => "SMTP",
        };
        // RFC 3848 knows the letters for EHLO only.
        let letter = |is: bool, letter| if is && protocol != "SMTP" { letter } else { "" };
        let (s, a) = (letter(self.cipher.is_some(), "S"), letter(self.logged_in, "A"));
        // RFC 8314 s4.3.
        let tls = self.cipher.map(|cipher| format!("\r\n\ttls {cipher}")).unwrap_or_default();
        let date = date(now);
        // Single parentheses, as in the RFC's own example; its grammar would double them.
        let solicit = self.solicit.filter(|list| list.len() <= SOLICIT_MAX);
        let solicit = solicit.map(|list| format!("\r\n\t(SOLICIT={list})")).unwrap_or_default();
        let mut field = String::with_capacity(256);
        let literal = match self.client.to_canonical() {
            IpAddr::V4(v4) => format!("[{v4}]"),
            IpAddr::V6(v6) => format!("[IPv6:{v6}]"),
        };
        let _ = write!(
            field,
            "Received: from {} ({literal})\r\n\tby {} with {protocol}{s}{a}{solicit} id {}{tls};\r\n\t{date}\r\n",
            self.client_name, self.hostname, self.reference,
        );
        field
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn trace(client: &str, extended: bool, utf8: bool) -> String {
        secured(client, (extended, utf8), None, false)
    }

    fn secured(
        client: &str,
        (extended, utf8): (bool, bool),
        cipher: Option<&str>,
        logged_in: bool,
    ) -> String {
        Trace {
            client_name: "pc.example",
            client: client.parse().unwrap(),
            hostname: "mail.example.com",
            extended,
            utf8,
            reference: "01JD7F3K9Q2M8",
            cipher,
            logged_in,
            solicit: None,
        }
        .field(Moment::new(Duration::ZERO, 1_772_452_800_000_000))
    }

    #[test]
    fn the_field_names_both_ends_and_the_date() {
        assert_eq!(
            trace("192.0.2.7", true, false),
            "Received: from pc.example ([192.0.2.7])\r\n\tby mail.example.com with ESMTP id \
             01JD7F3K9Q2M8;\r\n\tMon, 2 Mar 2026 12:00:00 +0000\r\n"
        );
    }

    #[test]
    fn classes_are_a_comment_behind_the_protocol() {
        let now = Moment::new(Duration::ZERO, 1_772_452_800_000_000);
        let mut trace = Trace {
            client_name: "pc.example",
            client: "192.0.2.7".parse().unwrap(),
            hostname: "mail.example.com",
            extended: true,
            utf8: false,
            reference: "01JD7F3K9Q2M8",
            cipher: None,
            logged_in: false,
            solicit: Some("net.example:ADV,a:b"),
        };
        let field = trace.field(now);
        let comment = "with ESMTP\r\n\t(SOLICIT=net.example:ADV,a:b) id 01JD7F3K9Q2M8;\r\n";
        assert!(field.contains(comment), "{field}");
        let lists = [SOLICIT_MAX, SOLICIT_MAX + 1].map(|length| "a".repeat(length));
        for list in &lists {
            trace.solicit = Some(list);
            let field = trace.field(now);
            assert!(field.lines().all(|line| line.len() <= 998));
            assert_eq!(field.contains("SOLICIT"), list.len() == SOLICIT_MAX);
        }
    }

    #[test]
    fn the_protocol_follows_rfc_3848_and_rfc_6531() {
        assert!(trace("2001:db8::1", false, false).contains("([IPv6:2001:db8::1])"));
        assert!(trace("2001:db8::1", false, false).contains(" with SMTP "));
        assert!(trace("::ffff:192.0.2.7", true, true).contains("([192.0.2.7])"));
        assert!(trace("192.0.2.7", true, true).contains(" with UTF8SMTP "));
        let cipher = Some("TLS_AES_256_GCM_SHA384");
        for (esmtp, cipher, login, with) in [
            ((true, false), None, true, "ESMTPA id 01JD7F3K9Q2M8;"),
            (
                (true, false),
                cipher,
                false,
                "ESMTPS id 01JD7F3K9Q2M8\r\n\ttls TLS_AES_256_GCM_SHA384;",
            ),
            ((true, false), cipher, true, "ESMTPSA id"),
            ((true, true), cipher, true, "UTF8SMTPSA id"),
            ((true, true), None, true, "UTF8SMTPA id"),
            ((false, false), cipher, false, "SMTP id"),
        ] {
            let field = secured("192.0.2.7", esmtp, cipher, login);
            assert!(field.contains(&format!(" with {with}")), "{field}");
        }
    }
}
