//! Lines: what stands between two CRLF.
//!
//! RFC 5321 s2.3.8: lines end with CRLF and nothing else, and "conforming implementations MUST
//! NOT recognize or generate any other character or character sequence as a line terminator". A
//! line that holds a bare CR, a bare LF or a NUL is therefore no command. The fault is told at
//! the offending byte, so that a client that ends its lines with LF learns it at once instead of
//! waiting for a time-out; the rest up to the CRLF is thrown away: one line, one event.
//!
//! Invariants: the same bytes cut anywhere give the same events; never more than the limit is
//! kept; while no line is half read nothing is kept, not even capacity.

use std::ops::Range;

use memchr::{memchr_iter, memchr3};

/// The longest command line in octets, CRLF included. RFC 5321 s4.5.3.1.4 asks for 512, DSN for
/// 1036 in RCPT (RFC 3461 s5); 4096 leaves room for every extension that is offered.
pub const COMMAND_LINE_MAX: usize = 4096;

/// Octets of one line after which its sender is no longer believed to be speaking SMTP.
pub const FLOOD_MAX: usize = 64 * 1024;

/// Cuts a stream of bytes into lines.
#[derive(Debug)]
pub struct LineDecoder {
    /// Octets a line may have, its CRLF not counted.
    content_max: usize,
    state: State,
}

#[derive(Debug)]
enum State {
    /// At the start of a line.
    Idle,
    /// A line has begun; `held` is what came of it, a trailing CR included.
    Partial { held: Vec<u8> },
    /// The line in `held` was handed out by the last call.
    Given { held: Vec<u8> },
    /// The line is lost and is thrown away up to its CRLF.
    Skipping(Skip),
}

/// What the bytes contained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineEvent<'a> {
    /// A complete line, without its CRLF.
    Line(&'a [u8]),
    /// A line that cannot be used: one event for each, but [`LineFault::Flood`] may follow it.
    Fault(LineFault),
}

/// Why a line cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum LineFault {
    /// Longer than the limit; told when its end has come.
    #[error("line too long")]
    TooLong,
    /// More than [`FLOOD_MAX`] octets without an end: the connection should be closed.
    #[error("line without an end")]
    Flood,
    /// A CR that no LF follows.
    #[error("bare CR in a line")]
    BareCr,
    /// A LF that no CR precedes.
    #[error("bare LF in a line")]
    BareLf,
    /// A NUL.
    #[error("NUL in a line")]
    Nul,
}

impl LineDecoder {
    /// A decoder for lines of at most `limit` octets, CRLF included.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { content_max: limit.saturating_sub(2), state: State::Idle }
    }

    /// Whether the next byte begins a line, nothing being half read.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle | State::Given { .. })
    }

    /// Frees the memory of the line handed out last: for callers that are about to wait.
    pub fn release(&mut self) {
        if matches!(self.state, State::Given { .. }) {
            self.state = State::Idle;
        }
    }

    /// Takes bytes from `input` up to the next event; gives how many were consumed, and the
    /// event. Without an event all were consumed.
    ///
    /// A line that lies whole in `input` is borrowed from there; one that came in pieces is
    /// borrowed from the decoder, which frees it at the next call or at [`release`](Self::release).
    pub fn decode<'a>(&'a mut self, input: &'a [u8]) -> (usize, Option<LineEvent<'a>>) {
        self.release();
        let (used, found) = self.advance(input);
        let event = match (found, &self.state) {
            (Found::Line(range), _) => input.get(range).map(LineEvent::Line),
            (Found::HeldLine, State::Given { held }) => Some(LineEvent::Line(held)),
            (Found::Fault(fault), _) => Some(LineEvent::Fault(fault)),
            (Found::HeldLine | Found::Nothing, _) => None,
        };
        (used, event)
    }

    fn advance(&mut self, input: &[u8]) -> (usize, Found) {
        let mut used = 0;
        if let State::Skipping(skip) = &mut self.state {
            let (skipped, ended, fault) = skip.feed(input);
            used = skipped;
            if ended {
                self.state = State::Idle;
            }
            if let Some(fault) = fault {
                return (used, Found::Fault(fault));
            }
        }
        if matches!(self.state, State::Skipping(_)) {
            return (used, Found::Nothing);
        }
        let rest = input.get(used..).unwrap_or_default();
        let (read, found) = self.read(rest);
        match found {
            // The length is told at the end of the line, which may be here already.
            Found::Fault(LineFault::TooLong) => {
                let (more, found) = self.advance(rest.get(read..).unwrap_or_default());
                (used + read + more, found.shifted(used + read))
            }
            found => (used + read, found.shifted(used)),
        }
    }

    /// Reads on in a line that is still good. `TooLong` here means: from now on it is skipped.
    fn read(&mut self, rest: &[u8]) -> (usize, Found) {
        let before = match &self.state {
            State::Partial { held } => held.as_slice(),
            _ => &[],
        };
        let after_cr = before.last() == Some(&b'\r');
        let content = before.len() - usize::from(after_cr);
        let end = if after_cr { End::of_held_cr(rest) } else { End::find(rest) };
        let (at, used) = match end {
            End::Crlf { at } => (at, at + if after_cr { 1 } else { 2 }),
            End::Fault { at, used, .. } => (at, used),
            End::HeldCr { at } => (at, rest.len()),
            End::None => (rest.len(), rest.len()),
        };
        let seen = before.len() + used;
        if content + at > self.content_max {
            let over = self.content_max - content + 1;
            let skip = Skip { seen: before.len() + over, after_cr: false, debt: Debt::TooLong };
            self.state = State::Skipping(skip);
            return (over, Found::Fault(LineFault::TooLong));
        }
        match end {
            End::Crlf { at } if before.is_empty() => (used, Found::Line(0..at)),
            End::Crlf { at } => {
                let State::Partial { mut held } = std::mem::replace(&mut self.state, State::Idle)
                else {
                    return (used, Found::Nothing);
                };
                held.truncate(content);
                held.extend_from_slice(rest.get(..at).unwrap_or_default());
                self.state = State::Given { held };
                (used, Found::HeldLine)
            }
            End::Fault { fault, .. } => {
                self.state = State::Skipping(Skip { seen, after_cr: false, debt: Debt::Told });
                (used, Found::Fault(fault))
            }
            End::HeldCr { .. } | End::None => {
                if let State::Partial { held } = &mut self.state {
                    held.extend_from_slice(rest);
                } else if !rest.is_empty() {
                    self.state = State::Partial { held: rest.to_vec() };
                }
                (used, Found::Nothing)
            }
        }
    }
}

