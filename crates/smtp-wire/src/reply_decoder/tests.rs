use proptest::prelude::*;

use super::{LINE_MAX, LINES_MAX, ReplyDecoder, ReplyFault, TEXT_MAX};
use crate::line::LineFault;
use crate::reply::{Enhanced, Reply};

fn replies<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<Result<Reply, ReplyFault>> {
    let mut decoder = ReplyDecoder::new();
    let mut replies = Vec::new();
    for chunk in chunks {
        let mut rest = chunk;
        loop {
            let (used, reply) = decoder.decode(rest);
            rest = &rest[used..];
            match reply {
                None => {
                    assert!(rest.is_empty(), "without a reply all is consumed");
                    break;
                }
                Some(Err(fault)) => {
                    replies.push(Err(fault));
                    return replies;
                }
                reply => replies.extend(reply),
            }
        }
    }
    replies
}

fn one(input: &[u8]) -> Result<Reply, ReplyFault> {
    let mut replies = replies([input]);
    assert_eq!(replies.len(), 1, "{input:?} gives {replies:?}");
    replies.remove(0)
}

#[test]
fn a_code_alone_is_a_reply() {
    // Standards B-T21.
    assert_eq!(one(b"250\r\n"), Ok(Reply::plain(250, "")));
    assert_eq!(one(b"250 \r\n"), Ok(Reply::plain(250, "")));
    assert_eq!(one(b"250-\r\n250\r\n"), Ok(Reply::plain(250, "\n")));
    assert_eq!(one(b"299 what\r\n"), Ok(Reply::plain(299, "what")));
    assert_eq!(one(b"577 unknown\r\n"), Ok(Reply::plain(577, "unknown")));
}

#[test]
fn long_replies_and_long_lines_are_read() {
    // Standards B-T21.
    let mut input = "250-x\r\n".repeat(44);
    input.push_str("250 y\r\n");
    let reply = one(input.as_bytes()).unwrap();
    assert_eq!((reply.lines().count(), reply.text.len()), (45, 89));
    let text = "z".repeat(594);
    assert_eq!(one(format!("250 {text}\r\n").as_bytes()), Ok(Reply::plain(250, text)));
}

#[test]
fn replies_follow_each_other() {
    let found = replies([&b"250 2.1.0 a\r\n550-5.1.1 b\r\n550 5.1.1 c\r\n354 go\r\n25"[..]]);
    let expected = [
        Reply::new(250, Enhanced::new(2, 1, 0), "a"),
        Reply::new(550, Enhanced::new(5, 1, 1), "b\nc"),
        Reply::plain(354, "go"),
    ];
    assert_eq!(found, expected.map(Ok));
}

#[test]
fn an_enhanced_code_counts_only_in_its_class() {
    assert_eq!(one(b"550 4.7.1 x\r\n"), Ok(Reply::plain(550, "4.7.1 x")));
    assert_eq!(one(b"354 2.0.0 x\r\n"), Ok(Reply::plain(354, "2.0.0 x")));
    // A line without it, or with another one, keeps its text.
    assert_eq!(
        one(b"550-5.7.1 a\r\n550-b\r\n550-5.1.1 c\r\n550 5.7.1\r\n"),
        Ok(Reply::new(550, Enhanced::new(5, 7, 1), "a\nb\n5.1.1 c\n"))
    );
}

#[test]
fn a_wrong_structure_breaks_the_stream() {
    let cases: [(&[u8], ReplyFault); 18] = [
        (b"\r\n", ReplyFault::Code),
        (b"25\r\n", ReplyFault::Code),
        (b"25x ok\r\n", ReplyFault::Code),
        (b"2500 ok\r\n", ReplyFault::Code),
        (b"250_ok\r\n", ReplyFault::Code),
        (b"250\tok\r\n", ReplyFault::Code),
        (b"150 ok\r\n", ReplyFault::Code),
        (b"650 ok\r\n", ReplyFault::Code),
        (b"000 ok\r\n", ReplyFault::Code),
        (b" 250 ok\r\n", ReplyFault::Code),
        (b"+25 ok\r\n", ReplyFault::Code),
        (b"250-a\r\nb\r\n", ReplyFault::Code),
        (b"250-a\r\n251 b\r\n", ReplyFault::MixedCodes),
        (b"250-a\r\n550 b\r\n", ReplyFault::MixedCodes),
        (b"250 ok\n", ReplyFault::Line(LineFault::BareLf)),
        (b"250 ok\rx\r\n", ReplyFault::Line(LineFault::BareCr)),
        (b"250 ok\r\r\n", ReplyFault::Line(LineFault::BareCr)),
        (b"250 o\0k\r\n", ReplyFault::Line(LineFault::Nul)),
    ];
    for (input, fault) in cases {
        assert_eq!(replies([input]), [Err(fault)], "{input:?}");
        assert_eq!(replies(input.chunks(1)), [Err(fault)], "{input:?} by bytes");
    }
}

#[test]
fn a_broken_stream_stays_broken() {
    let mut decoder = ReplyDecoder::new();
    assert_eq!(decoder.decode(b"no\r\n250 ok\r\n"), (4, Some(Err(ReplyFault::Code))));
    assert_eq!(decoder.decode(b"250 ok\r\n"), (8, Some(Err(ReplyFault::Code))));
    assert_eq!(decoder.decode(b""), (0, None));
    assert!(!decoder.is_idle());
}

