use proptest::prelude::*;

use super::*;
use crate::Verdict::{Continue, Reject};

const ALL_OF_OURS: u32 = 0x001f_f7ff;

/// A packet of the filter.
fn said(letter: u8, data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len() + 1).unwrap();
    [&length.to_be_bytes(), [letter].as_slice(), data].concat()
}

fn agreement(version: u32, actions: u32, flags: u32, lists: &[u8]) -> Vec<u8> {
    let numbers = [version, actions, flags].map(u32::to_be_bytes).concat();
    said(b'O', &[numbers.as_slice(), lists].concat())
}

fn wanted() -> Wanted {
    Wanted { actions: Actions::content(), changes_max: 1000 }
}

/// A connection to a filter that wants nothing special but these flags.
fn agreed(version: u32, flags: u32) -> Connection {
    agreed_upon(wanted(), &agreement(version, 0x113, flags, b""))
}

fn agreed_upon(wanted: Wanted, agreement: &[u8]) -> Connection {
    let mut connection = Connection::new(wanted);
    assert_eq!(connection.negotiate(), Ok(Awaits::Reply));
    connection.output().clear();
    connection.handle_bytes(agreement);
    assert!(matches!(connection.poll_event(), Some(Event::Negotiated(_))));
    connection
}

fn events(connection: &mut Connection, bytes: &[u8]) -> Vec<Event> {
    connection.handle_bytes(bytes);
    std::iter::from_fn(|| connection.poll_event()).collect()
}

fn none() -> Macros {
    Macros::new()
}

#[test]
fn the_offer_has_what_is_wanted_and_all_that_we_can() {
    for (actions, bits) in [(Actions::content(), 0x133), (Actions::NONE, 0x120)] {
        let mut connection = Connection::new(Wanted { actions, changes_max: 0 });
        assert_eq!(connection.negotiate(), Ok(Awaits::Reply));
        assert!(connection.is_awaiting());
        assert_eq!(*connection.output(), agreement(6, bits, ALL_OF_OURS, b""));
        let again = connection.negotiate();
        assert_eq!(again, Err(MilterError::OutOfOrder(Step::Negotiate)));
    }
}

#[test]
fn more_actions_than_were_offered_are_said_but_do_not_hold() {
    let mut connection = agreed_upon(
        Wanted { actions: Actions::ADD_HEADERS, changes_max: 99 },
        &agreement(6, 0x1ff, 0, b""),
    );
    let negotiated = connection.negotiated().unwrap();
    assert_eq!(negotiated.actions, Actions::ADD_HEADERS);
    assert_eq!(connection.end_of_body(&none()), Ok(Awaits::Reply));
    let added = events(&mut connection, &said(b'h', b"A\0x\0"));
    assert!(matches!(added.as_slice(), [Event::Change(Change::AddHeader { .. })]), "{added:?}");
    let replaced = events(&mut connection, &said(b'b', b"x"));
    let error = MilterError::NotNegotiated(Actions::CHANGE_BODY);
    assert_eq!(error.to_string(), "it wants to replace the body, which was not agreed upon");
    assert_eq!(replaced, [Event::Failed(error.clone())]);
    // For good.
    assert_eq!(connection.abort(), Err(error.clone()));
    assert_eq!(connection.mail("<>", &[], &none()), Err(error));
    assert_eq!(events(&mut connection, &said(b'c', b"")), []);
}

#[test]
fn the_envelope_is_never_changed() {
    for letter in *b"+-2e" {
        let mut connection = agreed(6, 0);
        assert_eq!(connection.end_of_body(&none()), Ok(Awaits::Reply));
        let error = MilterError::NotNegotiated(Actions::ENVELOPE);
        assert_eq!(events(&mut connection, &said(letter, b"<a@b>\0")), [Event::Failed(error)]);
    }
}

