//! What a verdict of the filters means here: the fate of what was shown to them.
//!
//! Filters speak freely; a client must not hear everything they say. 421 would announce that
//! the session ends, and a reply that is no refusal would be taken for one that it is not.

use std::sync::Arc;

use address::ForwardPath;
use evidence::{Reference, Verdict as Recorded};
use policy::{Action, Finding, GateVerdict};
use smtp_wire::{Enhanced, Reply};

use crate::filter::FilterVerdict;
use crate::record::Found;
use crate::replies;

/// What becomes of what was shown.
#[derive(Debug)]
pub(crate) enum Fate {
    Passes,
    /// It does not pass, and this is the reply to it.
    Ends(Ended),
}

/// Why something does not pass.
#[derive(Debug)]
pub(crate) struct Ended {
    /// The filter, for the record.
    pub(crate) by: Arc<str>,
    /// Refused, deferred or dropped.
    pub(crate) verdict: Recorded,
    /// What was found, in words for the record.
    pub(crate) reason: String,
    pub(crate) reply: Reply,
}

impl Ended {
    /// For the record of it.
    pub(crate) fn found(&self) -> Found<'_> {
        Found {
            by: &self.by,
            verdict: self.verdict,
            reason: &self.reason,
            reply: Some(&self.reply),
        }
    }
}

/// What was shown, for the reply.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shown<'a> {
    /// The recipient, if it is one.
    pub(crate) path: Option<&'a ForwardPath>,
    /// Names it.
    pub(crate) reference: &'a Reference,
    /// The listener's, which says whether anything is dropped.
    pub(crate) action: Action,
}

/// The fate of what was shown. `dropped`: the reply where it is dropped.
pub(crate) fn fate(
    verdict: FilterVerdict,
    shown: Shown<'_>,
    dropped: impl FnOnce() -> Reply,
) -> Fate {
    let Shown { path, reference, action } = shown;
    let (by, reason, reply) = match verdict {
        FilterVerdict::Permit => return Fate::Passes,
        FilterVerdict::Found(finding) => match finding.verdict {
            GateVerdict::Permit | GateVerdict::Shadow => return Fate::Passes,
            GateVerdict::Refuse | GateVerdict::Defer => {
                let reply = replies::found(&finding, path, reference);
                (found_by(&finding), finding.found, reply)
            }
        },
        FilterVerdict::Refuse { by, reply } => {
            let reply = usable(reply);
            (by, reply.text.clone(), reply)
        }
        FilterVerdict::Discard { by } if action == Action::Drop => {
            (by, "to be discarded".to_owned(), dropped())
        }
        FilterVerdict::Discard { by } => {
            (by, "to be discarded".to_owned(), replies::discarded(path, reference))
        }
    };
    let verdict = match reply.code / 100 {
        2 => Recorded::Drop,
        5 => Recorded::Refuse,
        _ => Recorded::Defer,
    };
    Fate::Ends(Ended { by, verdict, reason, reply })
}

/// Who found it, for the record. Gates are called by their bare names; others say what they are.
pub(crate) fn found_by(finding: &Finding) -> Arc<str> {
    let name = &finding.gate;
    let says = |kind: &str| name.strip_prefix(kind).is_some_and(|rest| rest.starts_with(' '));
    if ["gate", "milter", "dkim"].into_iter().any(says) {
        return Arc::clone(name);
    }
    format!("gate {name}").into()
}

/// A filter's own reply as a client may hear it.
fn usable(reply: Reply) -> Reply {
    let (code, class) = match reply.code {
        421 => (451, 4),
        code @ 400..=499 => (code, 4),
        code @ 500..=599 => (code, 5),
        _ => return replies::filter_failed(),
    };
    let enhanced = reply.enhanced.map(|own| Enhanced::new(class, own.subject, own.detail));
    Reply { code, enhanced, ..reply }.with_enhanced()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_refusals_are_passed_on_and_none_that_ends_the_session() {
        let said = |code, enhanced: Option<Enhanced>| {
            let reply = usable(Reply { enhanced, ..Reply::plain(code, "no") });
            (reply.code, reply.enhanced.map(|code| code.to_string()), reply.text)
        };
        let own = |code, enhanced: &str| (code, Some(enhanced.to_owned()), "no".to_owned());
        assert_eq!(said(550, Some(Enhanced::new(5, 1, 1))), own(550, "5.1.1"));
        assert_eq!(said(451, None), own(451, "4.0.0"));
        assert_eq!(said(451, Some(Enhanced::new(5, 1, 1))), own(451, "4.1.1"));
        assert_eq!(said(421, Some(Enhanced::new(4, 3, 2))), own(451, "4.3.2"));
        for code in [200, 250, 354, 399, 600] {
            assert_eq!(said(code, None).0, 451, "{code}");
        }
    }

    #[test]
    fn gates_are_called_by_what_they_are() {
        let by = |name: &str| {
            let finding = Finding {
                gate: name.into(),
                verdict: GateVerdict::Shadow,
                found: String::new(),
                text: None,
            };
            found_by(&finding).to_string()
        };
        assert_eq!(by("one-click"), "gate one-click");
        assert_eq!(by("milters"), "gate milters");
        assert_eq!(by("milter rspamd"), "milter rspamd");
        assert_eq!(by("dkim corp.example"), "dkim corp.example");
    }
}
