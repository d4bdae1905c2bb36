//! Mail data: against a decoder that looks at one byte after the other, and against its inverse.

use smtp_wire::{DataDecoder, DataEncoder, DataFault, DataStep};

use crate::cut::{cut, ways};

/// What came of a stream.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    content: Vec<u8>,
    fault: Option<DataFault>,
    /// Octets up to and including the end.
    end: Option<usize>,
    eight_bit: bool,
}

/// The first byte says how to cut, the rest is what follows the DATA command.
pub fn data(data: &[u8]) {
    let Some((size, stream)) = cut(data) else { return };
    let expected = oracle(stream);
    for pieces in ways(size, stream) {
        assert_eq!(decoded(&pieces), expected, "in {} pieces", pieces.len());
    }
    let Outcome { content, fault: None, end: Some(end), .. } = expected else { return };
    for pieces in ways(size, &content) {
        let stuffed = encoded(&pieces);
        let again = decoded(&[&stuffed]);
        assert_eq!((&again.content, again.fault, again.end), (&content, None, Some(stuffed.len())));
        let sent = stream.get(..end).unwrap_or_default();
        if is_canonical(sent) {
            assert_eq!(stuffed, sent, "stuff(unstuff(x)) == x");
        }
    }
}

fn decoded(pieces: &[&[u8]]) -> Outcome {
    let mut decoder = DataDecoder::new();
    let (mut outcome, mut consumed) = (Outcome::default(), 0);
    'pieces: for piece in pieces {
        let mut rest = *piece;
        loop {
            let (used, step) = decoder.decode(rest);
            consumed += used;
            rest = rest.get(used..).unwrap_or_default();
            match step {
                DataStep::NeedMore => break,
                DataStep::Content(span) => {
                    assert!(!span.is_empty() && outcome.fault.is_none());
                    outcome.content.extend_from_slice(span);
                }
                DataStep::Fault(fault) => assert_eq!(outcome.fault.replace(fault), None),
                DataStep::End => {
                    outcome.end = Some(consumed);
                    break 'pieces;
                }
            }
        }
        assert!(rest.is_empty(), "NeedMore has consumed all");
    }
    outcome.eight_bit = decoder.saw_eight_bit();
    outcome
}

fn oracle(stream: &[u8]) -> Outcome {
    let mut outcome = Outcome::default();
    // The CRLF that ended the DATA command is the first of CRLF.CRLF.
    let mut before = *b"\0\0\0\r\n";
    for (at, byte) in stream.iter().enumerate() {
        let [_, second, third, fourth, last] = before;
        let fault = match (last, byte) {
            (b'\r', b'\n') => None,
            (b'\r', _) => Some(DataFault::BareCr),
            (_, b'\n') => Some(DataFault::BareLf),
            (_, 0) => Some(DataFault::Nul),
            _ => None,
        };
        outcome.fault = outcome.fault.or(fault);
        before = [second, third, fourth, last, *byte];
        if before == *b"\r\n.\r\n" {
            outcome.end = Some(at + 1);
            break;
        }
        let stuffing = *byte == b'.' && (fourth, last) == (b'\r', b'\n');
        match byte {
            _ if outcome.fault.is_some() || stuffing => {}
            b'\r' => {}
            b'\n' => outcome.content.extend_from_slice(b"\r\n"),
            byte => outcome.content.push(*byte),
        }
    }
    outcome.eight_bit = !outcome.content.is_ascii();
    outcome
}

fn encoded(pieces: &[&[u8]]) -> Vec<u8> {
    let (mut encoder, mut out) = (DataEncoder::new(), Vec::new());
    pieces.iter().for_each(|piece| encoder.encode(piece, &mut out));
    encoder.finish(&mut out);
    out
}

/// Whether every line that begins with a dot begins with two, but the last one.
fn is_canonical(sent: &[u8]) -> bool {
    let lines = sent.strip_suffix(b".\r\n").unwrap_or_default();
    lines
        .split(|byte| *byte == b'\n')
        .all(|line| !line.starts_with(b".") || line.starts_with(b".."))
}

#[cfg(test)]
mod tests {
    use crate::exercise::exercise;

    #[test]
    fn corpus() {
        let words: &[&[u8]] = &[
            b"\r\n.\r\n",
            b"\r\n",
            b"\r\n.",
            b"\r\n..",
            b"\n.\n",
            b"\r",
            b"\n",
            b"\0",
            b".",
            b"\xe9",
            b"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        ];
        exercise("data", super::data, words);
    }
}