#[test]
fn what_is_to_be_put_aside_is_refused() {
    for last in [b'c', b'a'] {
        let mut connection = agreed(6, 0);
        assert_eq!(connection.end_of_body(&none()), Ok(Awaits::Reply));
        assert_eq!(events(&mut connection, &said(b'q', b"looks odd\0")), [Event::Progress]);
        assert!(connection.is_awaiting());
        let refused = events(&mut connection, &said(last, b""));
        assert_eq!(refused, [Event::Verdict(Reject)]);
        // The next message has nothing of it.
        assert_eq!(connection.mail("<a@b.example>", &[], &none()), Ok(Awaits::Reply));
        assert_eq!(events(&mut connection, &said(b'c', b"")), [Event::Verdict(Continue)]);
    }
    // Not before the message is complete.
    let mut connection = agreed(6, 0);
    assert_eq!(connection.data(&none()), Ok(Awaits::Reply));
    let error = MilterError::TooEarly(Step::Data);
    assert_eq!(events(&mut connection, &said(b'q', b"x\0")), [Event::Failed(error)]);
}

#[test]
fn versions_two_to_six_are_spoken() {
    for version in 2..=6 {
        let mut connection = agreed(version, 0);
        assert_eq!(connection.negotiated().unwrap().version, version);
        let awaits = if version < 4 { Awaits::Nothing } else { Awaits::Reply };
        assert_eq!(connection.data(&none()), Ok(awaits), "{version}");
    }
    for version in [0, 1, 7, u32::MAX] {
        let mut connection = Connection::new(wanted());
        assert_eq!(connection.negotiate(), Ok(Awaits::Reply));
        let failed = events(&mut connection, &agreement(version, 0, 0, b""));
        assert_eq!(failed, [Event::Failed(MilterError::Version(version))]);
    }
}

#[test]
fn a_negotiation_of_another_shape_fails() {
    for (bytes, error) in [
        (said(b'O', &[0; 11]), MilterError::Truncated(b'O')),
        (agreement(6, 0, 0, b"\0\0\0\x03i"), MilterError::Truncated(b'O')),
        (said(b'c', b""), MilterError::Unfit { letter: b'c', step: Step::Negotiate }),
        (b"\0\0\0\0".to_vec(), MilterError::Empty),
    ] {
        let mut connection = Connection::new(wanted());
        assert_eq!(connection.negotiate(), Ok(Awaits::Reply));
        assert_eq!(events(&mut connection, &bytes), [Event::Failed(error)]);
        assert!(connection.negotiated().is_none() && !connection.is_awaiting());
    }
}

/// Each step, by a command of the connection.
fn command(connection: &mut Connection, step: Step) -> Result<Awaits, MilterError> {
    match step {
        Step::Negotiate => connection.negotiate(),
        Step::Connect => connection.connect("c", None, &none()),
        Step::Helo => connection.helo("h", &none()),
        Step::Mail => connection.mail("<>", &[], &none()),
        Step::Rcpt => connection.rcpt("<r@x>", &[], &none()),
        Step::Data => connection.data(&none()),
        Step::Header => connection.header(b"A", b" 1"),
        Step::EndOfHeader => connection.end_of_header(&none()),
        Step::Body => connection.body(b"x\r\n"),
        Step::EndOfBody => connection.end_of_body(&none()),
    }
}

const STEPS: [Step; 9] = [
    Step::Connect,
    Step::Helo,
    Step::Mail,
    Step::Rcpt,
    Step::Data,
    Step::Header,
    Step::EndOfHeader,
    Step::Body,
    Step::EndOfBody,
];

#[test]
fn every_step_has_its_packet_and_its_flags() {
    let packets: [&[u8]; 9] =
        [b"Cc\0U", b"Hh\0", b"M<>\0", b"R<r@x>\0", b"T", b"LA\x001\0", b"N", b"Bx\r\n", b"E"];
    for (step, packet) in STEPS.into_iter().zip(packets) {
        let mut connection = agreed(6, 0);
        assert_eq!(command(&mut connection, step), Ok(Awaits::Reply));
        assert_eq!(*connection.output(), said(packet[0], &packet[1..]), "{step}");
        if step == Step::EndOfBody {
            // It is always told and always answered.
            continue;
        }
        let mut connection = agreed(6, step.unwanted());
        assert!(!connection.negotiated().unwrap().tells(step));
        assert_eq!(command(&mut connection, step), Ok(Awaits::Nothing));
        assert!(connection.output().is_empty(), "{step}");

        let mut connection = agreed(6, step.unanswered());
        assert!(!connection.negotiated().unwrap().replies(step));
        assert_eq!(command(&mut connection, step), Ok(Awaits::Nothing));
        assert_eq!(*connection.output(), said(packet[0], &packet[1..]), "{step}");
        let unasked = events(&mut connection, &said(b'c', b""));
        assert_eq!(unasked, [Event::Failed(MilterError::Unasked)]);
    }
}

