//! What an append did, as its caller hears of it.

/// What an append did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Appended {
    /// Rows added: the position of each, and its place among the entries given.
    pub added: Vec<(u64, usize)>,
    /// Entries that said nothing new.
    pub seen: usize,
    /// The rows that said it already, each with the place of the entry among those given; of
    /// entries that are the same fact, one.
    pub stood: Vec<(u64, usize)>,
    /// Rows that stand and have lapsed, and were said anew by rows that were added.
    pub lapsed: Vec<u64>,
    /// Of the entries added those that a mirrored list had left out for a while, in order: they
    /// are recorded without the date that the list gives, and count from now.
    pub back: Vec<usize>,
    /// Position of the ledger's last row before. The rows added follow it without a gap.
    pub before: u64,
    /// Position of the ledger's last row afterwards.
    pub head: u64,
}
