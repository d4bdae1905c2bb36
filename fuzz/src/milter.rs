//! A filter that may say anything: no cut of its bytes means something else, what it says can be
//! shown, and what it was not allowed it cannot do.

use milter::{
    Actions, Awaits, Change, Connection, Event, Macros, MilterError, Step, Verdict, Wanted,
};

use crate::cut::cut;

/// Octets of changes to a message.
const CHANGES_MAX: usize = 200;

/// The first byte says how to cut, the second what is wanted, the rest is what the filter says,
/// from its first octet on. After each of its verdicts the next command is told.
pub fn milter(data: &[u8]) {
    let Some((size, stream)) = cut(data) else { return };
    let Some((wanted, stream)) = stream.split_first() else { return };
    let actions = match wanted % 4 {
        0 => Actions::NONE,
        1 => Actions::ADD_HEADERS,
        2 => Actions::CHANGE_HEADERS | Actions::CHANGE_BODY,
        _ => Actions::content(),
    };
    let whole = heard(actions, stream, usize::MAX);
    assert_eq!(whole, heard(actions, stream, size), "in pieces of {size}");
    assert_eq!(whole, heard(actions, stream, 1), "byte by byte");
    is_sound(actions, &whole);
}

/// What was heard, and after which command.
fn heard(actions: Actions, mut stream: &[u8], size: usize) -> Vec<(Step, Event)> {
    let mut connection = Connection::new(Wanted { actions, changes_max: CHANGES_MAX });
    assert_eq!(connection.negotiate(), Ok(Awaits::Reply));
    let mut step = Step::Negotiate;
    let mut events = Vec::new();
    while !stream.is_empty() {
        let (reply, later) = stream.split_at(reply_end(stream));
        stream = later;
        for piece in reply.chunks(size) {
            connection.handle_bytes(piece);
            events.extend(std::iter::from_fn(|| Some((step, connection.poll_event()?))));
        }
        if connection.negotiated().is_some() && !connection.is_awaiting() {
            step = tell(&mut connection, step);
        }
        assert!(connection.output().len() < 1000);
        connection.output().clear();
    }
    events
}

/// Up to and with the packet that ends the first reply.
fn reply_end(stream: &[u8]) -> usize {
    let mut end = 0;
    while let Some((length, rest)) = stream.get(end..).and_then(<[u8]>::split_first_chunk) {
        let length = u32::from_be_bytes(*length) as usize;
        end += 4 + length;
        match rest.first() {
            Some(b'p' | b'h' | b'i' | b'm' | b'b') if length > 0 => {}
            _ => break,
        }
    }
    if end == 0 { stream.len() } else { end.min(stream.len()) }
}

/// Tells commands until one has a reply.
fn tell(connection: &mut Connection, mut step: Step) -> Step {
    let macros = Macros::new();
    loop {
        let awaits = match step {
            Step::Negotiate => connection.connect("c", None, &macros),
            Step::Connect => connection.helo("h", &macros),
            Step::Helo | Step::EndOfBody => connection.mail("<>", &[], &macros),
            Step::Mail => connection.rcpt("<r@x>", &[], &macros),
            Step::Rcpt => connection.data(&macros),
            Step::Data => connection.header(b"A", b" 1"),
            Step::Header => connection.end_of_header(&macros),
            Step::EndOfHeader => connection.body(b"x\r\n"),
            Step::Body => connection.end_of_body(&macros),
        };
        step = match step {
            Step::Negotiate => Step::Connect,
            Step::Connect => Step::Helo,
            Step::Helo | Step::EndOfBody => Step::Mail,
            Step::Mail => Step::Rcpt,
            Step::Rcpt => Step::Data,
            Step::Data => Step::Header,
            Step::Header => Step::EndOfHeader,
            Step::EndOfHeader => Step::Body,
            Step::Body => Step::EndOfBody,
        };
        match awaits {
            Ok(Awaits::Nothing) => assert_ne!(step, Step::EndOfBody),
            Ok(Awaits::Reply) => return step,
            Err(error) => unreachable!("{step}: {error}"),
        }
    }
}

fn is_sound(actions: Actions, events: &[(Step, Event)]) {
    let mut changed = 0;
    for (at, (step, event)) in events.iter().enumerate() {
        match event {
            Event::Failed(error) => {
                assert_eq!(at + 1, events.len(), "something behind {error}");
                let ours =
                    matches!(error, MilterError::Oversize { .. } | MilterError::OutOfOrder(_));
                assert!(!ours && error.to_string().len() < 100, "{error}");
            }
            Event::Change(change) => {
                assert_eq!(*step, Step::EndOfBody);
                assert!(actions.contains(change.action()));
                changed += change.octets();
                assert!(changed <= CHANGES_MAX);
                if let Change::SetHeader { index, .. } = change {
                    assert!(*index > 0);
                }
            }
            Event::Negotiated(negotiated) => {
                assert_eq!((at, *step), (0, Step::Negotiate));
                assert!((2..=6).contains(&negotiated.version));
                assert!(actions.contains(negotiated.actions));
            }
            Event::Progress => assert_ne!(*step, Step::Negotiate),
            Event::Verdict(verdict) => {
                changed = 0;
                let Verdict::Reply(reply) = verdict else { continue };
                assert!((400..600).contains(&reply.code));
                let lines: Vec<_> = reply.text.split('\n').collect();
                assert!(lines.len() <= 32 && lines.iter().all(|line| line.len() <= 980));
                let shown = |octet| matches!(octet, b'\t' | b' '..=b'~');
                assert!(lines.iter().all(|line| line.bytes().all(shown)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::exercise::exercise;

    #[test]
    fn seeds_and_mutations() {
        let words: &[&[u8]] = &[
            b"\0\0\0\x01c",
            b"\0\0\0\x01a",
            b"\0\0\0\x01s",
            b"\0\0\0\x01p",
            b"\0\0\0\x01r",
            b"\0\0\0\x0eO\0\0\0\x06\0\0\x01\xff\0\0\0\0\0",
            b"\0\0\0\x05hA\0v\0",
            b"\0\0\0\x09m\0\0\0\x01A\0v\0",
            b"\0\0\0\x09i\0\0\0\0A\0v\0",
            b"\0\0\0\x05bbody",
            b"\0\0\0\x0ey550 5.7.1 no\0",
            b"\0\0\0\x06+<x>\0\0",
            b"550-",
            b"\r\n",
            b"%%",
            b"\0",
            b"\xff",
        ];
        exercise("milter", super::milter, words);
    }
}