#[test]
fn clients_have_an_address_or_none() {
    for (address, data) in [
        ("192.0.2.1:25", b"c\x004\0\x19192.0.2.1\0".as_slice()),
        ("[::ffff:192.0.2.1]:25", b"c\x004\0\x19192.0.2.1\0"),
        ("[2001:db8::1]:65535", b"c\x006\xff\xff2001:db8::1\0"),
    ] {
        let mut connection = agreed(6, 0);
        let awaits = connection.connect("c", address.parse().ok(), &none());
        assert_eq!(awaits, Ok(Awaits::Reply));
        assert_eq!(*connection.output(), said(b'C', data));
    }
}

#[test]
fn the_usual_macros_go_with_their_step_even_if_it_is_not_told() {
    let mut macros = Macros::new();
    macros.set("i", "1");
    macros.set("{rcpt_addr}", "old");
    macros.set("{rcpt_addr}", "a\0b");
    macros.set("{client_addr}", "192.0.2.1");
    macros.set("j", "gone");
    macros.unset("j");
    assert_eq!(macros.get("j"), None);
    let mut connection = agreed(6, Step::Rcpt.unwanted());
    assert_eq!(connection.rcpt("<x@y>", &[], &macros), Ok(Awaits::Nothing));
    assert_eq!(*connection.output(), said(b'D', b"Ri\x001\0{rcpt_addr}\0a\0"));
    connection.output().clear();
    assert_eq!(connection.connect("c", None, &macros), Ok(Awaits::Reply));
    let expected = [said(b'D', b"C{client_addr}\x00192.0.2.1\0"), said(b'C', b"c\0U")].concat();
    assert_eq!(*connection.output(), expected);
}

#[test]
fn a_filter_may_ask_for_other_macros() {
    let lists = b"\0\0\0\x02 {mail_addr}  i,v\0\0\0\0\x05\0\0\0\0\x09later\0\0\0\0\x03rcpt_addr\0";
    let mut connection = agreed_upon(wanted(), &agreement(6, 0x113, 0, lists));
    let mut macros = Macros::new();
    macros.set("i", "1");
    macros.set("{mail_addr}", "a");
    macros.set("{rcpt_addr}", "b");
    let mut told = |step: fn(&mut Connection, &Macros) -> Result<Awaits, MilterError>| {
        assert_eq!(step(&mut connection, &macros), Ok(Awaits::Reply));
        connection.handle_bytes(&said(b'c', b""));
        let output = std::mem::take(connection.output());
        let macros = output.split_at(4 + usize::from(output[3])).0.to_vec();
        if macros[4] == b'D' { macros } else { Vec::new() }
    };
    let mail = told(|connection, macros| connection.mail("<a>", &[], macros));
    assert_eq!(mail, said(b'D', b"M{mail_addr}\0a\0i\x001\0"));
    let rcpt = told(|connection, macros| connection.rcpt("<b>", &[], macros));
    assert_eq!(rcpt, said(b'D', b"R{rcpt_addr}\0b\0"));
    assert_eq!(told(Connection::end_of_body), b"");
    assert_eq!(told(Connection::end_of_header), said(b'D', b"Ni\x001\0"));
}

