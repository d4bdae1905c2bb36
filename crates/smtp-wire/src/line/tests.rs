use proptest::prelude::*;

use super::{COMMAND_LINE_MAX, FLOOD_MAX, LineDecoder, LineEvent, LineFault};

#[derive(Debug, Clone, PartialEq, Eq)]
enum Event {
    Line(Vec<u8>),
    Fault(LineFault),
}

fn line(text: &[u8]) -> Event {
    Event::Line(text.to_vec())
}

/// Feeds the chunks one after the other and collects what comes out.
fn events<'a>(limit: usize, chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<Event> {
    let mut decoder = LineDecoder::new(limit);
    let mut events = Vec::new();
    for chunk in chunks {
        let mut rest = chunk;
        loop {
            let (used, event) = decoder.decode(rest);
            match event {
                Some(LineEvent::Line(text)) => events.push(line(text)),
                Some(LineEvent::Fault(fault)) => events.push(Event::Fault(fault)),
                None => {
                    assert_eq!(used, rest.len(), "without an event all is consumed");
                    break;
                }
            }
            rest = &rest[used..];
        }
    }
    events
}

fn whole(input: &[u8]) -> Vec<Event> {
    events(COMMAND_LINE_MAX, [input])
}

fn byte_by_byte(limit: usize, input: &[u8]) -> Vec<Event> {
    events(limit, input.chunks(1))
}

#[test]
fn lines_end_with_crlf() {
    assert_eq!(whole(b"EHLO a\r\n\r\nQUIT\r\nRS"), [line(b"EHLO a"), line(b""), line(b"QUIT")]);
}

#[test]
fn a_whole_line_is_borrowed_from_the_input() {
    let input = b"NOOP\r\nQUIT\r\n".to_vec();
    let mut decoder = LineDecoder::new(COMMAND_LINE_MAX);
    let (used, event) = decoder.decode(&input);
    let Some(LineEvent::Line(text)) = event else { panic!("a line was expected") };
    assert_eq!((used, text.as_ptr()), (6, input.as_ptr()));
}

#[test]
fn golden_5_a_bare_lf_ends_no_command() {
    // Standards B.8, row 24.
    let found = whole(b"MAIL FROM:<a@b>\nRCPT TO:<c@d>\r\nQUIT\r\n");
    assert_eq!(found, [Event::Fault(LineFault::BareLf), line(b"QUIT")]);
}

#[test]
fn a_bare_lf_is_told_at_once_to_a_client_that_waits() {
    assert_eq!(whole(b"EHLO a\n"), [Event::Fault(LineFault::BareLf)]);
}

#[test]
fn two_commands_with_a_bare_cr_between_get_one_reply() {
    // Standards B.8, row 25.
    let found = whole(b"RCPT TO:<a@b>\rRCPT TO:<c@d>\r\n");
    assert_eq!(found, [Event::Fault(LineFault::BareCr)]);
}

#[test]
fn faults_are_told_once_for_each_line() {
    let cases: [(&[u8], &[Event]); 8] = [
        (b"a\0b\nc\rd\r\nX\r\n", &[Event::Fault(LineFault::Nul), line(b"X")]),
        (b"a\r\r\nX\r\n", &[Event::Fault(LineFault::BareCr), line(b"X")]),
        (b"\r\r\r\nX\r\n", &[Event::Fault(LineFault::BareCr), line(b"X")]),
        (b"\r\0\r\nX\r\n", &[Event::Fault(LineFault::BareCr), line(b"X")]),
        (b"\nX\r\nY\r\n", &[Event::Fault(LineFault::BareLf), line(b"Y")]),
        (b"\n\r\nY\r\n", &[Event::Fault(LineFault::BareLf), line(b"Y")]),
        (b"\0\r\nY\r\n", &[Event::Fault(LineFault::Nul), line(b"Y")]),
        (b"a\n\r", &[Event::Fault(LineFault::BareLf)]),
    ];
    for (input, expected) in cases {
        assert_eq!(whole(input), expected, "{input:?}");
        assert_eq!(byte_by_byte(COMMAND_LINE_MAX, input), expected, "{input:?} by bytes");
    }
}

#[test]
fn the_limit_counts_the_crlf() {
    for (content, fits) in [(4093, true), (4094, true), (4095, false)] {
        let mut input = vec![b'x'; content];
        input.extend_from_slice(b"\r\nQUIT\r\n");
        let first =
            if fits { line(&vec![b'x'; content]) } else { Event::Fault(LineFault::TooLong) };
        let expected = [first, line(b"QUIT")];
        assert_eq!(whole(&input), expected, "{content} octets");
        assert_eq!(byte_by_byte(COMMAND_LINE_MAX, &input), expected, "{content} octets by bytes");
    }
}

