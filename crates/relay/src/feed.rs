//! What filters see of content that goes upstream as it comes.
//!
//! Those who judge all of it at once get a copy at the dot. Those who read it from its beginning
//! to its end are shown it piece by piece, so that little is left for them to do at the dot, and
//! nothing is kept that they have taken. They are shown nothing before what the header decides
//! is decided. Where they are slower than the client, it is not read for a while: what they have
//! not taken yet is bounded.

use smtp_session::Moment;

use crate::facts::Content;
use crate::filter::FilterPiece;
use crate::hold::{Full, Held, HoldSettings};
use crate::settings::RelaySettings;

/// Pieces that filters may have before they take one: the client is not read while they have
/// more.
const UNTAKEN_MAX: usize = 4;

/// What filters see of content that streams; our dot waits for their word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct View {
    /// It is kept as well, for somebody to judge all of it.
    pub(crate) copy: bool,
    /// Somebody reads it as it goes by.
    pub(crate) shown: bool,
}

/// What is kept of a message for filters while it streams.
#[derive(Debug, Default)]
pub(crate) struct Feed {
    /// All of it, to be judged before our dot.
    copy: Option<Held>,
    /// What of it those have not been shown yet who see it go by.
    unshown: Option<Held>,
    /// Octets that are worth a step.
    piece: usize,
    /// They were shown a piece.
    begun: bool,
    /// Octets in pieces that they have not taken.
    untaken: usize,
}

/// All that filters are still to be shown at the dot.
#[derive(Debug)]
pub(crate) struct Last {
    /// All of the content, if somebody wants that.
    pub(crate) copy: Option<Held>,
    /// The end of it, for those who saw all before it.
    pub(crate) rest: Option<FilterPiece>,
}

impl Feed {
    /// `None` when the budget is used up.
    pub(crate) fn begin(view: View, settings: &RelaySettings, now: Moment) -> Option<Self> {
        let mut feed = Self { piece: settings.filters.piece, ..Self::default() };
        if view.copy {
            feed.copy = Some(Held::begin(settings.hold.clone(), now)?);
        }
        if view.shown {
            feed.unshown = Some(Held::begin(unlimited(&settings.hold), now)?);
        }
        Some(feed)
    }

    /// Of a message whose beginning was held, and goes upstream now.
    pub(crate) fn of_held(
        held: Held,
        view: View,
        settings: &RelaySettings,
        now: Moment,
    ) -> Result<Self, Full> {
        let mut feed = Self { piece: settings.filters.piece, ..Self::default() };
        match (view.copy, view.shown) {
            (true, true) => {
                let unshown = Held::begin(unlimited(&settings.hold), now);
                let mut unshown = unshown.ok_or(Full::Budget)?;
                unshown.push(held.content())?;
                (feed.copy, feed.unshown) = (Some(held), Some(unshown));
            }
            (true, false) => feed.copy = Some(held),
            (false, true) => feed.unshown = Some(held),
            (false, false) => {}
        }
        Ok(feed)
    }

    pub(crate) fn push(&mut self, span: &[u8]) -> Result<(), Full> {
        let both = [&mut self.copy, &mut self.unshown];
        both.into_iter().flatten().try_for_each(|held| held.push(span))
    }

    /// The next piece, if there is one and what the header decides is decided.
    pub(crate) fn piece(&mut self, content: &Content) -> Option<FilterPiece> {
        let unshown = self.unshown.as_mut()?;
        if unshown.content().len() < self.piece || content.header_may_refuse() {
            return None;
        }
        let (octets, room) = unshown.lend();
        self.begun = true;
        self.untaken += octets.len();
        Some(FilterPiece { octets, room })
    }

    /// They have taken so many octets.
    pub(crate) fn taken(&mut self, octets: usize) {
        self.untaken = self.untaken.saturating_sub(octets);
    }

    /// The client is to wait until they have taken more.
    pub(crate) fn is_full(&self) -> bool {
        self.untaken > self.piece.saturating_mul(UNTAKEN_MAX)
    }

    /// The client's dot was seen.
    pub(crate) fn end(self) -> Last {
        let Self { copy, unshown, begun, .. } = self;
        // A copy of all of it is enough where nobody has begun to read.
        let unshown = unshown.filter(|_| begun || copy.is_none());
        let rest = unshown.map(|mut unshown| {
            let (octets, room) = unshown.lend();
            FilterPiece { octets, room }
        });
        Last { copy, rest }
    }
}

/// What is shown and forgotten may be of any length.
fn unlimited(settings: &HoldSettings) -> HoldSettings {
    HoldSettings { limit: usize::MAX, ..settings.clone() }
}
