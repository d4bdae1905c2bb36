//! Packets: a length, a letter, data.
//!
//! Invariant: the same bytes cut anywhere give the same packets; never more is kept than one
//! packet has.

use crate::error::MilterError;

/// Octets of a body that go into one packet at most (`MILTER_CHUNK_SIZE`).
pub const BODY_CHUNK_MAX: usize = 65535;

/// Octets of data that a command has at most: what libmilter reads (`MILTER_MAX_DATA_SIZE`).
pub(crate) const COMMAND_DATA_MAX: usize = 65535;

/// Octets behind the length that a filter's packet has at most: the letter, and the largest data
/// that the protocol knows how to agree on (`SMFIP_MDS_1M`). We do not agree on it, but some
/// filters write a new body in pieces somewhat larger than libmilter does.
pub(crate) const REPLY_LENGTH_MAX: usize = 1024 * 1024;

/// Octets of memory that are kept between packets.
const KEPT_MAX: usize = 4096;

const LENGTH_OCTETS: usize = 4;

/// Cuts a stream of bytes into packets.
#[derive(Debug, Default)]
pub(crate) struct PacketDecoder {
    /// What was not handed out yet.
    held: Vec<u8>,
    /// How much of it was.
    done: usize,
}

/// A packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Packet<'a> {
    pub(crate) letter: u8,
    pub(crate) data: &'a [u8],
}

impl PacketDecoder {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.held.drain(..self.done);
        self.done = 0;
        // A new body may have been large; most replies have five octets.
        if self.held.is_empty() {
            self.held.shrink_to(KEPT_MAX);
        }
        self.held.extend_from_slice(bytes);
    }

    /// The next complete packet. After an error the stream makes no sense any more.
    pub(crate) fn next(&mut self) -> Option<Result<Packet<'_>, MilterError>> {
        let rest = self.held.get(self.done..).unwrap_or_default();
        let (length, rest) = integer(rest)?;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length == 0 {
            return Some(Err(MilterError::Empty));
        }
        if length > REPLY_LENGTH_MAX {
            return Some(Err(MilterError::TooLong { length, limit: REPLY_LENGTH_MAX }));
        }
        let (letter, data) = rest.get(..length)?.split_first()?;
        self.done += LENGTH_OCTETS + length;
        Some(Ok(Packet { letter: *letter, data }))
    }

    /// Whether there are bytes that were not handed out.
    pub(crate) fn has_bytes(&self) -> bool {
        self.done < self.held.len()
    }
}

/// Writes a packet whose data are these pieces, one behind another.
pub(crate) fn encode(out: &mut Vec<u8>, letter: u8, pieces: &[&[u8]]) -> Result<(), MilterError> {
    let octets: usize = pieces.iter().map(|piece| piece.len()).sum();
    if octets > COMMAND_DATA_MAX {
        return Err(MilterError::Oversize { letter: letter.into(), octets });
    }
    let length = u32::try_from(octets + 1).unwrap_or(u32::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.push(letter);
    for piece in pieces {
        out.extend_from_slice(piece);
    }
    Ok(())
}

/// A number at the front, and the rest.
pub(crate) fn integer(data: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = data.split_first_chunk::<LENGTH_OCTETS>()?;
    Some((u32::from_be_bytes(*number), rest))
}

/// A string up to its NUL, and the rest.
pub(crate) fn string(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr::memchr(0, data)?;
    Some((data.get(..end)?, data.get(end + 1..)?))
}

/// What of a value can be a string: nothing from its first NUL on, as there is no way to tell a
/// filter of one. What comes from a mail session has none.
pub(crate) fn without_nul(value: &[u8]) -> &[u8] {
    memchr::memchr(0, value).and_then(|end| value.get(..end)).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decoded(pieces: &[&[u8]]) -> Vec<Result<(u8, Vec<u8>), MilterError>> {
        let mut decoder = PacketDecoder::default();
        let mut found = Vec::new();
        for piece in pieces {
            decoder.push(piece);
            while let Some(packet) = decoder.next() {
                let end = packet.is_err();
                found.push(packet.map(|packet| (packet.letter, packet.data.to_vec())));
                if end {
                    return found;
                }
            }
        }
        found
    }

    #[test]
    fn packets_may_have_data_up_to_the_limits() {
        let long = vec![b'x'; REPLY_LENGTH_MAX - 1];
        let mut bytes = u32::try_from(REPLY_LENGTH_MAX).unwrap().to_be_bytes().to_vec();
        bytes.push(b'b');
        bytes.extend_from_slice(&long);
        bytes.extend_from_slice(b"\0\0\0\x01c");
        assert_eq!(decoded(&[&bytes]), [Ok((b'b', long)), Ok((b'c', Vec::new()))]);

        let mut out = Vec::new();
        let most = vec![b'x'; COMMAND_DATA_MAX];
        encode(&mut out, b'B', &[&most]).unwrap();
        assert_eq!(decoded(&[&out]), [Ok((b'B', most.clone()))]);
        out.clear();
        let octets = COMMAND_DATA_MAX + 1;
        let error = encode(&mut out, b'B', &[&most, b"x"]);
        assert_eq!(error, Err(MilterError::Oversize { letter: 'B', octets }));
        assert!(out.is_empty());
    }

    #[test]
    fn lengths_that_cannot_be_are_told_before_the_packet_is_there() {
        assert_eq!(decoded(&[b"\0\0\0\0"]), [Err(MilterError::Empty)]);
        let length = REPLY_LENGTH_MAX + 1;
        let bytes = u32::try_from(length).unwrap().to_be_bytes();
        let too_long = MilterError::TooLong { length, limit: REPLY_LENGTH_MAX };
        assert_eq!(decoded(&[&bytes]), [Err(too_long)]);
        // "220 ", the beginning of another protocol.
        let error = decoded(&[b"220 mail.example ESMTP\r\n"]).pop().unwrap().unwrap_err();
        assert!(error.to_string().ends_with("is this a milter?"), "{error}");
    }

    #[test]
    fn memory_of_a_large_packet_is_given_back() {
        let mut decoder = PacketDecoder::default();
        decoder.push(&100_000_u32.to_be_bytes());
        decoder.push(&[b'b'; 100_000]);
        assert!(decoder.next().is_some());
        decoder.push(b"");
        assert!(decoder.held.capacity() <= KEPT_MAX);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_however_it_is_cut(
            packets in proptest::collection::vec((any::<u8>(), proptest::collection::vec(any::<u8>(), 0..20)), 0..6),
            size in 1..12usize,
        ) {
            let mut out = Vec::new();
            for (letter, data) in &packets {
                let (first, second) = data.split_at(data.len() / 2);
                encode(&mut out, *letter, &[first, second]).unwrap();
            }
            let pieces: Vec<_> = out.chunks(size).collect();
            let packets: Vec<_> = packets.into_iter().map(Ok).collect();
            prop_assert_eq!(decoded(&pieces), packets);
        }
    }
}
