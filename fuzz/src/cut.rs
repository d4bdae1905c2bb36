//! Splitting: the same bytes, cut anywhere, must give the same events.

/// The first byte says into pieces of which size (1 to 64) the others are cut.
pub(crate) fn cut(data: &[u8]) -> Option<(usize, &[u8])> {
    let (size, stream) = data.split_first()?;
    Some((usize::from(*size) % 64 + 1, stream))
}

/// The stream as one piece, in pieces of that size, and byte by byte.
pub(crate) fn ways(size: usize, stream: &[u8]) -> [Vec<&[u8]>; 3] {
    [vec![stream], stream.chunks(size).collect(), stream.chunks(1).collect()]
}
