//! The forms of addresses by which relays have been tricked.
//!
//! The first sixteen are those of nmap's `smtp-open-relay`, in its order, so that the two can be
//! compared line by line. Then the forms of the testers of mail-abuse.org, and what is left of
//! routing with a sender that seems to be the server's own. In them stand for: `{D}` the outside
//! domain that mail would go to, `{F}` the one it would be from, `{S}` the name of the server in
//! its greeting, `{I}` its address as a literal.

use std::net::IpAddr;

/// One thing that is tried: the paths as they are sent, without their brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// The reverse-path.
    pub from: String,
    /// The forward-path.
    pub to: String,
    /// A recipient before it in the same transaction, which the server must take if it takes any.
    pub before: Option<&'static str>,
    /// Only after STARTTLS.
    pub tls: bool,
}

/// MAIL and RCPT.
const FORMS: [(&str, &str); 28] = [
    ("", "relaytest@{D}"),
    ("antispam@{F}", "relaytest@{D}"),
    ("antispam@{S}", "relaytest@{D}"),
    ("antispam@{I}", "relaytest@{D}"),
    ("antispam@{I}", "relaytest%{D}@{I}"),
    ("antispam@{I}", "relaytest%{D}@{S}"),
    ("antispam@{I}", "\"relaytest@{D}\""),
    ("antispam@{I}", "\"relaytest%{D}\""),
    ("antispam@{I}", "relaytest@{D}@{I}"),
    ("antispam@{I}", "\"relaytest@{D}\"@{I}"),
    ("antispam@{I}", "relaytest@{D}@{S}"),
    ("antispam@{I}", "@{I}:relaytest@{D}"),
    ("antispam@{I}", "@{S}:relaytest@{D}"),
    ("antispam@{I}", "{D}!relaytest"),
    ("antispam@{I}", "{D}!relaytest@{I}"),
    ("antispam@{I}", "{D}!relaytest@{S}"),
    ("spamtest@{S}", "\"nobody@{D}\""),
    ("nobody@{D}", "nobody@{D}"),
    ("spamtest@{F}", "nobody@{D}"),
    ("spamtest@localhost", "nobody@{D}"),
    ("spamtest", "nobody@{D}"),
    ("", "nobody@{D}"),
    ("spamtest@{S}", "nobody@{D}"),
    ("spamtest@{S}", "nobody%{D}@{S}"),
    ("spamtest@{S}", "{D}!nobody@{S}"),
    ("spamtest@{S}", "@{S}:nobody@{D}"),
    ("spamtest@{S}", "nobody@{D}@{S}"),
    ("spamtest@{S}", "\"nobody@{D}\"@{S}"),
];

/// What the forms are filled with.
pub(super) struct Names<'a> {
    pub(super) to: &'a str,
    pub(super) from: &'a str,
    pub(super) server: &'a str,
    pub(super) address: IpAddr,
}

impl Names<'_> {
    fn fill(&self, text: &str) -> String {
        text.replace("{D}", self.to)
            .replace("{F}", self.from)
            .replace("{S}", self.server)
            .replace("{I}", &literal(self.address))
    }
}

/// An address literal of RFC 5321 s4.1.3.
pub(super) fn literal(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => format!("[{v4}]"),
        IpAddr::V6(v6) => format!("[IPv6:{v6}]"),
    }
}

/// All that is tried, in order: the forms; an outsider behind a recipient of the server's own;
/// and, with `tls`, two transactions after STARTTLS.
pub(super) fn all(names: &Names<'_>, tls: bool) -> Vec<Form> {
    let form = |(from, to): (&str, &str)| Form {
        from: names.fill(from),
        to: names.fill(to),
        before: None,
        tls: false,
    };
    let mut forms: Vec<_> = FORMS.into_iter().map(form).collect();
    let plain = ("antispam@{F}", "relaytest@{D}");
    forms.push(Form { before: Some("postmaster"), ..form(plain) });
    if tls {
        forms.push(Form { tls: true, ..form(plain) });
        forms.push(Form { tls: true, ..form(("antispam@{S}", "relaytest@{D}")) });
    }
    forms
}
