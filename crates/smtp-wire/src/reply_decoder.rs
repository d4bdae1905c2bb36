//! What a server answers, read strictly. RFC 5321 s4.2.
//!
//! A smarthost is not trusted (OpenSMTPD CVE-2020-8794 was a server's reply): a reply whose
//! structure is wrong breaks the connection, because after it no reply can be matched to its
//! command any more, and a reply matched to the wrong command is a false acknowledgement. Text is
//! only cleaned: control characters in it do not disturb the framing.
//!
//! Read with patience are, by RFC 5321 s4.2 and s4.3.2: a code alone, codes nobody knows, lines
//! longer than 512 octets.
//!
//! Invariant: at most 4 KiB of text is kept per reply; the same bytes cut anywhere give the same
//! replies.

use crate::line::{LineDecoder, LineEvent, LineFault};
use crate::reply::{Enhanced, Reply};

/// Lines of one reply.
const LINES_MAX: usize = 200;

/// Octets of one line, CRLF included.
const LINE_MAX: usize = 4096;

/// Octets of text kept of one reply; the rest is read and forgotten.
const TEXT_MAX: usize = 4096;

/// Cuts a stream of bytes into replies.
#[derive(Debug)]
pub struct ReplyDecoder {
    lines: LineDecoder,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Between two replies.
    Idle,
    /// Inside a reply of several lines.
    Inside(Partial),
    /// The stream makes no sense any more.
    Broken(ReplyFault),
}

#[derive(Debug)]
struct Partial {
    code: u16,
    enhanced: Option<Enhanced>,
    text: String,
    lines: usize,
}

/// Why a stream of replies makes no sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ReplyFault {
    /// A line without an end, too long, or with a bare CR, bare LF or NUL in it.
    #[error("{0} of a reply")]
    Line(#[from] LineFault),
    /// Not three digits, the first from 2 to 5, and then `-`, a space or nothing.
    #[error("a reply line without a reply code")]
    Code,
    /// Two codes in one reply.
    #[error("different codes in one reply")]
    MixedCodes,
    /// More lines than any reply needs.
    #[error("a reply of too many lines")]
    TooManyLines,
}

impl Default for ReplyDecoder {
    fn default() -> Self {
        Self::new()
    }
}

impl ReplyDecoder {
    /// A decoder between two replies.
    #[must_use]
    pub fn new() -> Self {
        Self { lines: LineDecoder::new(LINE_MAX), state: State::Idle }
    }

    /// Whether nothing of a reply is half read.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle) && self.lines.is_idle()
    }

    /// Takes bytes from `input` up to the end of the next reply; gives how many were consumed.
    /// Without a reply all were consumed. After a fault every further byte gives it again.
    pub fn decode(&mut self, input: &[u8]) -> (usize, Option<Result<Reply, ReplyFault>>) {
        if let State::Broken(fault) = self.state {
            return (input.len(), (!input.is_empty()).then_some(Err(fault)));
        }
        let mut used = 0;
        loop {
            let (read, event) = self.lines.decode(input.get(used..).unwrap_or_default());
            used += read;
            let step = match event {
                None => return (used, None),
                Some(LineEvent::Fault(fault)) => Err(fault.into()),
                Some(LineEvent::Line(line)) => self.state.take(line),
            };
            match step {
                Ok(None) => {}
                Ok(Some(reply)) => {
                    self.lines.release();
                    return (used, Some(Ok(reply)));
                }
                Err(fault) => {
                    self.state = State::Broken(fault);
                    return (used, Some(Err(fault)));
                }
            }
        }
    }
}

impl State {
    /// One more line; the reply, if it was the last one.
    fn take(&mut self, line: &[u8]) -> Result<Option<Reply>, ReplyFault> {
        let (code, last, text) = split(line).ok_or(ReplyFault::Code)?;
        let text = clean(text);
        let mut partial = match std::mem::replace(self, Self::Idle) {
            Self::Inside(partial) if partial.code != code => return Err(ReplyFault::MixedCodes),
            Self::Inside(mut partial) => {
                partial.add(&text);
                partial
            }
            Self::Idle => Partial::begin(code, text),
            Self::Broken(fault) => return Err(fault),
        };
        partial.lines += 1;
        if last {
            let Partial { code, enhanced, text, .. } = partial;
            return Ok(Some(Reply { code, enhanced, text }));
        }
        if partial.lines >= LINES_MAX {
            return Err(ReplyFault::TooManyLines);
        }
        *self = Self::Inside(partial);
        Ok(None)
    }
}

impl Partial {
    fn begin(code: u16, text: String) -> Self {
        let class = code / 100;
        let (enhanced, text) = match Enhanced::split(&text) {
            Some((enhanced, rest)) if u16::from(enhanced.class) == class => {
                (Some(enhanced), rest.to_owned())
            }
            _ => (None, text),
        };
        let mut partial = Self { code, enhanced, text: String::new(), lines: 0 };
        partial.keep(&text);
        partial
    }

    fn add(&mut self, text: &str) {
        let text = match Enhanced::split(text) {
            Some((enhanced, rest)) if Some(enhanced) == self.enhanced => rest,
            _ => text,
        };
        self.keep("\n");
        self.keep(text);
    }

    fn keep(&mut self, text: &str) {
        for character in text.chars() {
            if self.text.len() + character.len_utf8() > TEXT_MAX {
                return;
            }
            self.text.push(character);
        }
    }
}

/// `Reply-code = %x32-35 %x30-35 %x30-39`, then `-`, a space or nothing. The second digit is not
/// checked: RFC 5321 s4.3.2 wants unknown codes to be understood by their first.
fn split(line: &[u8]) -> Option<(u16, bool, &[u8])> {
    let (code, rest) = line.split_at_checked(3)?;
    let digits = code.iter().all(u8::is_ascii_digit) && matches!(code.first(), Some(b'2'..=b'5'));
    let code = std::str::from_utf8(code).ok().filter(|_| digits)?.parse().ok()?;
    match rest.split_first() {
        None => Some((code, true, &[])),
        Some((b' ', text)) => Some((code, true, text)),
        Some((b'-', text)) => Some((code, false, text)),
        Some(_) => None,
    }
}

/// Text with every control character but HT replaced, and what is not UTF-8 as well.
fn clean(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    text.chars()
        .map(|character| if character.is_control() && character != '\t' { '?' } else { character })
        .collect()
}

#[cfg(test)]
mod tests;
