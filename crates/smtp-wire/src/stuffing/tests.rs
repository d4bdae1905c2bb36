use proptest::prelude::*;

use super::DataEncoder;
use crate::data::{DataDecoder, DataStep};

fn stuff<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = DataEncoder::new();
    for chunk in chunks {
        encoder.encode(chunk, &mut out);
    }
    encoder.finish(&mut out);
    out
}

fn unstuff(data: &[u8]) -> Vec<u8> {
    let mut decoder = DataDecoder::new();
    let (mut content, mut rest) = (Vec::new(), data);
    loop {
        let (used, step) = decoder.decode(rest);
        rest = &rest[used..];
        match step {
            DataStep::Content(span) => content.extend_from_slice(span),
            DataStep::End => break,
            other => panic!("{other:?} in {data:?}"),
        }
    }
    assert!(rest.is_empty(), "the end is the last of it");
    content
}

#[test]
fn dots_at_line_starts_are_doubled() {
    for (content, data) in [
        (&b""[..], &b".\r\n"[..]),
        (b".\r\n", b"..\r\n.\r\n"),
        (b"..\r\n", b"...\r\n.\r\n"),
        (b"a.b\r\n.\r\n.c\r\n", b"a.b\r\n..\r\n..c\r\n.\r\n"),
        (b"\r\n", b"\r\n.\r\n"),
    ] {
        assert_eq!(stuff([content]), data, "{content:?}");
        assert_eq!(stuff(content.chunks(1)), data, "{content:?} by bytes");
    }
}

#[test]
fn a_last_line_without_its_end_gets_one() {
    assert_eq!(stuff([&b"a"[..]]), b"a\r\n.\r\n");
    assert_eq!(stuff([&b"a\r\n."[..]]), b"a\r\n..\r\n.\r\n");
}

#[test]
fn a_stuffed_dot_does_not_shorten_a_line() {
    // Standards B-T38: a line of a dot and 999 octets.
    let content = [&b"."[..], &[b'x'; 997], b"\r\n"].concat();
    let data = stuff([&content[..]]);
    assert_eq!(data.len(), content.len() + 1 + 3);
    assert_eq!(unstuff(&data), content);
}

/// Lines of what is dangerous, all ended by CRLF.
fn content() -> impl Strategy<Value = Vec<u8>> {
    let line = prop::collection::vec(prop::sample::select(b"...ab \xe9".to_vec()), 0..6);
    prop::collection::vec(line, 0..12).prop_map(|lines| {
        lines.into_iter().flat_map(|line| [line, b"\r\n".to_vec()].concat()).collect()
    })
}

proptest! {
    #[test]
    fn unstuffing_is_the_inverse(content in content(), size in 1..20usize) {
        let data = stuff([&content[..]]);
        prop_assert_eq!(&stuff(content.chunks(size)), &data);
        prop_assert_eq!(&unstuff(&data), &content);
    }
}
