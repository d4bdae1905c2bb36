//! How a row of the index and the directory over rows are laid out: which bits of a key say
//! what, and which of them need not be stored. See [`segment`](crate::segment) for why.

/// Leading bits of the key that name its shard.
pub(crate) const SHARD_BITS: u32 = 4;
/// How many shards there are.
pub(crate) const SHARDS: usize = 1 << SHARD_BITS;
/// Bytes of a row with its whole key.
pub(crate) const ROW: usize = 24;
/// Most bits a directory has: 64 MiB of it, for a thousand million rows and more.
pub(crate) const BITS_MAX: u32 = 24;
/// How many rows a bucket has at least, and less than twice as many: a directory that small
/// stays in the cache (1 MiB for ten million rows), and the guess is three rows off, which is
/// the same line of the cache or the next.
const BUCKET: usize = 24;
/// A key and its packed fact, ordered as rows are.
pub(crate) type Pair = (u128, u64);

/// How many bits of directory suit that many rows.
pub(crate) fn bits_for(rows: usize) -> u32 {
    (rows / BUCKET).checked_ilog2().unwrap_or(0).min(BITS_MAX)
}

/// Bytes of a row that belongs to a directory of that many bits.
pub(crate) fn stride_for(bits: u32) -> usize {
    ROW - dropped(bits)
}

/// Whole bytes of the key that shard and directory imply.
pub(crate) fn dropped(bits: u32) -> usize {
    usize::try_from((SHARD_BITS + bits) / 8).unwrap_or(0)
}

/// The shard of a key.
pub(crate) fn shard_of(key: u128) -> u8 {
    u8::try_from(key >> (128 - SHARD_BITS)).unwrap_or(0)
}

pub(crate) fn bucket_of(key: u128, bits: u32) -> usize {
    usize::try_from((key << SHARD_BITS).checked_shr(128 - bits).unwrap_or(0)).unwrap_or(usize::MAX)
}

/// Splits a whole row.
pub(crate) fn pair(row: &[u8; ROW]) -> Pair {
    let [key @ .., a, b, c, d, e, f, g, h] = row;
    (u128::from_be_bytes(*key), u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]))
}

/// Makes a whole row.
pub(crate) fn row((key, payload): Pair) -> [u8; ROW] {
    let mut row = [0; ROW];
    for (byte, value) in
        row.iter_mut().zip(key.to_be_bytes().into_iter().chain(payload.to_be_bytes()))
    {
        *byte = value;
    }
    row
}

/// Fills a directory while rows are handed in in ascending order.
pub(crate) struct DirectoryWriter {
    bits: u32,
    directory: Vec<u32>,
    rows: u32,
}

impl DirectoryWriter {
    pub(crate) fn new(bits: u32) -> Self {
        Self { bits, directory: Vec::with_capacity((1 << bits) + 1), rows: 0 }
    }

    pub(crate) fn push(&mut self, key: u128) {
        let bucket = bucket_of(key, self.bits);
        while self.directory.len() <= bucket {
            self.directory.push(self.rows);
        }
        // `Batch` and `Merge` keep a segment below 2^32 rows.
        self.rows = self.rows.saturating_add(1);
    }

    pub(crate) fn finish(mut self) -> Vec<u32> {
        self.directory.resize((1 << self.bits) + 1, self.rows);
        self.directory
    }
}
