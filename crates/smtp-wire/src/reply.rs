//! Replies: a code, perhaps an enhanced status code, and text. RFC 5321 s4.2, RFC 2034, RFC 3463.
//!
//! One type serves both directions: what the smarthost said is decoded into it, and what the
//! client is told is encoded from it, so that nothing but a code and clean text can cross from
//! one side to the other. Text that came from outside is never trusted: [`Reply::encode`] writes
//! only HT and printable ASCII, whatever the text holds (RFC 5321 s4.2 `textstring`).
//!
//! Invariant: what is encoded is a well-formed reply of one code, no line over 512 octets.

use std::fmt;

/// The longest reply line that is sent, CRLF included: RFC 5321 s4.5.3.1.5.
pub const REPLY_LINE_MAX: usize = 512;

/// An enhanced status code, RFC 3463 s2: `class "." subject "." detail`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Enhanced {
    /// 2, 4 or 5: always the first digit of the reply's code.
    pub class: u8,
    /// 0 to 999.
    pub subject: u16,
    /// 0 to 999.
    pub detail: u16,
}

impl Enhanced {
    /// The code `class.subject.detail`.
    #[must_use]
    pub const fn new(class: u8, subject: u16, detail: u16) -> Self {
        Self { class, subject, detail }
    }

    /// The code at the beginning of a line of reply text, and what follows it.
    ///
    /// `status-code = class "." subject "." detail`, `class = "2"/"4"/"5"`,
    /// `subject = 1*3digit`, `detail = 1*3digit`, no leading zeros (RFC 3463 s2).
    pub(crate) fn split(text: &str) -> Option<(Self, &str)> {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        let mut numbers = word.split('.');
        let class = number(numbers.next()?).and_then(|class| u8::try_from(class).ok())?;
        let subject = number(numbers.next()?)?;
        let detail = number(numbers.next()?)?;
        let known = matches!(class, 2 | 4 | 5) && numbers.next().is_none();
        known.then_some((Self::new(class, subject, detail), rest))
    }
}

/// `1*3digit` without leading zeros.
fn number(digits: &str) -> Option<u16> {
    let plain = matches!(digits.len(), 1..=3) && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !plain || (digits.len() > 1 && digits.starts_with('0')) {
        return None;
    }
    digits.parse().ok()
}

impl fmt::Display for Enhanced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

/// One reply to one command.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reply {
    /// 200 to 599.
    pub code: u16,
    /// Never with 3yz, never in a greeting or a reply to EHLO and HELO (RFC 2034 s4).
    pub enhanced: Option<Enhanced>,
    /// The text without codes, its lines separated by `\n`. May be empty.
    pub text: String,
}

impl Reply {
    /// A reply with an enhanced code: `Reply::new(550, Enhanced::new(5, 7, 1), "no")`.
    #[must_use]
    pub fn new(code: u16, enhanced: Enhanced, text: impl Into<String>) -> Self {
        Self { code, enhanced: Some(enhanced), text: text.into() }
    }

    /// A reply without one: greetings, answers to EHLO and HELO, 3yz.
    #[must_use]
    pub fn plain(code: u16, text: impl Into<String>) -> Self {
        Self { code, enhanced: None, text: text.into() }
    }

    /// This reply, with X.0.0 if it may carry an enhanced code and has none (RFC 2034 s4).
    #[must_use]
    pub fn with_enhanced(mut self) -> Self {
        if self.enhanced.is_none()
            && let Some(class @ (2 | 4 | 5)) = self.first_digit()
        {
            self.enhanced = Some(Enhanced::new(class, 0, 0));
        }
        self
    }

    /// 2yz: done.
    #[must_use]
    pub fn is_positive(&self) -> bool {
        self.first_digit() == Some(2)
    }

    /// 3yz: go on.
    #[must_use]
    pub fn is_intermediate(&self) -> bool {
        self.first_digit() == Some(3)
    }

    /// 4yz: refused for now.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        self.first_digit() == Some(4)
    }

    /// 5yz: refused.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        self.first_digit() == Some(5)
    }

    /// A client decides on the first digit alone: RFC 5321 s4.3.2.
    fn first_digit(&self) -> Option<u8> {
        u8::try_from(self.code / 100).ok()
    }

    /// The lines of the text; at least one.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.text.split('\n')
    }

    /// Appends the reply as it is sent. The enhanced code stands on every line (RFC 2034 s4) if
    /// its class is the code's first digit; over-long lines are cut at [`REPLY_LINE_MAX`].
    ///
    /// `Reply-line = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF`
    pub fn encode(&self, out: &mut Vec<u8>) {
        let code = self.code.to_string();
        let enhanced = self.enhanced.filter(|enhanced| Some(enhanced.class) == self.first_digit());
        let enhanced = enhanced.map(|enhanced| enhanced.to_string());
        let mut lines = self.lines().peekable();
        while let Some(line) = lines.next() {
            let start = out.len();
            let last = lines.peek().is_none();
            out.extend_from_slice(code.as_bytes());
            // RFC 4954 s4: an empty challenge is "334" SP; elsewhere the space needs a text.
            let nothing = line.is_empty() && enhanced.is_none() && self.code != 334;
            match (last, nothing) {
                (false, _) => out.push(b'-'),
                (true, false) => out.push(b' '),
                (true, true) => {}
            }
            if let Some(enhanced) = &enhanced {
                out.extend_from_slice(enhanced.as_bytes());
                if !line.is_empty() {
                    out.push(b' ');
                }
            }
            out.extend(line.chars().map(|character| match character {
                '\t' | ' '..='~' => u8::try_from(character).unwrap_or(b'?'),
                _ => b'?',
            }));
            out.truncate(out.len().min(start + REPLY_LINE_MAX - 2));
            out.extend_from_slice(b"\r\n");
        }
    }
}

impl fmt::Display for Reply {
    /// One line for logs and records: `550 5.7.1 text / more text`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some(enhanced) = self.enhanced {
            write!(f, " {enhanced}")?;
        }
        for (index, line) in self.lines().enumerate() {
            let mark = if index == 0 { " " } else { " / " };
            if !self.text.is_empty() {
                write!(f, "{mark}{line}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
