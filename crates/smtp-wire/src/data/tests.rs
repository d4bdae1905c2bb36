use proptest::prelude::*;

use super::{BLOCK, DataDecoder, DataFault, DataStep, clean_prefix};
use crate::stuffing::DataEncoder;

/// What came of a stream: the content, the fault, and how many bytes stand behind the end.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    content: Vec<u8>,
    fault: Option<DataFault>,
    behind: Option<usize>,
    eight_bit: bool,
}

fn run<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
    let mut decoder = DataDecoder::new();
    let mut outcome = Outcome::default();
    for chunk in chunks {
        let mut rest = chunk;
        if let Some(behind) = &mut outcome.behind {
            *behind += rest.len();
            continue;
        }
        loop {
            let (used, step) = decoder.decode(rest);
            rest = &rest[used..];
            match step {
                DataStep::NeedMore => {
                    assert!(rest.is_empty(), "NeedMore has consumed all");
                    break;
                }
                DataStep::Content(span) => {
                    assert!(!span.is_empty());
                    assert_eq!(outcome.fault, None, "no content behind a fault");
                    outcome.content.extend_from_slice(span);
                }
                DataStep::Fault(fault) => {
                    assert_eq!(outcome.fault.replace(fault), None, "one fault is told");
                }
                DataStep::End => {
                    assert_eq!(decoder.decode(b"more"), (0, DataStep::End));
                    outcome.behind = Some(rest.len());
                    break;
                }
            }
        }
    }
    outcome.eight_bit = decoder.saw_eight_bit();
    outcome
}

/// The rule, one byte after the other and in the words of the standard.
fn oracle(input: &[u8]) -> Outcome {
    let mut outcome = Outcome::default();
    // The CRLF that ended the DATA command is the first of CRLF.CRLF.
    let mut seen = b"\r\n".to_vec();
    for (at, byte) in input.iter().enumerate() {
        let fault = match (seen.last(), byte) {
            (Some(b'\r'), b'\n') => None,
            (Some(b'\r'), _) => Some(DataFault::BareCr),
            (_, b'\n') => Some(DataFault::BareLf),
            (_, 0) => Some(DataFault::Nul),
            _ => None,
        };
        seen.push(*byte);
        if outcome.fault.is_none() {
            outcome.fault = fault;
        }
        if seen.ends_with(b"\r\n.\r\n") {
            outcome.behind = Some(input.len() - at - 1);
            break;
        }
        let dropped = *byte == b'.' && seen.ends_with(b"\r\n.");
        // The CR of CRLF counts when its LF is there, the dot of an end never.
        if outcome.fault.is_none() && *byte != b'\r' && !dropped {
            if *byte == b'\n' {
                outcome.content.push(b'\r');
            }
            outcome.content.push(*byte);
        }
    }
    outcome.eight_bit = !outcome.content.is_ascii();
    outcome
}

#[test]
fn golden_1_a_dot_directly_behind_data_ends_it() {
    // Standards B.8, row 15.
    let outcome = run([&b".\r\nQUIT\r\n"[..]]);
    assert_eq!(outcome, Outcome { behind: Some(6), ..Outcome::default() });
}

#[test]
fn golden_2_the_first_line_loses_its_dot() {
    for (input, expected) in [
        (&b"..x\r\n.\r\n"[..], &b".x\r\n"[..]),
        (b".x\r\n.\r\n", b"x\r\n"),
        (b"..\r\n.\r\n", b".\r\n"),
        (b"...\r\n.\r\n", b"..\r\n"),
    ] {
        assert_eq!(run([input]).content, expected, "{input:?}");
    }
}

#[test]
fn golden_3_the_crlf_before_the_dot_belongs_to_the_message() {
    assert_eq!(run([&b"a\r\n.\r\n"[..]]).content, b"a\r\n");
    assert_eq!(run([&b"\r\n.\r\n"[..]]).content, b"\r\n");
}

#[test]
fn golden_4_no_variant_of_the_end_is_one() {
    // Each is followed by a command that must not be one, and by the true end.
    let variants: [(&[u8], DataFault); 5] = [
        (b"\r\n.\rx", DataFault::BareCr),
        (b"\n.\n", DataFault::BareLf),
        (b"\n.\r\n", DataFault::BareLf),
        (b"\r\n.\n", DataFault::BareLf),
        (b"\r.\r", DataFault::BareCr),
    ];
    for (variant, fault) in variants {
        let outcome = run([&smuggled(variant)[..]]);
        assert_eq!((outcome.fault, outcome.behind), (Some(fault), Some(6)), "{variant:?}");
    }
}

/// The sequence between two lines, the second of them a command, then the true end and a command.
fn smuggled(sequence: &[u8]) -> Vec<u8> {
    let mut input = b"line1".to_vec();
    input.extend_from_slice(sequence);
    input.extend_from_slice(b"MAIL FROM:<evil@x.example>\r\n.\r\nQUIT\r\n");
    input
}

