//! Every reply the relay gives by itself. The smarthost's own go through `verbatim`.
//!
//! The codes are RFC 5321's and RFC 3463's: an opt-out is 550 5.7.1 (policy, for one
//! recipient), never 5.1.1; what may pass is 4yz; a reference stands at the end of
//! every refusal of the opt-out gate.

use address::ForwardPath;
use evidence::Reference;
use policy::{AuthorFault, Finding, GateVerdict, Reason, TooMuch};
use smtp_wire::{DataFault, Enhanced, Reply};

use crate::event::OpenFailure;

const fn code(class: u8, subject: u16, detail: u16) -> Enhanced {
    Enhanced::new(class, subject, detail)
}

/// RFC 5321 s7.9; never at RCPT, which would take the mail of a client that counts only on that.
pub(crate) fn relaying_denied() -> Reply {
    Reply::new(550, code(5, 7, 1), "relaying denied")
}

/// RFC 4954 s6.
pub(crate) fn login_needed() -> Reply {
    Reply::new(530, code(5, 7, 0), "Authentication required")
}

/// The smarthost that would check the login was never heard: no 530, which tells the client to
/// give up or to ask its user.
pub(crate) fn login_unknown() -> Reply {
    Reply::new(451, code(4, 7, 0), "logins cannot be checked yet; try again later")
}

pub(crate) fn certificate_needed() -> Reply {
    Reply::new(530, code(5, 7, 0), "a TLS client certificate is required")
}

/// RFC 4954 s4, s6.
pub(crate) fn logged_in() -> Reply {
    Reply::new(235, code(2, 7, 0), "Authentication successful")
}

/// RFC 4954 s6: the same for a user that is not known.
pub(crate) fn login_refused() -> Reply {
    Reply::new(535, code(5, 7, 8), "Authentication credentials invalid")
}

/// RFC 4954 s4.
pub(crate) fn login_malformed() -> Reply {
    Reply::new(501, code(5, 5, 2), "the response does not fit the mechanism")
}

/// RFC 4954 s6.
pub(crate) fn login_unavailable() -> Reply {
    Reply::new(454, code(4, 7, 0), "Temporary authentication failure")
}

/// RFC 4954 s6.
pub(crate) fn too_many_failures() -> Reply {
    Reply::new(454, code(4, 7, 0), "too many failed logins, try again later")
}

/// Before clients give up by themselves (RFC 5321 s4.5.3.2.6).
pub(crate) fn out_of_time() -> Reply {
    Reply::new(451, code(4, 4, 2), "this takes too long; try again later")
}

pub(crate) fn sender_not_yours() -> Reply {
    Reply::new(550, code(5, 7, 1), "you may not send with that sender")
}

/// RFC 5321 s4.2.3: 450 is for what may pass, of the sender's or the mailbox's side.
pub(crate) fn too_many_messages(too_much: &TooMuch) -> Reply {
    Reply::new(450, code(4, 7, 1), too_much.to_string())
}

pub(crate) fn too_many_of_late(
    path: &ForwardPath,
    too_much: &TooMuch,
    reference: &Reference,
) -> Reply {
    Reply::new(450, code(4, 7, 1), with_reference(&format!("{path} {too_much}"), reference))
}

pub(crate) fn author_refused(fault: AuthorFault, reference: &Reference) -> Reply {
    let text = match fault {
        AuthorFault::Missing => "the message has no From, so nobody knows whose it is",
        AuthorFault::Unreadable => "the From of the message cannot be read with certainty",
        AuthorFault::Foreign => "you may not write From that domain",
    };
    Reply::new(550, code(5, 7, 1), with_reference(text, reference))
}

pub(crate) fn sender_ok() -> Reply {
    Reply::new(250, code(2, 1, 0), "sender ok")
}

/// A reply line has at most 512 octets (RFC 5321 s4.5.3.1.5) and is cut behind them; the
/// reference must not be what is cut.
fn with_reference(text: &str, reference: &Reference) -> String {
    let between = if text.len() > 450 { "\n" } else { "; " };
    format!("{text}{between}ref {reference}")
}