#[test]
fn values_keep_their_leading_space_only_where_it_was_agreed_upon() {
    for (flags, first, second, change) in [
        (0, "LSubject\0a\n\tb \0", "LX\0\tc\0", " v"),
        (0x10_0000, "LSubject\0 a\n\tb \0", "LX\0\tc\0", "v"),
    ] {
        let mut connection = agreed(6, flags | Step::Header.unanswered());
        assert_eq!(connection.header(b"Subject", b" a\r\n\tb "), Ok(Awaits::Nothing));
        assert_eq!(connection.header(b"X", b"\tc"), Ok(Awaits::Nothing));
        let packets = [first, second].map(|data| said(b'L', &data.as_bytes()[1..])).concat();
        assert_eq!(*connection.output(), packets);
        assert_eq!(connection.end_of_body(&none()), Ok(Awaits::Reply));
        let value = change.as_bytes().to_vec();
        let bytes = [
            said(b'h', b"A\0v\0"),
            said(b'i', b"\0\0\0\0A\0v\0"),
            said(b'i', b"\0\0\0\x05A\0v\0"),
            said(b'm', b"\0\0\0\0A\0v\0"),
            said(b'm', b"\0\0\0\x02A\0\0"),
        ];
        let name = b"A".to_vec();
        let changes = [
            Change::AddHeader { name: name.clone(), value: value.clone() },
            Change::InsertHeader { index: 0, name: name.clone(), value: value.clone() },
            Change::InsertHeader { index: 4, name: name.clone(), value: value.clone() },
            Change::SetHeader { index: 1, name: name.clone(), value: Some(value) },
            Change::SetHeader { index: 2, name, value: None },
        ];
        assert_eq!(events(&mut connection, &bytes.concat()), changes.map(Event::Change));
    }
}

#[test]
fn what_does_not_fit_into_a_packet_is_an_error_and_not_sent() {
    let mut connection = agreed(6, 0);
    let too_long = vec![b'x'; 65534];
    let error = connection.header(b"A", &too_long);
    assert_eq!(error, Err(MilterError::Oversize { letter: 'L', octets: 65537 }));
    let error = connection.body(&[b'x'; BODY_CHUNK_MAX + 1]);
    assert_eq!(error, Err(MilterError::Oversize { letter: 'B', octets: 65536 }));
    let mut macros = Macros::new();
    macros.set("i", "1");
    let path = "x".repeat(65535);
    let error = connection.mail(&path, &[], &macros);
    assert_eq!(error, Err(MilterError::Oversize { letter: 'M', octets: 65536 }));
    assert!(connection.output().is_empty() && !connection.is_awaiting());
    assert_eq!(connection.body(&[b'x'; BODY_CHUNK_MAX]), Ok(Awaits::Reply));
}

#[test]
fn one_reply_at_a_time() {
    let mut connection = agreed(6, 0);
    assert_eq!(connection.helo("h", &none()), Ok(Awaits::Reply));
    let early = connection.mail("<>", &[], &none());
    assert_eq!(early, Err(MilterError::OutOfOrder(Step::Mail)));
    let heard = events(&mut connection, &[said(b'p', b""), said(b'c', b"")].concat());
    assert_eq!(heard, [Event::Progress, Event::Verdict(Continue)]);
    assert!(!connection.is_awaiting());
    // The first octet already.
    assert_eq!(events(&mut connection, b"\0"), [Event::Failed(MilterError::Unasked)]);
}

#[test]
fn every_verdict_has_its_letter() {
    for (letter, verdict) in [
        (b'c', Continue),
        (b'a', Verdict::Accept),
        (b'r', Reject),
        (b't', Verdict::TempFail),
        (b'd', Verdict::Discard),
        (b'f', Verdict::ConnectionFail),
        (b'4', Verdict::Shutdown),
    ] {
        for step in STEPS {
            let mut connection = agreed(6, 0);
            assert_eq!(command(&mut connection, step), Ok(Awaits::Reply));
            let heard = events(&mut connection, &said(letter, b""));
            assert_eq!(heard, [Event::Verdict(verdict.clone())]);
        }
        let mut connection = agreed(6, 0);
        assert_eq!(connection.helo("h", &none()), Ok(Awaits::Reply));
        let heard = events(&mut connection, &said(letter, b"x"));
        assert_eq!(heard, [Event::Failed(MilterError::Truncated(letter))]);
    }
}

