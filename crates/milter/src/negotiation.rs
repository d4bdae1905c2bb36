//! The first exchange: which version, which actions, which steps, which macros.

use crate::action::Actions;
use crate::command::Step;
use crate::error::MilterError;
use crate::macros::MacroLists;
use crate::packet::integer;

/// The newest version; the others that are spoken begin at [`VERSION_MIN`].
const VERSION: u32 = 6;
const VERSION_MIN: u32 = 2;

/// DATA came with this version.
const DATA_SINCE: u32 = 4;

/// `SMFIP_SKIP`: we know what [`crate::Verdict::Skip`] is.
const SKIP: u32 = 0x400;
/// `SMFIP_NOUNKNOWN`: commands that no server knows need not be told. They never are.
const NO_UNKNOWN: u32 = 0x100;
/// `SMFIP_NR_UNKN`: nor answered.
const UNKNOWN_UNANSWERED: u32 = 0x2_0000;
/// `SMFIP_HDR_LEADSPC`: values of fields keep the space behind the colon.
const LEADING_SPACE: u32 = 0x10_0000;

/// The steps a filter may say something about.
const STEPS: [Step; 8] = [
    Step::Connect,
    Step::Helo,
    Step::Mail,
    Step::Rcpt,
    Step::Data,
    Step::Header,
    Step::EndOfHeader,
    Step::Body,
];

/// What we want of a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// What it may do to the content. Nothing to sender and recipients is offered; a filter that
    /// cannot do without it closes the connection at once.
    pub actions: Actions,
    /// Octets that its changes to one message may have together.
    pub changes_max: usize,
}

impl Wanted {
    /// The data of our packet.
    pub(crate) fn offer(&self) -> [[u8; 4]; 3] {
        let actions = self.actions | Actions::SET_MACROS | Actions::QUARANTINE;
        [VERSION, actions.bits(), flags()].map(u32::to_be_bytes)
    }
}

/// All that we can do; nothing about recipients that were refused, and no larger packets.
fn flags() -> u32 {
    let others = SKIP | NO_UNKNOWN | UNKNOWN_UNANSWERED | LEADING_SPACE;
    STEPS.iter().fold(others, |flags, step| flags | step.unwanted() | step.unanswered())
}

/// What was agreed upon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Negotiated {
    /// 2 to 6.
    pub version: u32,
    /// What the filter may do: what it said, of what it was offered.
    pub actions: Actions,
    flags: u32,
    macros: MacroLists,
}

impl Negotiated {
    /// Reads the data of a filter's packet.
    ///
    /// What it says beyond what it was offered does not hold. Actions: some filters say all they
    /// ever do; they fail when they use one.
    pub(crate) fn decode(data: &[u8], wanted: &Wanted) -> Result<Self, MilterError> {
        let short = MilterError::Truncated(Step::Negotiate.letter());
        let numbers = integer(data).and_then(|(version, rest)| {
            let (actions, rest) = integer(rest)?;
            let (flags, rest) = integer(rest)?;
            Some((version, actions, flags, rest))
        });
        let (version, actions, answered, lists) = numbers.ok_or(short.clone())?;
        if !(VERSION_MIN..=VERSION).contains(&version) {
            return Err(MilterError::Version(version));
        }
        let actions = Actions::from_bits(actions);
        let macros = MacroLists::decode(lists).ok_or(short)?;
        Ok(Self {
            version,
            actions: actions.and(wanted.actions),
            flags: answered & flags(),
            macros,
        })
    }

    /// Whether the filter is told of this step. There is no need to gather what it is not told.
    pub fn tells(&self, step: Step) -> bool {
        let known = step != Step::Data || self.version >= DATA_SINCE;
        known && self.flags & step.unwanted() == 0
    }

    /// Whether it replies to it.
    pub fn replies(&self, step: Step) -> bool {
        self.flags & step.unanswered() == 0
    }

    /// Whether values of fields keep the space behind the colon, both ways.
    pub(crate) fn leading_space(&self) -> bool {
        self.flags & LEADING_SPACE != 0
    }

    pub(crate) fn macros(&self) -> &MacroLists {
        &self.macros
    }
}