/// `550 5.7.1 <bob@example.com> opted out on 2026-03-02 (list crm.csv); ref ...`
pub(crate) fn refused(path: &ForwardPath, reason: &Reason, reference: &Reference) -> Reply {
    Reply::new(550, code(5, 7, 1), with_reference(&format!("{path} {reason}"), reference))
}

/// Not X.7.1, which RFC 3463 s3.8 knows as permanent only.
pub(crate) fn deferred(path: &ForwardPath, reason: &Reason, reference: &Reference) -> Reply {
    Reply::new(451, code(4, 3, 0), with_reference(&format!("{path} {reason}"), reference))
}

/// The code by which a client knows to offer the recipient again in a transaction of its
/// own (RFC 5321 s4.5.3.1.10).
pub(crate) fn needs_own_transaction(path: &ForwardPath, reference: &Reference) -> Reply {
    let text = format!("{path} {}", Reason::OtherRecipients);
    Reply::new(452, code(4, 5, 3), with_reference(&text, reference))
}

/// The replies to a message whose header put it on a stream that not everybody permits.
pub(crate) struct Whole<'a> {
    /// 5yz, not 4yz.
    pub(crate) permanent: bool,
    /// None for the stream that no rule claims.
    pub(crate) stream: Option<&'a str>,
    /// Recipients that do not get it.
    pub(crate) recipients: usize,
    pub(crate) transaction: &'a Reference,
}

/// Recipients named in one reply.
const NAMED_MAX: usize = 4;

impl Whole<'_> {
    fn new_reply(&self, text: String) -> Reply {
        if self.permanent {
            Reply::new(550, code(5, 7, 1), text)
        } else {
            Reply::new(451, code(4, 3, 0), text)
        }
    }

    /// One recipient who may not get it.
    pub(crate) fn one(&self, path: &ForwardPath, reason: &Reason, reference: &Reference) -> Reply {
        let text = match (self.stream, reason) {
            // It names the stream itself.
            (_, Reason::NoConsent(_) | Reason::Class(..) | Reason::ClassUnknown(..)) => {
                format!("{path} {reason}")
            }
            (Some(stream), _) => {
                let stream: String = stream.chars().take(60).collect();
                format!("{path} {reason}, and this is \"{stream}\" mail")
            }
            (None, _) => format!("{path} {reason}, and no stream claims this mail"),
        };
        self.new_reply(with_reference(&text, reference))
    }

    /// A recipient who might, had it been alone.
    pub(crate) fn bystander(&self, reference: &Reference) -> Reply {
        self.new_reply(format!("not sent to anybody, because of others; ref {reference}"))
    }

    /// The reply to the dot, of the texts for those who may not get it.
    pub(crate) fn reply(&self, lines: &[String]) -> Reply {
        let mut text = lines.iter().take(NAMED_MAX).fold(String::new(), |text, line| {
            if text.is_empty() { line.clone() } else { text + "\n" + line }
        });
        if self.recipients > lines.len().min(NAMED_MAX) {
            text += &format!(
                "\nnot sent to any of {} recipients; ref {}",
                self.recipients, self.transaction
            );
        }
        self.new_reply(text)
    }
}

pub(crate) fn recipient_dropped() -> Reply {
    Reply::new(250, code(2, 1, 5), "recipient ok")
}

pub(crate) fn message_dropped(reference: &Reference) -> Reply {
    let text = format!("not forwarded, every recipient opted out; ref {reference}");
    Reply::new(250, code(2, 0, 0), text)
}

/// What a gate found in the message, or its own text for that; with the recipient, where it is
/// about one.
pub(crate) fn found(finding: &Finding, path: Option<&ForwardPath>, reference: &Reference) -> Reply {
    let text = about(path, finding.text.as_deref().unwrap_or(&finding.found));
    let text = with_reference(&text, reference);
    match finding.verdict {
        GateVerdict::Refuse => Reply::new(550, code(5, 7, 1), text),
        _ => Reply::new(451, code(4, 7, 1), text),
    }
}

