//! What milters say, as `relay` is told it.

use std::sync::Arc;

use evidence::Reference;
use milter::{CustomReply, Verdict};
use relay::FilterVerdict;
use smtp_wire::{Enhanced, Reply};

use crate::replies;

/// What follows from a milter's reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    /// Go on.
    Continue,
    /// It wants to hear no more: of this message or, at connect and HELO, of this session.
    Accept,
    /// It does not pass.
    Against(FilterVerdict),
}

/// `by`: the milter, as evidence has it.
pub(super) fn said(verdict: Verdict, by: &Arc<str>, reference: &Reference) -> Said {
    let refuse = |reply| FilterVerdict::Refuse { by: Arc::clone(by), reply };
    Said::Against(match verdict {
        // The connection heeds Skip by itself.
        Verdict::Continue | Verdict::Skip => return Said::Continue,
        Verdict::Accept => return Said::Accept,
        Verdict::Reject => refuse(replies::filter_refuses(by, reference)),
        Verdict::TempFail => refuse(replies::filter_defers(by, reference)),
        Verdict::Discard => FilterVerdict::Discard { by: Arc::clone(by) },
        Verdict::Reply(own) => refuse(custom(own)),
        // The session stays: a client that is cut off would only come again.
        Verdict::ConnectionFail | Verdict::Shutdown => {
            refuse(replies::filter_defers(by, reference))
        }
    })
}

fn custom(own: CustomReply) -> Reply {
    let enhanced =
        own.enhanced.map(|(class, subject, detail)| Enhanced::new(class, subject, detail));
    Reply { code: own.code, enhanced, text: own.text }.with_enhanced()
}
