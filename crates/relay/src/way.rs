//! The way of a transaction's mail data: the one place where it is chosen.
//!
//! | way | the smarthost gets DATA | kept | our dot |
//! | --- | --- | --- | --- |
//! | through | at the client's DATA | nothing | at the client's dot |
//! | through, shown | at the client's DATA | what filters have not taken | when it was judged |
//! | through, with a copy | at the client's DATA | a copy, as it goes by | when it was judged |
//! | header held | when the header has ended | the header | at the client's dot |
//! | header held, shown | when the header has ended | as above, both | when it was judged |
//! | header held, with a copy | when the header has ended | a copy of all | when it was judged |
//! | whole held | at the client's dot, and when it was judged | all | behind the content |
//!
//! It is chosen when the client says DATA, by what is possible then; the more cautious of
//! two wishes is the one that counts. A new reason to wait for the header is a line in
//! [`Relay::needs_header`].

use crate::feed::View;
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
    /// What filters see of it as it streams.
    pub(crate) view: View,
}

impl Relay {
    /// The way of the transaction for which the client says DATA now.
    pub(crate) fn course(&self) -> Course {
        let Phase::Envelope(envelope) = &self.phase else { return Course::default() };
        let filters = &self.settings.filters;
        let need = filters.need(&envelope.possible);
        choose(self.settings.way, need, filters.reads(), self.needs_header(envelope))
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

/// `reads`: somebody reads content as it streams, whoever else judges it.
fn choose(way: Way, need: ContentNeed, reads: bool, needs_header: bool) -> Course {
    if way == Way::Held || need == ContentNeed::Whole {
        return Course { hold: Some(Until::Dot), view: View::default() };
    }
    let hold = needs_header.then_some(Until::Header);
    let view = View { copy: need == ContentNeed::Copy, shown: reads };
    Course { hold, view }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_cautious_wish_counts() {
        use ContentNeed::{Copy, Nothing, Passing, Whole};
        let course = |hold, copy, shown| Course { hold, view: View { copy, shown } };
        let (header, dot) = (Some(Until::Header), Some(Until::Dot));
        for (way, need, reads, needs_header, expected) in [
            (Way::Through, Nothing, false, false, course(None, false, false)),
            (Way::Through, Passing, true, false, course(None, false, true)),
            (Way::Through, Copy, false, false, course(None, true, false)),
            (Way::Through, Copy, true, false, course(None, true, true)),
            (Way::Through, Nothing, false, true, course(header, false, false)),
            (Way::Through, Passing, true, true, course(header, false, true)),
            (Way::Through, Copy, false, true, course(header, true, false)),
            (Way::Through, Copy, true, true, course(header, true, true)),
            (Way::Through, Whole, true, false, course(dot, false, false)),
            (Way::Through, Whole, true, true, course(dot, false, false)),
            (Way::Held, Nothing, false, false, course(dot, false, false)),
            (Way::Held, Passing, true, false, course(dot, false, false)),
            (Way::Held, Copy, true, true, course(dot, false, false)),
        ] {
            assert_eq!(choose(way, need, reads, needs_header), expected, "{way:?} {need:?}");
        }
    }
}
