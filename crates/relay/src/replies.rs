//! Every reply the relay gives by itself. The smarthost's own go through `verbatim`.
//!
//! The codes are RFC 5321's and RFC 3463's: an opt-out is 550 5.7.1 (policy, for one
//! recipient), never 5.1.1; what may pass is 4yz; a reference stands at the end of
//! every refusal of the opt-out gate.

use address::ForwardPath;
use evidence::Reference;
use policy::Reason;
use smtp_wire::{DataFault, Enhanced, Reply};

use crate::event::OpenFailure;

const fn code(class: u8, subject: u16, detail: u16) -> Enhanced {
    Enhanced::new(class, subject, detail)
}

pub(crate) fn sender_ok() -> Reply {
    Reply::new(250, code(2, 1, 0), "sender ok")
}

/// `550 5.7.1 <bob@example.com> opted out on 2026-03-02 (list crm.csv); ref ...`
pub(crate) fn refused(path: &ForwardPath, reason: &Reason, reference: &Reference) -> Reply {
    Reply::new(550, code(5, 7, 1), format!("{path} {reason}; ref {reference}"))
}

/// Not X.7.1, which RFC 3463 s3.8 knows as permanent only.
pub(crate) fn deferred(path: &ForwardPath, reason: &Reason, reference: &Reference) -> Reply {
    Reply::new(451, code(4, 3, 0), format!("{path} {reason}; ref {reference}"))
}

pub(crate) fn recipient_dropped() -> Reply {
    Reply::new(250, code(2, 1, 5), "recipient ok")
}

pub(crate) fn message_dropped(reference: &Reference) -> Reply {
    let text = format!("not forwarded, every recipient opted out; ref {reference}");
    Reply::new(250, code(2, 0, 0), text)
}

pub(crate) fn no_transaction() -> Reply {
    Reply::new(503, code(5, 5, 1), "MAIL first")
}

/// RFC 5321 s4.5.3.1.10.
pub(crate) fn too_many_recipients() -> Reply {
    Reply::new(452, code(4, 5, 3), "too many recipients")
}

pub(crate) fn need_recipient() -> Reply {
    Reply::new(503, code(5, 5, 1), "RCPT first")
}

pub(crate) fn no_valid_recipient() -> Reply {
    Reply::new(554, code(5, 5, 1), "no valid recipients")
}

pub(crate) fn no_recipient_for_now() -> Reply {
    Reply::new(451, code(4, 5, 1), "no recipient can be served now; try again later")
}

pub(crate) fn go_ahead() -> Reply {
    Reply::plain(354, "end data with <CR><LF>.<CR><LF>")
}

/// RFC 1870 s6.1.
pub(crate) fn too_big() -> Reply {
    Reply::new(552, code(5, 3, 4), "message is too big")
}

pub(crate) fn too_big_to_hold() -> Reply {
    Reply::new(552, code(5, 3, 4), "message is too big to be checked as a whole")
}

pub(crate) fn hold_budget_used_up() -> Reply {
    Reply::new(452, code(4, 3, 1), "too much mail is being checked; try again later")
}

/// RFC 5321 s2.3.8.
pub(crate) fn bad_line_end(fault: DataFault) -> Reply {
    let what = match fault {
        DataFault::BareCr => "a bare CR",
        DataFault::BareLf => "a bare LF",
        DataFault::Nul => "a NUL",
    };
    Reply::new(550, code(5, 5, 2), format!("{what} in the message; lines end with CRLF"))
}

/// RFC 6152 s3: not to a server without 8BITMIME, and converting is not ours to do.
pub(crate) fn eight_bit_not_taken() -> Reply {
    Reply::new(554, code(5, 6, 3), "8-bit content, and the smarthost takes only 7-bit")
}

pub(crate) fn loop_detected() -> Reply {
    Reply::new(554, code(5, 4, 6), "mail loop: too many Received fields")
}

pub(crate) fn empty_message() -> Reply {
    Reply::new(554, code(5, 6, 0), "message has no header")
}

/// The smarthost offered it when the client was asked to choose, and does not now.
pub(crate) fn smarthost_lacks(extension: &str) -> Reply {
    let text = format!("the smarthost does not offer {extension} any more; try again later");
    Reply::new(451, code(4, 3, 3), text)
}

pub(crate) fn not_opened(failure: &OpenFailure) -> Reply {
    match failure {
        OpenFailure::Unreachable => {
            Reply::new(451, code(4, 4, 1), "the smarthost cannot be reached; try again later")
        }
        OpenFailure::Busy => {
            Reply::new(451, code(4, 4, 5), "too many connections to the smarthost; try again later")
        }
        OpenFailure::Lost(lost) => lost.reply(),
    }
}

/// RFC 3463 s3.4: other system problem; nothing was delivered.
pub(crate) fn evidence_not_written() -> Reply {
    Reply::new(451, code(4, 3, 0), "evidence could not be written; try again later")
}

pub(crate) fn internal() -> Reply {
    Reply::new(451, code(4, 3, 0), "internal error; try again later")
}

/// All of them with the event that brings them, for `docs/replies.md`.
pub fn all() -> Vec<(&'static str, Reply)> {
    let reference = Reference::new(1_772_452_800_000, 7);
    let listed = Reason::Suppressed(suppression::Suppression {
        source: "crm.csv".to_owned(),
        kind: suppression::Kind::OptOut,
        scope: suppression::Scope::Commercial,
        subject: suppression::Subject::Address,
        since: suppression::Day::from_number(20_514),
        position: 1,
    });
    let unknown = Reason::Unknown(String::new());
    let mut replies = vec![
        ("MAIL", sender_ok()),
        ("an action `drop` recipient", recipient_dropped()),
        ("the dot, when nobody is left under `drop`", message_dropped(&reference)),
        ("a command of a transaction that is gone", no_transaction()),
        ("more recipients than the limit", too_many_recipients()),
        ("DATA without RCPT", need_recipient()),
        ("DATA, every recipient refused", no_valid_recipient()),
        ("DATA, every recipient refused, some only for now", no_recipient_for_now()),
        ("DATA, the smarthost said 354", go_ahead()),
        ("SIZE= or content over the limit", too_big()),
        ("content over the limit of the held way", too_big_to_hold()),
        ("no room left for held content", hold_budget_used_up()),
        ("a bare CR in mail data", bad_line_end(DataFault::BareCr)),
        ("a bare LF in mail data", bad_line_end(DataFault::BareLf)),
        ("a NUL in mail data", bad_line_end(DataFault::Nul)),
        ("8-bit content, smarthost without 8BITMIME", eight_bit_not_taken()),
        ("more than 100 Received fields", loop_detected()),
        ("the dot straight after 354", empty_message()),
        ("the smarthost lacks what the envelope needs", smarthost_lacks("SMTPUTF8")),
        ("the smarthost cannot be reached", not_opened(&OpenFailure::Unreachable)),
        ("too many connections to the smarthost", not_opened(&OpenFailure::Busy)),
        ("the intent cannot be written", evidence_not_written()),
        ("a fault of optgate's own", internal()),
    ];
    if let Ok(path) = ForwardPath::parse("<bob@example.com>") {
        replies.push(("a recipient who opted out", refused(&path, &listed, &reference)));
        replies.push(("a recipient the lists cannot tell", deferred(&path, &unknown, &reference)));
    }
    replies
}