#[test]
fn control_characters_in_a_text_are_replaced() {
    assert_eq!(one(b"250 a\x1b[1mb\x07\tc\x7f\r\n"), Ok(Reply::plain(250, "a?[1mb?\tc?")));
    assert_eq!(one("250 f\u{fc}r\u{85}\r\n".as_bytes()), Ok(Reply::plain(250, "f\u{fc}r?")));
    assert_eq!(one(b"250 f\xfcr\r\n"), Ok(Reply::plain(250, "f\u{fffd}r")));
}

#[test]
fn a_reply_has_at_most_200_lines() {
    for (lines, fits) in [(LINES_MAX - 1, true), (LINES_MAX, true), (LINES_MAX + 1, false)] {
        let mut input = "250-x\r\n".repeat(lines - 1);
        input.push_str("250 x\r\n");
        match one(input.as_bytes()) {
            Ok(reply) => assert!(fits && reply.lines().count() == lines, "{lines} lines"),
            Err(fault) => assert!(!fits && fault == ReplyFault::TooManyLines, "{lines} lines"),
        }
    }
}

#[test]
fn a_reply_line_has_at_most_4096_octets() {
    for (octets, fits) in [(LINE_MAX - 1, true), (LINE_MAX, true), (LINE_MAX + 1, false)] {
        let input = format!("250 {}\r\n", "x".repeat(octets - 6));
        assert_eq!(one(input.as_bytes()).is_ok(), fits, "{octets} octets");
    }
}

#[test]
fn a_line_without_an_end_is_a_fault() {
    let input = vec![b'2'; 100_000];
    assert_eq!(replies([&input[..]]), [Err(ReplyFault::Line(LineFault::Flood))]);
}

#[test]
fn at_most_4_kib_of_text_is_kept() {
    let line = "\u{fc}".repeat(500);
    let mut input = format!("550-{line}\r\n").repeat(199);
    input.push_str("550 end\r\n");
    let reply = one(input.as_bytes()).unwrap();
    assert!((TEXT_MAX - 1..=TEXT_MAX).contains(&reply.text.len()), "{}", reply.text.len());
    assert!(!reply.text.ends_with("end"), "what follows a cut is cut too");
    for (octets, kept) in [(4095, 4095), (4096, 4096), (4097, 4096)] {
        let input = format!("550-{}\r\n550 {}\r\n", "x".repeat(4000), "y".repeat(octets - 4001));
        assert_eq!(one(input.as_bytes()).unwrap().text.len(), kept, "{octets} octets");
    }
}

#[test]
fn nothing_is_half_read_between_replies() {
    let mut decoder = ReplyDecoder::new();
    assert!(decoder.is_idle());
    assert_eq!(decoder.decode(b"250-a\r\n"), (7, None));
    assert!(!decoder.is_idle());
    assert_eq!(decoder.decode(b"2"), (1, None));
    assert_eq!(decoder.decode(b"50 b\r\n250"), (6, Some(Ok(Reply::plain(250, "a\nb")))));
    assert!(decoder.is_idle());
    assert_eq!(format!("{decoder:?}"), format!("{:?}", ReplyDecoder::new()), "nor is memory kept");
}

fn reply() -> impl Strategy<Value = Reply> {
    let text = "[a-z][ -~\t]{0,40}(\n[a-z]?[ -~]{0,3}){0,4}";
    let class = prop::sample::select(vec![2u8, 3, 4, 5]);
    (class, 0..100u16, text, prop::option::of((0..1000u16, 0..1000u16))).prop_map(
        |(class, rest, text, enhanced)| Reply {
            code: u16::from(class) * 100 + rest,
            enhanced: enhanced
                .filter(|_| class != 3)
                .map(|(subject, detail)| Enhanced::new(class, subject, detail)),
            text,
        },
    )
}

proptest! {
    #[test]
    fn decoding_is_the_inverse_of_encoding(sent in prop::collection::vec(reply(), 0..4), size in 1..40usize) {
        let mut out = Vec::new();
        sent.iter().for_each(|reply| reply.encode(&mut out));
        let expected: Vec<_> = sent.into_iter().map(Ok).collect();
        prop_assert_eq!(&replies([&out[..]]), &expected);
        prop_assert_eq!(&replies(out.chunks(size)), &expected);
    }

    #[test]
    fn any_cut_gives_the_same(input in "(250[ -]a?|5.1.1|55|0|\r\n|\r\n|\r\n|\r|\n|\0|x){0,20}", size in 1..20usize) {
        let whole = replies([input.as_bytes()]);
        prop_assert_eq!(&replies(input.as_bytes().chunks(size)), &whole);
    }

    #[test]
    fn what_was_decoded_is_encoded_cleanly(input in prop::collection::vec(any::<u8>(), 0..60)) {
        let input = [b"250-", &input[..], b"\r\n250 end\r\n"].concat();
        for reply in replies([&input[..]]).into_iter().flatten() {
            let mut out = Vec::new();
            reply.encode(&mut out);
            let text = out.strip_suffix(b"\r\n").unwrap();
            let lines: Vec<_> = text.split(|byte| *byte == b'\n').collect();
            for (index, line) in lines.iter().enumerate() {
                let line = if index + 1 < lines.len() { line.strip_suffix(b"\r").unwrap() } else { line };
                prop_assert!(line.len() + 2 <= 512);
                prop_assert!(line.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~')));
            }
        }
    }
}
