//! What a client hears that never reaches a relay, or whose relay has failed.

use std::net::IpAddr;

use evidence::Reference;
use smtp_wire::{Enhanced, Reply};

/// RFC 5321 s3.1: 554 instead of a greeting; greetings carry no enhanced code (RFC
/// 2034 s4).
pub(crate) fn not_allowed(hostname: &str, client: IpAddr) -> Reply {
    Reply::plain(554, format!("{hostname} relaying denied for {client}"))
}

/// RFC 5321 s3.8: 421 instead of a greeting.
pub(crate) fn too_many_connections(hostname: &str) -> Reply {
    Reply::plain(421, format!("{hostname} too many connections, try again later"))
}

/// RFC 5321 s3.8: 421 instead of a greeting, to whoever had connected when we stopped listening.
pub(crate) fn closing(hostname: &str) -> Reply {
    Reply::plain(421, format!("{hostname} closing, try again later"))
}

/// The session's task has failed.
pub(crate) fn internal(hostname: &str) -> Reply {
    Reply::new(421, Enhanced::new(4, 3, 0), format!("{hostname} internal error"))
}

/// A filter refuses a message or a recipient and says no words of its own.
pub(crate) fn filter_refuses(by: &str, reference: &Reference) -> Reply {
    Reply::new(550, Enhanced::new(5, 7, 1), format!("refused by {by}; ref {reference}"))
}

/// A filter defers a message or a recipient and says no words of its own.
pub(crate) fn filter_defers(by: &str, reference: &Reference) -> Reply {
    Reply::new(451, Enhanced::new(4, 7, 1), format!("deferred by {by}; ref {reference}"))
}

/// A filter has failed, and mail is not to pass without it.
pub(crate) fn filter_fails(reference: Option<&Reference>) -> Reply {
    let reference = reference.map_or_else(String::new, |reference| format!("; ref {reference}"));
    let text = format!("a filter cannot be asked now; try again later{reference}");
    Reply::new(451, Enhanced::new(4, 7, 1), text)
}

/// A filter cannot be shown the message as it is (RFC 3463 s3.7: message content). Whoever would do
/// without the filter does not do so for such a message: it may be made to be that.
pub(crate) fn filter_cannot_handle(by: &str, what: &str, reference: &Reference) -> Reply {
    let text = format!("{what} for {by}; ref {reference}");
    Reply::new(550, Enhanced::new(5, 6, 0), text)
}

/// All of them with the event that brings them, for `docs/replies.md`.
pub fn all() -> Vec<(&'static str, Reply)> {
    let host = "mail.example.com";
    let client = IpAddr::from([192, 0, 2, 7]);
    let reference = Reference::new(1_772_323_200_000, 1);
    vec![
        ("a client that may not relay (instead of a greeting)", not_allowed(host, client)),
        ("too many connections (instead of a greeting)", too_many_connections(host)),
        ("the listener was closed (instead of a greeting)", closing(host)),
        ("a milter refuses", filter_refuses("milter rspamd", &reference)),
        ("a milter defers", filter_defers("milter rspamd", &reference)),
        (
            "a milter cannot be shown a field, or wants more of them changed than can be",
            filter_cannot_handle("milter rspamd", "a header field is too long", &reference),
        ),
        ("a milter cannot be asked", filter_fails(Some(&reference))),
        ("a fault of optgate's own (the connection is closed)", internal(host)),
    ]
}
