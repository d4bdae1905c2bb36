//! Dialogues written down as files: who says what, in which order.
//!
//! ```text
//! # a comment
//! @ suppressed bob@example.com      a setting, read by the test
//! S 220 mail.example.com ESMTP      the gate says to the client
//! C EHLO pc.example                 the client says
//! U> EHLO mail.example.com          the gate says to the smarthost
//! U< 250 smarthost.example          the smarthost says
//! C! / U!                           that side closes the connection
//! T 300                             seconds go by
//! L> bob@there.example, c@x.example a live list is asked about these, together
//! L< clear, suppressed              it answers about them: also `unknown`, `nothing`
//! F> mail <a@corp.example>          the filters are shown a step: also `rcpt`, `content`, `abort`
//! F< permit                         they answer the oldest
//! E refuse                          a record of this kind is written
//! S closed                          the gate closes
//! ```
//!
//! `*` in what the gate says stands for any run of characters. `\r`, `\n`, `\0` and
//! `\xHH` in what the others say are those bytes; a line ends with CRLF unless it
//! ends with `\` alone.

/// One line of a dialogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// A setting: name and value.
    Setting(String, String),
    /// The client says these bytes.
    Client(Vec<u8>),
    /// The client closes.
    ClientCloses,
    /// The gate must say this to the client.
    Server(String),
    /// The gate must close the client's connection.
    ServerCloses,
    /// The gate must say this to the smarthost.
    Upstream(String),
    /// The gate must drop the smarthost's connection.
    UpstreamDropped,
    /// The smarthost says these bytes.
    Smarthost(Vec<u8>),
    /// The smarthost closes.
    SmarthostCloses,
    /// Seconds go by.
    Time(u64),
    /// A live list must be asked about these addresses, in one question.
    Question(Vec<String>),
    /// It answers the oldest question, a word for each address.
    Answer(Vec<String>),
    /// The filters must be shown this step.
    Step(String),
    /// They answer the oldest step that has no answer yet.
    Verdict(String),
    /// A record must be written that holds this word.
    Record(String),
}

/// A dialogue with the numbers of its lines.
#[derive(Debug, Clone, Default)]
pub struct Transcript {
    /// Line number and line.
    pub lines: Vec<(usize, Line)>,
}

impl Transcript {
    /// Reads a dialogue.
    ///
    /// # Errors
    ///
    /// A line that is none of the forms above, with its number.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut lines = Vec::new();
        for (at, raw) in text.lines().enumerate() {
            let number = at + 1;
            let line = raw.trim_end();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            let parsed = match (word, rest) {
                ("@", rest) => {
                    let (name, value) = rest.split_once(' ').unwrap_or((rest, ""));
                    Line::Setting(name.to_owned(), value.to_owned())
                }
                ("C", rest) => Line::Client(bytes(rest)),
                ("C!", _) => Line::ClientCloses,
                ("S", "closed") => Line::ServerCloses,
                ("S", rest) => Line::Server(rest.to_owned()),
                ("U>", "dropped") => Line::UpstreamDropped,
                ("U>", rest) => Line::Upstream(rest.to_owned()),
                ("U<", rest) => Line::Smarthost(bytes(rest)),
                ("U!", _) => Line::SmarthostCloses,
                ("T", rest) => {
                    Line::Time(rest.parse().map_err(|_| format!("line {number}: not seconds"))?)
                }
                ("L>", rest) => Line::Question(words(rest)),
                ("L<", rest) => Line::Answer(words(rest)),
                ("F>", rest) => Line::Step(rest.to_owned()),
                ("F<", rest) => Line::Verdict(rest.to_owned()),
                ("E", rest) => Line::Record(rest.to_owned()),
                _ => return Err(format!("line {number}: `{word}` begins no line of a transcript")),
            };
            lines.push((number, parsed));
        }
        Ok(Self { lines })
    }

    /// Whether what was said fits what was written, `*` standing for anything.
    pub fn fits(pattern: &str, said: &str) -> bool {
        let mut parts = pattern.split('*');
        let Some(first) = parts.next() else { return said.is_empty() };
        let Some(mut rest) = said.strip_prefix(first) else { return false };
        let mut parts = parts.peekable();
        while let Some(part) = parts.next() {
            if parts.peek().is_none() {
                return rest.ends_with(part);
            }
            match rest.find(part) {
                Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
                None => return false,
            }
        }
        rest.is_empty()
    }
}

fn words(text: &str) -> Vec<String> {
    text.split(',').map(|word| word.trim().to_owned()).collect()
}

fn bytes(text: &str) -> Vec<u8> {
    let (text, end) = match text.strip_suffix('\\') {
        Some(text) => (text, &b""[..]),
        None => (text, &b"\r\n"[..]),
    };
    let mut out = Vec::with_capacity(text.len() + 2);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        match chars.next() {
            Some('r') => out.push(b'\r'),
            Some('n') => out.push(b'\n'),
            Some('0') => out.push(0),
            Some('x') => {
                let digits: String = chars.by_ref().take(2).collect();
                out.push(u8::from_str_radix(&digits, 16).unwrap_or(b'?'));
            }
            Some(other) => out.push(u8::try_from(other).unwrap_or(b'?')),
            None => {}
        }
    }
    out.extend_from_slice(end);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything() {
        assert!(Transcript::fits("550 5.7.1 *; ref *", "550 5.7.1 <a@b> opted out; ref 01"));
        assert!(!Transcript::fits("550 5.7.1 *; ref *", "550 5.7.1 opted out"));
        assert!(Transcript::fits("250 ok", "250 ok"));
        assert!(!Transcript::fits("250 ok", "250 ok."));
    }

    #[test]
    fn escapes_are_bytes() {
        assert_eq!(bytes("a\\r\\x00b\\"), b"a\r\0b");
        assert_eq!(bytes("a"), b"a\r\n");
    }
}