#[test]
fn a_line_that_is_too_long_is_told_at_its_end_only() {
    let mut input = vec![b'x'; 5000];
    assert_eq!(whole(&input), []);
    // What is no CRLF does not end it.
    input.extend_from_slice(b"\n.\r.\0\r\nQUIT\r\n");
    assert_eq!(whole(&input), [Event::Fault(LineFault::TooLong), line(b"QUIT")]);
}

#[test]
fn a_fault_behind_the_limit_is_one_of_length() {
    for (content, fault) in [(4094, LineFault::Nul), (4095, LineFault::TooLong)] {
        let mut input = vec![b'x'; content];
        input.extend_from_slice(b"\0\r\n");
        assert_eq!(whole(&input), [Event::Fault(fault)], "{content} octets");
    }
}

#[test]
fn a_flood_is_told_at_one_over_its_limit() {
    for (octets, expected) in [
        (FLOOD_MAX - 1, LineFault::TooLong),
        (FLOOD_MAX, LineFault::TooLong),
        (FLOOD_MAX + 1, LineFault::Flood),
    ] {
        let mut input = vec![b'x'; octets - 2];
        input.extend_from_slice(b"\r\nQUIT\r\n");
        let expected = [Event::Fault(expected), line(b"QUIT")];
        assert_eq!(whole(&input), expected, "{octets} octets");
        assert_eq!(byte_by_byte(COMMAND_LINE_MAX, &input), expected, "{octets} octets by bytes");
    }
}

#[test]
fn a_flood_behind_a_fault_is_told_too() {
    let mut input = b"\n".to_vec();
    input.resize(FLOOD_MAX + 100_000, b'x');
    assert_eq!(whole(&input), [Event::Fault(LineFault::BareLf), Event::Fault(LineFault::Flood)]);
}

#[test]
fn at_most_the_limit_is_kept() {
    let mut decoder = LineDecoder::new(64);
    for _ in 0..10_000 {
        assert!(matches!(decoder.decode(b"x").1, None | Some(LineEvent::Fault(_))));
        if let super::State::Partial { held } = &decoder.state {
            assert!(held.len() <= 64, "{} octets are held", held.len());
        }
    }
    assert!(!decoder.is_idle());
}

#[test]
fn nothing_is_kept_between_lines() {
    let mut decoder = LineDecoder::new(COMMAND_LINE_MAX);
    assert_eq!(decoder.decode(b"NO"), (2, None));
    assert!(!decoder.is_idle());
    assert_eq!(decoder.decode(b"OP\r\n"), (4, Some(LineEvent::Line(b"NOOP"))));
    assert!(decoder.is_idle());
    decoder.release();
    assert!(matches!(decoder.state, super::State::Idle));
}

/// The rule in its plainest form, for lines within the limits.
fn oracle(input: &[u8]) -> Vec<Event> {
    let mut events = Vec::new();
    let mut content = Vec::new();
    let mut told = false;
    let mut at = 0;
    while at < input.len() {
        let pair = (input[at], input.get(at + 1));
        let fault = match pair {
            (b'\r', Some(b'\n')) => {
                if !told {
                    events.push(Event::Line(std::mem::take(&mut content)));
                }
                content.clear();
                told = false;
                at += 2;
                continue;
            }
            (b'\r', Some(_)) => Some(LineFault::BareCr),
            (b'\n', _) => Some(LineFault::BareLf),
            (0, _) => Some(LineFault::Nul),
            _ => None,
        };
        match fault {
            Some(fault) if !told => {
                told = true;
                events.push(Event::Fault(fault));
            }
            _ => content.push(input[at]),
        }
        at += 1;
    }
    events
}

fn telling_bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(b"\r\r\n\n\0.aB ".to_vec()), 0..80)
}

proptest! {
    #[test]
    fn any_cut_gives_what_the_rule_says(input in telling_bytes(), cuts in prop::collection::vec(0..80usize, 0..6)) {
        let expected = oracle(&input);
        prop_assert_eq!(&events(COMMAND_LINE_MAX, [&input[..]]), &expected);
        prop_assert_eq!(&byte_by_byte(COMMAND_LINE_MAX, &input), &expected);
        prop_assert_eq!(&events(COMMAND_LINE_MAX, pieces(&input, &cuts)), &expected);
    }

    #[test]
    fn any_cut_gives_the_same_under_a_tight_limit(input in telling_bytes(), limit in 2..12usize, cuts in prop::collection::vec(0..80usize, 0..6)) {
        let expected = byte_by_byte(limit, &input);
        prop_assert_eq!(&events(limit, [&input[..]]), &expected);
        prop_assert_eq!(&events(limit, pieces(&input, &cuts)), &expected);
        for event in &expected {
            if let Event::Line(text) = event {
                prop_assert!(text.len() + 2 <= limit);
            }
        }
    }
}

/// `input` cut at the given places.
fn pieces<'a>(input: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<_> = cuts.iter().map(|cut| cut % (input.len() + 1)).collect();
    cuts.extend([0, input.len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|pair| &input[pair[0]..pair[1]]).collect()
}
