//! Command lines: against a decoder that looks at one byte after the other.

use smtp_wire::{FLOOD_MAX, LineDecoder, LineEvent, LineFault};

use crate::cut::{cut, ways};

#[derive(Debug, PartialEq, Eq)]
enum Event {
    Line(Vec<u8>),
    Fault(LineFault),
}

/// The first byte says how to cut, the second the limit, the rest is the stream.
pub fn line(data: &[u8]) {
    let Some((size, data)) = cut(data) else { return };
    let Some((limit, stream)) = data.split_first() else { return };
    let limit = 4 + usize::from(*limit);
    let expected = oracle(limit, stream);
    for pieces in ways(size, stream) {
        assert_eq!(decoded(limit, &pieces), expected, "in {} pieces", pieces.len());
    }
}

fn decoded(limit: usize, pieces: &[&[u8]]) -> Vec<Event> {
    let mut decoder = LineDecoder::new(limit);
    let mut events = Vec::new();
    for piece in pieces {
        let mut rest = *piece;
        loop {
            let (used, event) = decoder.decode(rest);
            rest = rest.get(used..).unwrap_or_default();
            match event {
                Some(LineEvent::Line(text)) => events.push(Event::Line(text.to_vec())),
                Some(LineEvent::Fault(fault)) => events.push(Event::Fault(fault)),
                None => break,
            }
        }
        assert!(rest.is_empty(), "without an event all is consumed");
    }
    events
}

/// What is known of the line so far.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Good,
    Told,
    TooLong,
    Flooded,
}

fn oracle(limit: usize, stream: &[u8]) -> Vec<Event> {
    let mut events = Vec::new();
    let (mut content, mut octets, mut after_cr) = (Vec::new(), 0, false);
    let mut standing = Standing::Good;
    for byte in stream {
        octets += 1;
        let ends = after_cr && *byte == b'\n';
        if standing == Standing::Good && !ends {
            let fault = match byte {
                _ if after_cr => Some(LineFault::BareCr),
                b'\n' => Some(LineFault::BareLf),
                0 => Some(LineFault::Nul),
                _ => None,
            };
            if let Some(fault) = fault {
                events.push(Event::Fault(fault));
                standing = Standing::Told;
            } else if *byte != b'\r' {
                content.push(*byte);
                if content.len() + 2 > limit {
                    standing = Standing::TooLong;
                }
            }
        }
        if octets > FLOOD_MAX && matches!(standing, Standing::Told | Standing::TooLong) {
            events.push(Event::Fault(LineFault::Flood));
            standing = Standing::Flooded;
        }
        if ends {
            match standing {
                Standing::Good => events.push(Event::Line(std::mem::take(&mut content))),
                Standing::TooLong => events.push(Event::Fault(LineFault::TooLong)),
                Standing::Told | Standing::Flooded => {}
            }
            content.clear();
            (octets, standing, after_cr) = (0, Standing::Good, false);
        } else {
            after_cr = *byte == b'\r';
        }
    }
    events
}

#[cfg(test)]
mod tests {
    use super::line;
    use crate::exercise::exercise;

    #[test]
    fn corpus() {
        exercise("line", line, &[b"\r\n", b"\r", b"\n", b"\0", b"\r\r\n", b"NOOP\r\n", b"\xff"]);
    }

    #[test]
    fn a_flood() {
        for octets in 65_530..65_540 {
            let mut data = vec![b'?', 100];
            data.resize(octets, b'x');
            data.extend_from_slice(b"\r\nNOOP\r\n");
            line(&data);
        }
    }
}