/// What a call found; ranges refer to its input.
enum Found {
    Nothing,
    Line(Range<usize>),
    HeldLine,
    Fault(LineFault),
}

impl Found {
    fn shifted(self, by: usize) -> Self {
        match self {
            Self::Line(range) => Self::Line(range.start + by..range.end + by),
            other => other,
        }
    }
}

/// How far a line goes. `at`: octets of content before it; `used`: octets to consume.
#[derive(Clone, Copy)]
enum End {
    None,
    Crlf { at: usize },
    HeldCr { at: usize },
    Fault { fault: LineFault, at: usize, used: usize },
}

impl End {
    fn find(rest: &[u8]) -> Self {
        let Some(at) = memchr3(b'\r', b'\n', 0, rest) else { return Self::None };
        let used = at + 1;
        match (rest.get(at), rest.get(used)) {
            (Some(b'\r'), Some(b'\n')) => Self::Crlf { at },
            (Some(b'\r'), None) => Self::HeldCr { at },
            (Some(b'\r'), Some(_)) => Self::Fault { fault: LineFault::BareCr, at, used },
            (Some(b'\n'), _) => Self::Fault { fault: LineFault::BareLf, at, used },
            _ => Self::Fault { fault: LineFault::Nul, at, used },
        }
    }

    /// The octet before `rest` was a CR.
    fn of_held_cr(rest: &[u8]) -> Self {
        match rest.first() {
            None => Self::None,
            Some(b'\n') => Self::Crlf { at: 0 },
            Some(_) => Self::Fault { fault: LineFault::BareCr, at: 0, used: 0 },
        }
    }
}

/// A line that is being thrown away.
#[derive(Debug)]
struct Skip {
    /// Octets of it so far.
    seen: usize,
    after_cr: bool,
    debt: Debt,
}

/// What is still to be told about such a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Debt {
    /// That it is too long, at its end.
    TooLong,
    /// Nothing: its fault was told already.
    Told,
    /// Nothing, not even that it goes on without an end.
    Flooded,
}

impl Skip {
    /// Octets consumed, whether the line ended, and what is to be told.
    fn feed(&mut self, input: &[u8]) -> (usize, bool, Option<LineFault>) {
        let before = |at: usize| match at.checked_sub(1) {
            Some(previous) => input.get(previous) == Some(&b'\r'),
            None => self.after_cr,
        };
        let end = memchr_iter(b'\n', input).find(|at| before(*at)).map(|at| at + 1);
        let used = end.unwrap_or(input.len());
        let room = FLOOD_MAX.saturating_sub(self.seen);
        if used > room && self.debt != Debt::Flooded {
            self.debt = Debt::Flooded;
            self.note(input, room);
            return (room, false, Some(LineFault::Flood));
        }
        self.note(input, used);
        let told = (end.is_some() && self.debt == Debt::TooLong).then_some(LineFault::TooLong);
        (used, end.is_some(), told)
    }

    fn note(&mut self, input: &[u8], used: usize) {
        self.seen = self.seen.saturating_add(used);
        if let Some(last) = used.checked_sub(1).and_then(|last| input.get(last)) {
            self.after_cr = *last == b'\r';
        }
    }
}

#[cfg(test)]
mod tests;