/// A filter wants it to vanish; here nothing vanishes behind a 250.
pub(crate) fn discarded(path: Option<&ForwardPath>, reference: &Reference) -> Reply {
    let text = about(path, "refused by a filter");
    Reply::new(550, code(5, 7, 1), with_reference(&text, reference))
}

fn about(path: Option<&ForwardPath>, text: &str) -> String {
    path.map_or_else(|| text.to_owned(), |path| format!("{path} {text}"))
}

/// Likewise, under `drop`.
pub(crate) fn discarded_unseen(reference: &Reference) -> Reply {
    Reply::new(250, code(2, 0, 0), with_reference("not forwarded, by a filter's word", reference))
}

/// What it said is no verdict, or what it made of the message cannot be sent.
pub(crate) fn filter_failed() -> Reply {
    Reply::new(451, code(4, 3, 0), "a filter failed; try again later")
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

pub(crate) fn header_too_big() -> Reply {
    Reply::new(552, code(5, 3, 4), "header is too big to be checked")
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

/// It would be read as a part of our Received (RFC 5322 s2.2.3). An empty line in front of it, as
/// some servers put there, would make a body of what stands in it as a header.
pub(crate) fn begins_with_space() -> Reply {
    Reply::new(554, code(5, 6, 0), "message begins with white space instead of a header field")
}

/// The smarthost offered it when the client was asked to choose, and does not now.
pub(crate) fn smarthost_lacks(extension: &str) -> Reply {
    let text = format!("the smarthost does not offer {extension} any more; try again later");
    Reply::new(451, code(4, 3, 3), text)
}

/// RFC 4954 s6. Nothing is said about the user or the password.
pub(crate) fn smarthost_takes_no_login() -> Reply {
    Reply::new(454, code(4, 7, 0), "the smarthost cannot check the login now; try again later")
}

/// The connection is lost on which the client was logged in at the smarthost.
pub(crate) fn login_lost(hostname: &str) -> Reply {
    let text = format!("{hostname} lost the smarthost; log in again");
    Reply::new(421, code(4, 4, 2), text)
}

/// A smarthost was lost after it had taken recipients, and the next one does not take all of
/// them.
pub(crate) fn not_taken_again() -> Reply {
    let text = "the smarthost was lost, and another does not take every recipient; try again later";
    Reply::new(451, code(4, 3, 0), text)
}

/// The header has named classes, and the envelope with them is not taken as it was without.
pub(crate) fn not_taken_with_classes() -> Reply {
    let text = "the smarthost does not take every recipient with SOLICIT=; try again later";
    Reply::new(451, code(4, 3, 0), text)
}

/// RFC 3865 s2.4: what matched, as a parameter.
pub(crate) fn class_refused(class: &str, reference: &Reference) -> Reply {
    let text = format!("SOLICIT={class} refused here");
    Reply::new(550, code(5, 7, 1), with_reference(&text, reference))
}

/// A list that may hold a refusal of one of its classes cannot be relied on.
pub(crate) fn class_unknown(unknown: &Reason, reference: &Reference) -> Reply {
    Reply::new(451, code(4, 3, 0), with_reference(&unknown.to_string(), reference))
}

/// The smarthost's own classes (RFC 3865 s2.3), and no other smarthost takes it.
pub(crate) fn class_refused_there(class: &str, reference: &Reference) -> Reply {
    let text = Reason::ClassAtSmarthost(class.to_owned()).to_string();
    Reply::new(550, code(5, 7, 1), with_reference(&text, reference))
}

/// RFC 3865 s2.3: they must be identical.
pub(crate) fn solicitation_differs(reference: &Reference) -> Reply {
    let text = "SOLICIT= of MAIL and the header Solicitation are not the same";
    Reply::new(550, code(5, 6, 0), with_reference(text, reference))
}

pub(crate) fn solicitation_unreadable(reference: &Reference) -> Reply {
    let text = "the header Solicitation is too long to be read";
    Reply::new(550, code(5, 6, 0), with_reference(text, reference))
}

pub(crate) fn not_opened(failure: &OpenFailure) -> Reply {
    match failure {
        OpenFailure::Unreachable | OpenFailure::NoneLeft => {
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
