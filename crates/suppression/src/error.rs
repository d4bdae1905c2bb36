//! What can go wrong in this crate. None of it is a client's fault and none of it passes by
//! itself: the caller keeps the state it had, or defers.

/// Why an index could not be made, or a value not be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq, Clone)]
pub enum SuppressionError {
    /// All 65,536 origins are taken: (source, kind, scope) triples are meant to be few.
    #[error("more than 65536 different (source, kind, scope) combinations")]
    OriginsFull,
    /// A ledger position that does not fit the 32 bits it has in the index.
    #[error("ledger position {0} is beyond what the index can hold (4294967295)")]
    PositionTooLarge(u64),
    /// A segment with more rows than its directory can count.
    #[error("more than 4294967295 rows in one segment")]
    SegmentTooLarge,
    /// A word that names no kind of entry.
    #[error(
        "unknown kind of entry {0:?}: opt-out, complaint, manual, undeliverable, consent or withdrawn"
    )]
    UnknownKind(String),
    /// A withdrawal that was taken for a fact.
    #[error("a withdrawal is no fact about an address")]
    NotAFact,
    /// A word that names no basis of a consent.
    #[error("unknown basis of a consent {0:?}: express, purchase or inquiry")]
    UnknownBasis(String),
    /// A scope name that is empty, too long, or holds control characters.
    #[error(
        "a scope is \"all\", \"commercial\", or the name of a list (1 to 200 bytes, no control characters)"
    )]
    BadScope,
    /// Text that is no date or time of the accepted forms.
    #[error("{0:?} is no date (2026-03-02) or time (2026-03-02T10:15:00Z)")]
    BadTime(String),
    /// A number of microseconds outside the years -9999 to 9999.
    #[error("{0} microseconds since 1970 is outside the calendar")]
    TimeOutOfRange(i64),
    /// Text that is not 64 hexadecimal digits.
    #[error("a digest is 64 hexadecimal digits")]
    BadDigest,
    /// Text that no form of a list of digests is written as.
    #[error("not the form of a list of digests")]
    BadHashedForm,
    /// A digest that another algorithm made than the list says.
    #[error("a digest of {found} bytes; those of {algorithm} have {wanted}")]
    DigestLength {
        /// The algorithm of the list.
        algorithm: &'static str,
        /// Bytes of its digests.
        wanted: usize,
        /// Bytes there are.
        found: usize,
    },
    /// Bytes that are no index snapshot.
    #[error("not an index snapshot: {0}")]
    NotASnapshot(&'static str),
    /// A snapshot of a version this program does not know.
    #[error("index snapshot of version {found}; this program reads version {known}")]
    SnapshotVersion {
        /// The version in the file.
        found: u32,
        /// The version this program writes.
        known: u32,
    },
    /// A snapshot whose bytes were changed or cut.
    #[error("damaged index snapshot: {0}")]
    SnapshotDamaged(&'static str),
    /// A snapshot made under another key, so that none of its rows would ever be found.
    #[error("index snapshot made under another key (key id {found}, ours is {ours})")]
    SnapshotKey {
        /// Key id in the file.
        found: u32,
        /// Key id of the hasher given.
        ours: u32,
    },
    /// Reading or writing the bytes failed.
    #[error("index snapshot: {0}")]
    Io(String),
}
