//! What can be wrong with a chain, each with the place where it is.

use serde::Serialize;

use crate::chain::ChainId;

/// Something that shows that evidence was changed or taken away, or was damaged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "fault", rename_all = "kebab-case")]
pub enum Fault {
    /// Sealed bytes are not what they were.
    #[error("{file}: bytes {from} to {to}, from line {line} on, are not what was sealed")]
    Changed {
        /// The file.
        file: String,
        /// The first byte of the range.
        from: u64,
        /// The first byte behind it.
        to: u64,
        /// The line in which it begins, from 1.
        line: u64,
    },
    /// A seal does not go on where the one before it ended: bytes or seals were put in or
    /// taken out.
    #[error("{file}: the seal at byte {at} covers {from} to {to}, and should begin at {expected}")]
    Misplaced {
        /// The file.
        file: String,
        /// Where the seal is.
        at: u64,
        /// What it says.
        from: u64,
        /// What it says.
        to: u64,
        /// Where the seal before ended.
        expected: u64,
    },
    /// It does not go on from the end of the file before it: that one was changed behind its
    /// last seal, cut off, or exchanged.
    #[error("{file}: does not go on from the end of the file before it")]
    Unlinked {
        /// The file.
        file: String,
    },
    /// Files are missing between others.
    #[error("missing: {}", files(*from, *to))]
    Missing {
        /// The number of the first.
        from: u64,
        /// The number of the last.
        to: u64,
    },
    /// It is not the file its name says.
    #[error("{file}: is number {is} of its chain, and not what its name says")]
    Renamed {
        /// The file.
        file: String,
        /// Its number.
        is: u64,
    },
    /// It has the number of another.
    #[error("{file}: is number {number} of its chain, behind number {before}")]
    Twice {
        /// The file.
        file: String,
        /// Its number.
        number: u64,
        /// That of the file before.
        before: u64,
    },
    /// It belongs to another chain.
    #[error("{file}: belongs to another chain, {chain}")]
    OtherChain {
        /// The file.
        file: String,
        /// That chain.
        chain: ChainId,
    },
    /// A file of the chain without its first record.
    #[error("{file}: has no `file` record")]
    NoBeginning {
        /// The file.
        file: String,
    },
    /// A packed file cannot be unpacked.
    #[error("{file}: cannot be unpacked: {error}")]
    Damaged {
        /// The file.
        file: String,
        /// Why.
        error: String,
    },
}

fn files(from: u64, to: u64) -> String {
    if from == to { format!("file {from}") } else { format!("files {from} to {to}") }
}
