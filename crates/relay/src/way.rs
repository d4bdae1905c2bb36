//! The way of a transaction's mail data: the one place where it is chosen.
//!
//! | way | the smarthost gets DATA | kept | our dot |
//! | --- | --- | --- | --- |
//! | through | at the client's DATA | nothing | at the client's dot |
//! | through, with a copy | at the client's DATA | a copy, as it goes by | when it was judged |
//! | header held | when the header has ended | the header | at the client's dot |
//! | header held, with a copy | when the header has ended | a copy of all | when it was judged |
//! | whole held | at the client's dot, and when it was judged | all | behind the content |
//!
//! It is chosen when the client says DATA, by what is possible then; the more cautious of
//! two wishes is the one that counts. A new reason to wait for the header is a line in
//! [`Relay::needs_header`].

use crate::filter::ContentNeed;
use crate::link::Link;
use crate::phase::{Envelope, Phase, Until};
use crate::relay::Relay;
use crate::settings::Way;

/// The way of one transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Course {
    /// What must have come before DATA goes upstream; `None`: nothing.
    pub(crate) hold: Option<Until>,
    /// What is streamed is kept as well, for somebody to judge before our dot.
    pub(crate) copy: bool,
}

impl Relay {
    /// The way of the transaction for which the client says DATA now.
    pub(crate) fn course(&self) -> Course {
        let Phase::Envelope(envelope) = &self.phase else { return Course::default() };
        let need = self.settings.filters.need(&envelope.possible);
        choose(self.settings.way, need, self.needs_header(envelope))
    }

    /// Whether the header has to be there before DATA may go upstream.
    fn needs_header(&self, envelope: &Envelope) -> bool {
        // It decides who may get the message.
        matches!(self.link, Link::Tentative(_))
            // It decides which smarthost gets it.
            || self.settings.header_decides_route(&envelope.possible)
            // SOLICIT= is taken from it.
            || self.takes_solicit_from_header(envelope)
            // What is missing in it is put in front of it.
            || self.settings.message.complete
    }
}

fn choose(way: Way, need: ContentNeed, needs_header: bool) -> Course {
    if way == Way::Held || need == ContentNeed::Whole {
        return Course { hold: Some(Until::Dot), copy: false };
    }
    let hold = needs_header.then_some(Until::Header);
    Course { hold, copy: need == ContentNeed::Copy }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_cautious_wish_counts() {
        let course = |hold, copy| Course { hold, copy };
        let (header, dot) = (Some(Until::Header), Some(Until::Dot));
        for (way, need, needs_header, expected) in [
            (Way::Through, ContentNeed::Nothing, false, course(None, false)),
            (Way::Through, ContentNeed::Copy, false, course(None, true)),
            (Way::Through, ContentNeed::Nothing, true, course(header, false)),
            (Way::Through, ContentNeed::Copy, true, course(header, true)),
            (Way::Through, ContentNeed::Whole, false, course(dot, false)),
            (Way::Through, ContentNeed::Whole, true, course(dot, false)),
            (Way::Held, ContentNeed::Nothing, false, course(dot, false)),
            (Way::Held, ContentNeed::Copy, true, course(dot, false)),
        ] {
            assert_eq!(choose(way, need, needs_header), expected, "{way:?} {need:?}");
        }
    }
}