/// Standards B.8, the rows about mail data. (15 is golden case 1; 20 is `every_split`; 21 and 22
/// are the session's; 23 is about BDAT, which is not offered; 24 and 25 are about lines.)
#[test]
fn end_of_data_sequences() {
    enum Is {
        End,
        Bad(DataFault),
        Content(&'static [u8]),
    }
    use DataFault::{BareCr, BareLf, Nul};
    use Is::{Bad, Content, End};
    let rows: [(&str, &[u8], Is); 24] = [
        ("1", b"\r\n.\r\n", End),
        ("2", b"\n.\n", Bad(BareLf)),
        ("3", b"\n.\r\n", Bad(BareLf)),
        ("4", b"\r\n.\n", Bad(BareLf)),
        ("5", b"\r.\r", Bad(BareCr)),
        ("6", b"\r.\n", Bad(BareCr)),
        ("7", b"\n.\r", Bad(BareLf)),
        ("8", b"\r.\r\n", Bad(BareCr)),
        ("9", b"\r\n.\rtext", Bad(BareCr)),
        ("10", b"\r\n.\r\r\n", Bad(BareCr)),
        ("11", b"\r\r\n.\r\r\n", Bad(BareCr)),
        ("13", b"\r\n\0.\r\n", Bad(Nul)),
        ("14", b"\r\n.\0\r\n", Bad(Nul)),
        ("16", b"\r\n..\r\n", Content(b"\r\n.\r\n")),
        ("17", b"\r\n. \r\n", Content(b"\r\n \r\n")),
        ("18a", b"\n..\r\n", Bad(BareLf)),
        ("18b", b"\n..\n", Bad(BareLf)),
        ("19 VT", b"\x0b.\x0b", Content(b"\x0b.\x0b")),
        ("19 FF", b"\x0c.\x0c", Content(b"\x0c.\x0c")),
        ("19 NEL", b"\xc2\x85.\xc2\x85", Content(b"\xc2\x85.\xc2\x85")),
        ("19 LS", b"\xe2\x80\xa8.\xe2\x80\xa8", Content(b"\xe2\x80\xa8.\xe2\x80\xa8")),
        ("19 lines", b"\r\n\x0b.\r\n", Content(b"\r\n\x0b.\r\n")),
        ("+ dot, dot, CR", b"\r\n..\r.\r\n", Bad(BareCr)),
        ("+ LF CR", b"\n\r.\n\r", Bad(BareLf)),
    ];
    for (row, sequence, is) in rows {
        let input = smuggled(sequence);
        for outcome in [run([&input[..]]), run(input.chunks(1))] {
            match is {
                End => {
                    let behind = input.len() - "line1".len() - sequence.len();
                    assert_eq!((outcome.fault, outcome.behind), (None, Some(behind)), "row {row}");
                    assert_eq!(outcome.content, b"line1\r\n", "row {row}");
                }
                Bad(fault) => {
                    assert_eq!(
                        (outcome.fault, outcome.behind),
                        (Some(fault), Some(6)),
                        "row {row}"
                    );
                }
                Content(expected) => {
                    let content = [b"line1", expected, b"MAIL FROM:<evil@x.example>\r\n"].concat();
                    assert_eq!((outcome.fault, outcome.behind), (None, Some(6)), "row {row}");
                    assert_eq!(outcome.content, content, "row {row}");
                }
            }
        }
    }
}

#[test]
fn a_true_end_behind_a_bare_cr_is_an_end_all_the_same() {
    // Standards B.8, row 12: CR CRLF . CRLF.
    let outcome = run([&b"line1\r\r\n.\r\nQUIT\r\n"[..]]);
    assert_eq!(outcome.fault, Some(DataFault::BareCr));
    assert_eq!(outcome.behind, Some(6));
}

#[test]
fn no_variant_of_the_end_ends_data_that_is_being_swallowed() {
    // Otherwise what stands behind it in a refused message would be taken for commands.
    let variants: [&[u8]; 14] = [
        b"\n.\n",
        b"\n.\r\n",
        b"\r\n.\n",
        b"\r.\r",
        b"\r.\n",
        b"\n.\r",
        b"\r.\r\n",
        b"\r\n.\rx",
        b"\r\n.\r\r\n",
        b"\r\r\n.\r\r\n",
        b"\r\n\0.\r\n",
        b"\r\n.\0\r\n",
        b"\r\n..\r\n",
        b"\r\n. \r\n",
    ];
    for variant in variants {
        let input = [b"\0", &smuggled(variant)[..]].concat();
        for outcome in [run([&input[..]]), run(input.chunks(1))] {
            assert_eq!(
                (outcome.fault, outcome.behind),
                (Some(DataFault::Nul), Some(6)),
                "{variant:?}"
            );
        }
    }
}

#[test]
fn golden_6_every_split() {
    // Standards B.8, row 20.
    let input = b"a\r\n..b\r\n\r\n.c\xe9\r\n.\r\nNOOP\r\n";
    let expected = Outcome {
        content: b"a\r\n.b\r\n\r\nc\xe9\r\n".to_vec(),
        fault: None,
        behind: Some(6),
        eight_bit: true,
    };
    assert_eq!(run(input.chunks(1)), expected);
    for first in 0..=input.len() {
        for second in first..=input.len() {
            let chunks = [&input[..first], &input[first..second], &input[second..]];
            assert_eq!(run(chunks), expected, "cut at {first} and {second}");
        }
    }
}

#[test]
fn a_cr_is_held_back_until_its_lf_is_there() {
    let mut decoder = DataDecoder::new();
    assert_eq!(decoder.decode(b"a\r"), (1, DataStep::Content(b"a")));
    assert_eq!(decoder.decode(b"\r"), (1, DataStep::NeedMore));
    assert_eq!(decoder.decode(b"\nb"), (1, DataStep::Content(b"\r\n")));
    assert_eq!(decoder.decode(b"b\r"), (1, DataStep::Content(b"b")));
    assert_eq!(decoder.decode(b"\r"), (1, DataStep::NeedMore));
    assert_eq!(decoder.decode(b"x"), (0, DataStep::Fault(DataFault::BareCr)));
}

#[test]
fn a_clean_chunk_is_one_span() {
    let line = [&[b'x'; 76][..], b"\r\n"].concat();
    let chunk = line.repeat(840);
    let mut decoder = DataDecoder::new();
    assert_eq!(decoder.decode(&chunk), (chunk.len(), DataStep::Content(&chunk)));
    assert_eq!(decoder.decode(b""), (0, DataStep::NeedMore));
    assert!(!decoder.saw_eight_bit());
}

#[test]
fn what_is_special_is_found_wherever_it_stands() {
    // Around every size at which the scan changes its step.
    let specials: [&[u8]; 5] = [b"\r\n.", b"\n", b"\rx", b"\0", b"\r\r\n"];
    for length in (0..4 * BLOCK).chain(1990..2100) {
        for special in specials {
            let mut text = vec![b'x'; length];
            text.extend_from_slice(special);
            text.resize(length + 700, b'y');
            let expected = length + if special == b"\r\n." { 2 } else { 0 };
            assert_eq!(clean_prefix(&text), expected, "{special:?} at {length}");
        }
    }
}

#[test]
fn eight_bit_is_seen_only_in_what_was_handed_out() {
    assert!(!run([&b"a\r\n.\r\n\xe9"[..]]).eight_bit);
    assert!(run([&b"\xe9\r\n.\r\n"[..]]).eight_bit);
    assert!(!run([&b"a\n\xe9\r\n.\r\n"[..]]).eight_bit);
}

/// Bytes that mean something, and runs long enough for the scan's larger steps.
fn data() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => prop::sample::select(vec![
            &b"\r\n"[..], b"\r\n", b"\r\n.", b"\r\n..", b".", b"a", b"b c", b"\xc3\xa9", b"\r\n.\r\n",
        ]).prop_map(<[u8]>::to_vec),
        2 => prop::sample::select(vec![&b"\r"[..], b"\n", b"\0", b"\r\n.\r", b"\r\n.\n", b"\n.\r\n"])
            .prop_map(<[u8]>::to_vec),
        1 => (0..400usize).prop_map(|length| vec![b'z'; length]),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

fn cut<'a>(input: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<_> = cuts.iter().map(|cut| cut % (input.len() + 1)).collect();
    cuts.extend([0, input.len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|pair| &input[pair[0]..pair[1]]).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn any_cut_gives_what_the_rule_says(input in data(), cuts in prop::collection::vec(any::<usize>(), 0..8)) {
        let expected = oracle(&input);
        prop_assert_eq!(&run([&input[..]]), &expected);
        prop_assert_eq!(&run(input.chunks(1)), &expected);
        prop_assert_eq!(&run(cut(&input, &cuts)), &expected);
    }

    #[test]
    fn golden_3_stuffing_again_gives_the_same_bytes(input in data()) {
        let outcome = run([&input[..]]);
        if let (None, Some(behind)) = (outcome.fault, outcome.behind) {
            // Canonical: a dot at a line start that nobody doubled is not given back.
            let sent = &input[..input.len() - behind];
            let mut again = Vec::new();
            let mut encoder = DataEncoder::new();
            encoder.encode(&outcome.content, &mut again);
            encoder.finish(&mut again);
            let second = run([&again[..]]);
            prop_assert_eq!(&second.content, &outcome.content);
            prop_assert_eq!(second.behind, Some(0));
            let lines = sent.split(|byte| *byte == b'\n');
            let canonical = lines.filter(|line| line.starts_with(b".") && *line != b".\r")
                .all(|line| line.starts_with(b".."));
            if canonical {
                prop_assert_eq!(&again[..], sent);
            }
        }
    }
}