#[test]
fn replies_that_make_no_sense_where_they_come() {
    let unfit = |letter, step| MilterError::Unfit { letter, step };
    for (step, packet, error) in [
        (Step::Helo, said(b'h', b"A\0v\0"), MilterError::TooEarly(Step::Helo)),
        (Step::Body, said(b'b', b"x"), MilterError::TooEarly(Step::Body)),
        (Step::Rcpt, said(b'+', b"<x>\0"), MilterError::TooEarly(Step::Rcpt)),
        (Step::Helo, said(b's', b""), unfit(b's', Step::Helo)),
        (Step::EndOfBody, said(b's', b""), unfit(b's', Step::EndOfBody)),
        (Step::Mail, said(b'O', &[0; 12]), unfit(b'O', Step::Mail)),
        (Step::Mail, said(b'l', b""), unfit(b'l', Step::Mail)),
        (Step::Mail, said(b'Z', b""), MilterError::UnknownReply(b'Z')),
        (Step::EndOfBody, said(b'h', b"A\0v"), MilterError::Truncated(b'h')),
        (Step::EndOfBody, said(b'h', b"A\0v\0x"), MilterError::Truncated(b'h')),
        (Step::EndOfBody, said(b'm', b"\0\0\0\x01A\0"), MilterError::Truncated(b'm')),
        (Step::EndOfBody, said(b'i', b"\0\0\0"), MilterError::Truncated(b'i')),
        (Step::Mail, said(b'y', b"250 ok\0"), MilterError::ReplyCode("no 4yz or 5yz")),
    ] {
        let mut connection = agreed(6, 0);
        assert_eq!(command(&mut connection, step), Ok(Awaits::Reply));
        assert_eq!(events(&mut connection, &packet), [Event::Failed(error)]);
    }
}

#[test]
fn what_is_to_be_skipped_is_skipped_until_the_message_is_over() {
    for ends_by_abort in [true, false] {
        let mut connection = agreed(6, 0);
        assert_eq!(connection.body(b"1"), Ok(Awaits::Reply));
        assert_eq!(events(&mut connection, &said(b's', b"")), [Event::Verdict(Verdict::Skip)]);
        connection.output().clear();
        assert_eq!(connection.body(b"2"), Ok(Awaits::Nothing));
        assert!(connection.output().is_empty());
        if ends_by_abort {
            connection.abort().unwrap();
        } else {
            assert_eq!(connection.end_of_body(&none()), Ok(Awaits::Reply));
            events(&mut connection, &said(b'c', b""));
        }
        assert_eq!(connection.mail("<>", &[], &none()), Ok(Awaits::Reply));
        events(&mut connection, &said(b'c', b""));
        assert_eq!(connection.body(b"3"), Ok(Awaits::Reply));
    }
}

#[test]
fn a_reply_that_comes_behind_an_abort_is_nobodys() {
    let mut connection = agreed(6, 0);
    assert_eq!(connection.end_of_body(&none()), Ok(Awaits::Reply));
    connection.abort().unwrap();
    assert!(connection.is_awaiting());
    assert_eq!(connection.mail("<>", &[], &none()), Ok(Awaits::Reply));
    connection.abort().unwrap();
    assert_eq!(connection.mail("<>", &[], &none()), Ok(Awaits::Reply));
    let late = [said(b'p', b""), said(b'h', b"A\0v\0"), said(b'a', b""), said(b'r', b"")].concat();
    assert_eq!(events(&mut connection, &late), []);
    assert_eq!(events(&mut connection, &said(b'c', b"")), [Event::Verdict(Continue)]);
    assert!(!connection.is_awaiting());
}

#[test]
fn changes_have_a_limit_for_each_message() {
    let mut connection = agreed_upon(
        Wanted { actions: Actions::content(), changes_max: 10 },
        &agreement(6, 0x113, 0, b""),
    );
    for _ in 0..2 {
        assert_eq!(connection.mail("<>", &[], &none()), Ok(Awaits::Reply));
        events(&mut connection, &said(b'c', b""));
        assert_eq!(connection.end_of_body(&none()), Ok(Awaits::Reply));
        let heard = events(&mut connection, &[said(b'b', &[b'x'; 10]), said(b'c', b"")].concat());
        assert!(matches!(heard[..], [Event::Change(Change::Body(_)), Event::Verdict(_)]));
    }
    assert_eq!(connection.end_of_body(&none()), Ok(Awaits::Reply));
    let heard = events(&mut connection, &said(b'h', b"A\0x\0"));
    assert_eq!(heard, [Event::Failed(MilterError::TooMuch { limit: 10 })]);
}

