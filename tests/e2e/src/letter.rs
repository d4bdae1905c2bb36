//! The messages: each holds something that a careless relay breaks.

/// A message as it must arrive: lines end with CRLF, dots are not doubled.
#[derive(Debug, Clone)]
pub struct Letter {
    /// What it is about, for the name of a failure.
    pub name: &'static str,
    /// Header and body.
    pub content: Vec<u8>,
}

impl Letter {
    /// A short message with a Message-ID of its own.
    pub fn plain(id: &str) -> Self {
        Self::new("plain", id, "text/plain; charset=us-ascii", b"Good day.\r\n")
    }

    /// Text and an attachment of 300,000 octets in base64.
    pub fn attachment() -> Self {
        let mut body = b"This is a message in two parts.\r\n--part\r\n\
            Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\
            Gr\xc3\xbc\xc3\x9fe, the figures are attached.\r\n\r\n--part\r\n\
            Content-Type: application/octet-stream; name=figures.bin\r\n\
            Content-Disposition: attachment; filename=figures.bin\r\n\
            Content-Transfer-Encoding: base64\r\n\r\n"
            .to_vec();
        for line in base64(&noise(300_000)).as_bytes().chunks(76) {
            body.extend_from_slice(line);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--part--\r\n");
        Self::new("attachment", "attachment", "multipart/mixed; boundary=part", &body)
    }

    /// Every octet from 128 up, and the control characters that may stand in text.
    pub fn eight_bit() -> Self {
        let mut body = b"Umlauts: \xe4\xf6\xfc\xdf (ISO-8859-1), \xc3\xa4 (UTF-8)\r\n".to_vec();
        body.extend(0x80..=0xff_u8);
        body.extend_from_slice(b"\r\n\x01\x02\x07\x08\x09\x0b\x0c\x1a\x1b\x7f\r\n");
        Self::new("eight_bit", "eight_bit", "text/plain; charset=iso-8859-1", &body)
    }

    /// Lines around the limit of 998 octets, and far beyond it.
    pub fn long_lines() -> Self {
        let mut body = Vec::new();
        for length in [997, 998, 999, 1000, 1001, 2047, 2048, 2049, 5000, 70_000] {
            body.extend((0..length).map(|i| b'a' + u8::try_from(i % 26).unwrap_or_default()));
            body.extend_from_slice(b"\r\n");
        }
        Self::new("long_lines", "long_lines", "text/plain; charset=us-ascii", &body)
    }

    /// Dots where they must be doubled on the wire and nowhere else.
    pub fn leading_dots() -> Self {
        let body = b".\r\n..\r\n...\r\n.a\r\n..a\r\n. \r\n .\r\na.\r\n\r\n.\r\n\r\n..\r\nFrom here\r\n.\r\n";
        Self::new("leading_dots", "leading_dots", "text/plain; charset=us-ascii", body)
    }

    /// All that must pass unchanged.
    pub fn all() -> Vec<Self> {
        vec![Self::attachment(), Self::eight_bit(), Self::long_lines(), Self::leading_dots()]
    }

    fn new(name: &'static str, id: &str, content_type: &str, body: &[u8]) -> Self {
        let mut content = format!(
            "Date: Mon, 2 Mar 2026 09:00:00 +0000\r\nFrom: Shop <shop@corp.example>\r\n\
             To: Customers <customers@corp.example>\r\nSubject: {name}\r\n\
             Message-ID: <{id}@corp.example>\r\nMIME-Version: 1.0\r\n\
             X-Folded: one\r\n\ttwo\r\n  three \r\nContent-Type: {content_type}\r\n\r\n"
        )
        .into_bytes();
        content.extend_from_slice(body);
        Self { name, content }
    }
}

/// Octets without a pattern, the same in every run (a linear congruence).
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1u32;
    std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    })
    .take(length)
    .collect()
}

/// Octets as MIME and DKIM write them.
pub fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digit = |bits: u32| char::from(DIGITS.get((bits & 63) as usize).copied().unwrap_or(b'='));
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let byte = |i: usize| u32::from(chunk.get(i).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        text.push(digit(bits >> 18));
        text.push(digit(bits >> 12));
        text.push(if chunk.len() > 1 { digit(bits >> 6) } else { '=' });
        text.push(if chunk.len() > 2 { digit(bits) } else { '=' });
    }
    text
}
