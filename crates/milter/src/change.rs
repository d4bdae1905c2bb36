//! What a filter wants changed in the content.

use crate::action::Actions;
use crate::error::MilterError;
use crate::packet::{integer, string};

/// A change to the content.
///
/// A `value` is what shall stand behind the colon: with the space in front of it, wherever the
/// filter was not the one to write it. A new line in it is LF; nothing about it is checked here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A new field below the others (`SMFIR_ADDHEADER`).
    AddHeader {
        /// Its name.
        name: Vec<u8>,
        /// What stands behind the colon.
        value: Vec<u8>,
    },
    /// A new field among the others (`SMFIR_INSHEADER`).
    InsertHeader {
        /// How many of the fields that the filter was shown stand above it. On the wire the
        /// server's own Received counts as well, so there 0 and 1 are both the top.
        index: u32,
        /// Its name.
        name: Vec<u8>,
        /// What stands behind the colon.
        value: Vec<u8>,
    },
    /// Another value for a field, or none (`SMFIR_CHGHEADER`).
    SetHeader {
        /// Which one of those with that name, from 1. (0 on the wire is the first as well.)
        index: u32,
        /// Its name.
        name: Vec<u8>,
        /// What stands behind the colon; `None`: the field goes.
        value: Option<Vec<u8>>,
    },
    /// A piece of a new body (`SMFIR_REPLBODY`). All pieces together, in their order, stand for
    /// the old one; there may be one, and it may be empty.
    Body(Vec<u8>),
}

impl Change {
    /// What must be negotiated for it.
    pub fn action(&self) -> Actions {
        match self {
            Self::AddHeader { .. } | Self::InsertHeader { .. } => Actions::ADD_HEADERS,
            Self::SetHeader { .. } => Actions::CHANGE_HEADERS,
            Self::Body(_) => Actions::CHANGE_BODY,
        }
    }

    /// Octets it holds.
    pub fn octets(&self) -> usize {
        match self {
            Self::AddHeader { name, value } | Self::InsertHeader { name, value, .. } => {
                name.len() + value.len()
            }
            Self::SetHeader { name, value, .. } => name.len() + value.as_ref().map_or(0, Vec::len),
            Self::Body(piece) => piece.len(),
        }
    }

    /// Reads the rest of a packet with this letter. `None`: the letter is none of a change.
    pub(crate) fn decode(
        letter: u8,
        data: &[u8],
        leading_space: bool,
    ) -> Option<Result<Self, MilterError>> {
        let short = MilterError::Truncated(letter);
        let field = |data| field(data, leading_space);
        let change = match letter {
            b'h' => field(data).map(|(name, value)| Self::AddHeader { name, value }),
            b'i' => integer(data).and_then(|(index, rest)| {
                let (name, value) = field(rest)?;
                Some(Self::InsertHeader { index: index.saturating_sub(1), name, value })
            }),
            b'm' => integer(data).and_then(|(index, rest)| {
                let (name, rest) = string(rest)?;
                let name = name.to_vec();
                let (value, rest) = string(rest)?;
                let value = (!value.is_empty()).then(|| spaced(value, leading_space));
                let index = index.max(1);
                rest.is_empty().then_some(Self::SetHeader { index, name, value })
            }),
            b'b' => Some(Self::Body(data.to_vec())),
            _ => return None,
        };
        Some(change.ok_or(short))
    }
}

fn field(data: &[u8], leading_space: bool) -> Option<(Vec<u8>, Vec<u8>)> {
    let (name, rest) = string(data)?;
    let (value, rest) = string(rest)?;
    rest.is_empty().then(|| (name.to_vec(), spaced(value, leading_space)))
}

/// Whoever did not ask for leading spaces in values does not write them either.
fn spaced(value: &[u8], leading_space: bool) -> Vec<u8> {
    let space: &[u8] = if leading_space { b"" } else { b" " };
    [space, value].concat()
}
