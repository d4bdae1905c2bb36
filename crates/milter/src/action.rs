//! What a filter may do to a message.

use std::fmt;
use std::ops::BitOr;

/// A set of actions (`SMFIF_*`). Those that are never offered have no name here: adding and
/// deleting recipients, changing the sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Actions(u32);

impl Actions {
    /// None: the filter judges only.
    pub const NONE: Self = Self(0);
    /// Add and insert fields (`SMFIF_ADDHDRS`).
    pub const ADD_HEADERS: Self = Self(0x01);
    /// Replace the body (`SMFIF_CHGBODY`).
    pub const CHANGE_BODY: Self = Self(0x02);
    /// Change and delete fields (`SMFIF_CHGHDRS`).
    pub const CHANGE_HEADERS: Self = Self(0x10);
    /// Anything to sender and recipients; never offered.
    pub(crate) const ENVELOPE: Self = Self(0xcc);
    /// Put the message aside (`SMFIF_QUARANTINE`); always offered. There is nowhere to put it,
    /// so that it is refused; but clamav-milter hangs up where it is not offered, whatever it
    /// was told to do.
    pub(crate) const QUARANTINE: Self = Self(0x20);
    /// Say which macros it wants at which step (`SMFIF_SETSYMLIST`); always offered.
    pub(crate) const SET_MACROS: Self = Self(0x100);

    /// All three kinds of changes to the content.
    #[must_use]
    pub fn content() -> Self {
        Self::ADD_HEADERS | Self::CHANGE_BODY | Self::CHANGE_HEADERS
    }

    /// Whether all of `other` are among these.
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Those of these that are among `other` as well.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(crate) fn bits(self) -> u32 {
        self.0
    }

    pub(crate) fn from_bits(bits: u32) -> Self {
        Self(bits)
    }
}

impl BitOr for Actions {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// The words of a message to people: "to replace the body".
impl fmt::Display for Actions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match *self {
            Self::ADD_HEADERS => "to add a field",
            Self::CHANGE_BODY => "to replace the body",
            Self::CHANGE_HEADERS => "to change a field",
            _ => "to change the envelope",
        })
    }
}
