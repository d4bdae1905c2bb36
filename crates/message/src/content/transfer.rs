//! Content-Transfer-Encoding (RFC 2045 s6), read as mail programs do: what does not belong is
//! skipped, and told, because programs differ in what they make of it.

use mail_parser::decoders::quoted_printable::quoted_printable_decode_char;

use super::problem::Problem;

/// How a body is encoded for its transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transfer {
    /// 7bit, 8bit, binary, or nothing said.
    Identity,
    Base64,
    QuotedPrintable,
    /// Any other word: `x-uuencode` and whatever else.
    Unknown,
}

impl Transfer {
    /// `mechanism := "7bit" / "8bit" / "binary" / "quoted-printable" / "base64" / ietf-token`
    pub(super) fn of(word: Option<&str>) -> Self {
        let word = uncommented(word.unwrap_or("7bit"));
        let word = word.split(';').next().unwrap_or_default().trim();
        match word.to_ascii_lowercase().as_str() {
            "" | "7bit" | "8bit" | "binary" | "7-bit" | "8-bit" => Self::Identity,
            "base64" => Self::Base64,
            "quoted-printable" => Self::QuotedPrintable,
            _ => Self::Unknown,
        }
    }

    /// It is one of the five words and nothing else, so that every program knows it.
    pub(super) fn is_plain(word: &str) -> bool {
        ["7bit", "8bit", "binary", "base64", "quoted-printable"]
            .iter()
            .any(|known| word.eq_ignore_ascii_case(known))
    }

    /// The octets that were encoded.
    pub(super) fn decode(self, body: &[u8], problems: &mut Vec<Problem>) -> Vec<u8> {
        match self {
            Self::Identity => body.to_vec(),
            Self::Unknown => {
                problems.push(Problem::UnknownEncoding);
                body.to_vec()
            }
            Self::Base64 => {
                let (decoded, sound) = base64(body);
                if !sound {
                    problems.push(Problem::BrokenEncoding("base64"));
                }
                decoded
            }
            Self::QuotedPrintable => quoted_printable(body),
        }
    }
}

/// Without comments (RFC 5322 s3.2.2).
fn uncommented(text: &str) -> String {
    let mut depth = 0_usize;
    let outside = text.chars().filter(|c| {
        match c {
            '(' => depth += 1,
            ')' if depth > 0 => depth -= 1,
            _ => return depth == 0,
        }
        false
    });
    outside.collect()
}

/// Decoded, and whether there was nothing that some program would read in another way:
/// characters of no meaning, or more of them behind the padding.
fn base64(body: &[u8]) -> (Vec<u8>, bool) {
    let mut out = Vec::with_capacity(body.len() / 4 * 3);
    let (mut bits, mut count, mut sound, mut padded) = (0u32, 0u8, true, false);
    for &octet in body {
        let value = match octet {
            b'A'..=b'Z' => octet - b'A',
            b'a'..=b'z' => octet - b'a' + 26,
            b'0'..=b'9' => octet - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => {
                // What is left over of an unfinished group is no octet.
                (bits, count, padded) = (0, 0, true);
                continue;
            }
            b' ' | b'\t' | b'\r' | b'\n' => continue,
            _ => {
                sound = false;
                continue;
            }
        };
        sound &= !padded;
        bits = bits << 6 | u32::from(value);
        count += 1;
        match count {
            1 => {}
            // Written as soon as there are eight bits, so that a cut group loses nothing.
            2 => out.push(octet_of(bits >> 4)),
            3 => out.push(octet_of(bits >> 2)),
            _ => {
                out.push(octet_of(bits));
                (bits, count) = (0, 0);
            }
        }
    }
    (out, sound)
}

fn octet_of(bits: u32) -> u8 {
    u8::try_from(bits & 0xff).unwrap_or_default()
}

/// What is no encoding stands for itself, as RFC 2045 s6.7 proposes and programs do.
fn quoted_printable(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    for line in body.split_inclusive(|&octet| octet == b'\n') {
        let text = line.trim_ascii_end();
        let ending = match line {
            [.., b'\r', b'\n'] => &b"\r\n"[..],
            [.., b'\n'] => b"\n",
            _ => b"",
        };
        let (text, soft) = match text {
            [text @ .., b'='] => (text, true),
            text => (text, false),
        };
        let mut rest = text;
        while let [first, behind @ ..] = rest {
            if let (b'=', [high, low, after @ ..]) = (first, behind)
                && let Some(octet) = quoted_printable_decode_char(*high, *low)
            {
                out.push(octet);
                rest = after;
            } else {
                out.push(*first);
                rest = behind;
            }
        }
        if !soft {
            out.extend_from_slice(ending);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(word: &str, body: &[u8]) -> (Vec<u8>, Vec<Problem>) {
        let mut problems = Vec::new();
        (Transfer::of(Some(word)).decode(body, &mut problems), problems)
    }

    #[test]
    fn base64_as_programs_read_it() {
        let sound: &[(&[u8], &[u8])] = &[
            (b"SGVsbG8=\r\n", b"Hello"),
            (b"SGVs\r\nbG8=", b"Hello"),
            (b"SGVsbG8", b"Hello"),
            (b"", b""),
        ];
        for (body, text) in sound {
            assert_eq!(decoded("BASE64", body), (text.to_vec(), vec![]));
        }
        for odd in [&b"SGVs*bG8="[..], b"SGVs=bG8=", b"SGVsbG8=\r\n-- \r\nThe list"] {
            let (text, problems) = decoded("base64", odd);
            assert!(text.starts_with(b"Hel"), "{odd:?}");
            assert_eq!(problems, [Problem::BrokenEncoding("base64")], "{odd:?}");
        }
    }

    #[test]
    fn quoted_printable_as_programs_read_it() {
        let cases: &[(&[u8], &[u8])] = &[
            (b"a=3Db=\r\nc \t\r\nd", b"a=bc\r\nd"),
            (b"=C3=A9=c3=A9", "éé".as_bytes()),
            (b"1=2 =ZZ =", b"1=2 =ZZ "),
            (b"x=  \r\ny", b"xy"),
        ];
        for (body, text) in cases {
            assert_eq!(decoded("Quoted-Printable", body), (text.to_vec(), vec![]), "{body:?}");
        }
    }

    #[test]
    fn other_words() {
        assert_eq!(decoded("8bit (said twice)", b"x"), (b"x".to_vec(), vec![]));
        assert_eq!(decoded("(a (b)) base64", b"eA=="), (b"x".to_vec(), vec![]));
        assert!(Transfer::is_plain("Base64"));
        for odd in ["(x) base64", "base64 (x)", "base64;", "", "7bit base64"] {
            assert!(!Transfer::is_plain(odd), "{odd}");
        }
        assert_eq!(decoded("x-uuencode", b"x").1, [Problem::UnknownEncoding]);
    }
}