#[test]
fn nothing_is_said_or_heard_behind_quit() {
    let mut connection = agreed(6, 0);
    connection.quit();
    connection.quit();
    assert_eq!(*connection.output(), said(b'Q', b""));
    let error = connection.helo("h", &none());
    assert_eq!(error, Err(MilterError::OutOfOrder(Step::Helo)));
    assert_eq!(connection.abort(), Err(MilterError::OutOfOrder(Step::Mail)));
    assert_eq!(events(&mut connection, b"\0"), []);
}

#[test]
fn nothing_is_heard_before_the_offer() {
    let mut connection = Connection::new(wanted());
    assert_eq!(connection.abort(), Err(MilterError::OutOfOrder(Step::Mail)));
    assert_eq!(events(&mut connection, b"2"), [Event::Failed(MilterError::Unasked)]);
    assert_eq!(connection.negotiate(), Err(MilterError::Unasked));
}

/// Bytes of a filter, sound ones mostly.
fn a_packet() -> impl Strategy<Value = Vec<u8>> {
    let data = proptest::collection::vec(any::<u8>(), 0..8);
    prop_oneof![
        Just(said(b'c', b"")),
        Just(said(b'p', b"")),
        Just(said(b's', b"")),
        Just(said(b'y', b"550 5.7.1 no\0")),
        Just(said(b'h', b"A\0v\0")),
        Just(said(b'm', b"\0\0\0\x01A\0\0")),
        Just(said(b'b', b"body")),
        (proptest::sample::select(b"cartdsyhimb+Op4f".to_vec()), data)
            .prop_map(|(letter, data)| said(letter, &data)),
        proptest::collection::vec(any::<u8>(), 0..6),
    ]
}

proptest! {
    #[test]
    fn the_same_bytes_cut_anywhere_give_the_same_events(
        packets in proptest::collection::vec(a_packet(), 0..8),
        step in 0..9usize,
        size in 1..20usize,
    ) {
        let bytes = packets.concat();
        let heard = |pieces: Vec<&[u8]>| {
            let mut connection = agreed(6, 0);
            let awaits = command(&mut connection, STEPS[step]);
            assert_eq!(awaits, Ok(Awaits::Reply));
            let mut all = Vec::new();
            for piece in pieces {
                all.extend(events(&mut connection, piece));
            }
            all
        };
        let whole = heard(vec![&bytes]);
        prop_assert_eq!(heard(bytes.chunks(size).collect()), whole.clone());
        prop_assert_eq!(heard(bytes.chunks(1).collect()), whole);
    }

    #[test]
    fn changes_are_read_as_they_were_written(
        index in 1..9u32,
        name in "[!-9;-~]{1,8}",
        value in "[^\0]{1,12}",
    ) {
        let text = format!("{name}\0{value}\0");
        let numbered = [index.to_be_bytes().as_slice(), text.as_bytes()].concat();
        let mut connection = agreed(6, 0x10_0000);
        prop_assert_eq!(connection.end_of_body(&none()), Ok(Awaits::Reply));
        let bytes = [said(b'h', text.as_bytes()), said(b'i', &numbered), said(b'm', &numbered)];
        let (name, value) = (name.into_bytes(), value.into_bytes());
        let expected = [
            Change::AddHeader { name: name.clone(), value: value.clone() },
            Change::InsertHeader { index: index - 1, name: name.clone(), value: value.clone() },
            Change::SetHeader { index, name, value: Some(value) },
        ];
        prop_assert_eq!(events(&mut connection, &bytes.concat()), expected.map(Event::Change));
    }
}

#[test]
fn a_refusal_that_is_not_well_written_refuses() {
    let long = format!("550 {}\0", "x".repeat(981));
    for (data, expected) in [
        ("550 4.7.1 virus\0", Reject),
        ("550 no NUL", Reject),
        ("550-a\r\n551 b\0", Reject),
        ("550", Reject),
        (&long, Reject),
        ("451 5.7.1 later\0", Verdict::TempFail),
        ("450_\0", Verdict::TempFail),
    ] {
        assert_eq!(refusal(data.as_bytes()), Ok(expected), "{data:?}");
    }
    assert!(refusal(b"250 ok\0").is_err());
    assert!(refusal(b"").is_err());
}
