//! One connection to a filter: commands out, events in.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};

use crate::action::Actions;
use crate::change::Change;
use crate::command::Step;
use crate::custom_reply::CustomReply;
use crate::error::MilterError;
use crate::event::{Event, Verdict};
use crate::macros::Macros;
use crate::negotiation::{Negotiated, Wanted};
use crate::packet::{BODY_CHUNK_MAX, PacketDecoder, encode, without_nul};

/// Whether a command has a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "without the reply the next command is out of order"]
pub enum Awaits {
    /// [`Event::Verdict`] (or [`Event::Negotiated`]) comes before the next command.
    Reply,
    /// The next command can be given at once: the filter does not want to hear of this one, or
    /// does not reply to it.
    Nothing,
}

/// One connection to a filter, without its socket.
///
/// ```text
///   negotiate  connect  helo+  (mail rcpt* data header* end_of_header body* end_of_body)*  quit
///                                              |___ or abort, at any place ___|
/// ```
///
/// - A command is a method. It writes to [`Self::output`] and says whether a reply is awaited;
///   until that has come no other command has a place, but [`Self::abort`] and [`Self::quit`].
/// - [`Self::handle_bytes`] takes what the filter sent; then [`Self::poll_event`] until it has
///   no more. The same bytes cut anywhere give the same events.
/// - What was agreed upon is heeded here: steps that are switched off write nothing, steps
///   without a reply await nothing, what is to be skipped is skipped until the message is over.
///   What follows from a verdict is not: who was accepted or refused is to be told no more of
///   the message, and `abort` ends it.
/// - Whatever fails, fails for good: [`Event::Failed`] is the last event, and every command has
///   that error.
///
/// A connection is for one client: `K`, by which the next one could have it, is understood by
/// libmilter at some steps only. Commands that no server knows (`U`) are not told.
///
/// Who speaks in which order is not checked any further: the filter's word is as good for a
/// command that came too early as for any.
#[derive(Debug)]
pub struct Connection {
    wanted: Wanted,
    packets: PacketDecoder,
    output: Vec<u8>,
    events: VecDeque<Event>,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Nothing was said.
    New,
    /// Our offer is out.
    Negotiating,
    /// Agreed.
    Open(Box<Open>),
    /// We said that we go.
    Ended,
    /// Of no use any more.
    Failed(MilterError),
}

#[derive(Debug)]
struct Open {
    agreed: Negotiated,
    /// What awaits its reply.
    awaited: Option<Step>,
    /// Replies that will come to commands before an abort, and mean nothing any more.
    stale: VecDeque<Step>,
    /// Steps that are skipped in this message.
    skipped: Vec<Step>,
    /// Octets that the changes to this message have so far.
    changed: usize,
    /// The filter wants this message to be put aside.
    aside: bool,
}

impl Connection {
    /// Nothing is said yet; [`Self::negotiate`] is first.
    pub fn new(wanted: Wanted) -> Self {
        Self {
            wanted,
            packets: PacketDecoder::default(),
            output: Vec::new(),
            events: VecDeque::new(),
            state: State::New,
        }
    }

    /// Offers what is wanted. The reply is [`Event::Negotiated`].
    ///
    /// # Errors
    /// Was called before.
    pub fn negotiate(&mut self) -> Result<Awaits, MilterError> {
        match &self.state {
            State::New => {}
            State::Failed(error) => return Err(error.clone()),
            _ => return Err(MilterError::OutOfOrder(Step::Negotiate)),
        }
        let [version, actions, flags] = self.wanted.offer();
        let pieces: [&[u8]; 3] = [&version, &actions, &flags];
        encode(&mut self.output, Step::Negotiate.letter(), &pieces)?;
        self.state = State::Negotiating;
        Ok(Awaits::Reply)
    }

    /// What was agreed upon, once it was.
    pub fn negotiated(&self) -> Option<&Negotiated> {
        match &self.state {
            State::Open(open) => Some(&open.agreed),
            _ => None,
        }
    }

    /// A client: its name (or its address in brackets), and where it is, if that can be said.
    ///
    /// # Errors
    /// A reply is awaited, or there is no connection (any more).
    pub fn connect(
        &mut self,
        name: &str,
        address: Option<SocketAddr>,
        macros: &Macros,
    ) -> Result<Awaits, MilterError> {
        let name = without_nul(name.as_bytes());
        let Some(address) = address else {
            return self.command(Step::Connect, Some(macros), &[name, b"\0U"]);
        };
        let ip = address.ip().to_canonical();
        let family: &[u8] = if matches!(ip, IpAddr::V4(_)) { b"4" } else { b"6" };
        let port = address.port().to_be_bytes();
        let text = ip.to_string();
        self.command(
            Step::Connect,
            Some(macros),
            &[name, b"\0", family, &port, text.as_bytes(), b"\0"],
        )
    }

    /// The name that the client gave.
    ///
    /// # Errors
    /// As with [`Self::connect`].
    pub fn helo(&mut self, name: &str, macros: &Macros) -> Result<Awaits, MilterError> {
        self.command(Step::Helo, Some(macros), &[without_nul(name.as_bytes()), b"\0"])
    }

    /// The sender in angle brackets, and the parameters of MAIL, `SIZE=1000`.
    ///
    /// # Errors
    /// As with [`Self::connect`].
    pub fn mail(
        &mut self,
        path: &str,
        parameters: &[&str],
        macros: &Macros,
    ) -> Result<Awaits, MilterError> {
        self.path(Step::Mail, path, parameters, macros)
    }

    /// A recipient in angle brackets, and the parameters of RCPT.
    ///
    /// # Errors
    /// As with [`Self::connect`].
    pub fn rcpt(
        &mut self,
        path: &str,
        parameters: &[&str],
        macros: &Macros,
    ) -> Result<Awaits, MilterError> {
        self.path(Step::Rcpt, path, parameters, macros)
    }

    /// DATA.
    ///
    /// # Errors
    /// As with [`Self::connect`].
    pub fn data(&mut self, macros: &Macros) -> Result<Awaits, MilterError> {
        self.command(Step::Data, Some(macros), &[])
    }

    /// One header field: its name, and all that stands behind the colon up to the CRLF that ends
    /// it. A CRLF inside becomes LF, as filters expect it.
    ///
    /// # Errors
    /// As with [`Self::connect`]; or it has more than 64 KiB, which libmilter could not read.
    pub fn header(&mut self, name: &[u8], value: &[u8]) -> Result<Awaits, MilterError> {
        let leading_space = self.negotiated().is_some_and(Negotiated::leading_space);
        let value = match value.split_first() {
            Some((b' ', rest)) if !leading_space => rest,
            _ => value,
        };
        // Nothing is allocated for a field of one line, which most are.
        let unfolded = memchr::memchr(b'\r', value).map(|_| with_line_feeds(value));
        let value = unfolded.as_deref().unwrap_or(value);
        let pieces = [without_nul(name), b"\0", without_nul(value), b"\0"];
        self.command(Step::Header, None, &pieces)
    }

    /// The header is complete.
    ///
    /// # Errors
    /// As with [`Self::connect`].
    pub fn end_of_header(&mut self, macros: &Macros) -> Result<Awaits, MilterError> {
        self.command(Step::EndOfHeader, Some(macros), &[])
    }

    /// A piece of the body, lines with CRLF, cut anywhere: at most [`BODY_CHUNK_MAX`] octets.
    ///
    /// # Errors
    /// As with [`Self::connect`]; or it has more octets.
    pub fn body(&mut self, piece: &[u8]) -> Result<Awaits, MilterError> {
        if piece.len() > BODY_CHUNK_MAX {
            let letter = char::from(Step::Body.letter());
            return Err(MilterError::Oversize { letter, octets: piece.len() });
        }
        self.command(Step::Body, None, &[piece])
    }

    /// The message is complete. Changes may come before the verdict.
    ///
    /// # Errors
    /// As with [`Self::connect`].
    pub fn end_of_body(&mut self, macros: &Macros) -> Result<Awaits, MilterError> {
        self.command(Step::EndOfBody, Some(macros), &[])
    }

    /// This message is over, or will never be; the next command may be `mail`. There is no
    /// reply; one that was awaited is not any more.
    ///
    /// # Errors
    /// There is no connection (any more).
    pub fn abort(&mut self) -> Result<(), MilterError> {
        self.open(Step::Mail)?.end_message();
        encode(&mut self.output, b'A', &[])
    }

    /// We go; the socket can be closed behind this.
    pub fn quit(&mut self) {
        if !matches!(self.state, State::Ended | State::Failed(_)) {
            // A packet without data is never too long.
            let _fits = encode(&mut self.output, b'Q', &[]);
            self.state = State::Ended;
        }
    }

    /// What is to be sent; taken by whoever sends it.
    pub fn output(&mut self) -> &mut Vec<u8> {
        &mut self.output
    }

    /// Whether a reply is awaited. Bytes that come while none is are an error.
    pub fn is_awaiting(&self) -> bool {
        match &self.state {
            State::Negotiating => true,
            State::Open(open) => open.awaited.is_some() || !open.stale.is_empty(),
            _ => false,
        }
    }

    /// The next thing that the filter said.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Takes what the filter sent.
    pub fn handle_bytes(&mut self, bytes: &[u8]) {
        if matches!(self.state, State::Ended | State::Failed(_)) {
            return;
        }
        self.packets.push(bytes);
        if let Err(error) = self.handle_packets() {
            self.state = State::Failed(error.clone());
            self.packets = PacketDecoder::default();
            self.events.push_back(Event::Failed(error));
        }
    }

    fn handle_packets(&mut self) -> Result<(), MilterError> {
        while self.packets.has_bytes() {
            // Before the packet is looked at, as its end may never come.
            if !self.is_awaiting() {
                return Err(MilterError::Unasked);
            }
            let Some(packet) = self.packets.next() else { break };
            let packet = packet?;
            match &mut self.state {
                State::Open(open) => {
                    let event = open.reply(packet.letter, packet.data, self.wanted.changes_max)?;
                    self.events.extend(event);
                }
                _ if packet.letter == Step::Negotiate.letter() => {
                    let agreed = Negotiated::decode(packet.data, &self.wanted)?;
                    self.events.push_back(Event::Negotiated(agreed.clone()));
                    self.state = State::Open(Box::new(Open::new(agreed)));
                }
                _ => {
                    let step = Step::Negotiate;
                    return Err(MilterError::Unfit { letter: packet.letter, step });
                }
            }
        }
        Ok(())
    }

    fn path(
        &mut self,
        step: Step,
        path: &str,
        parameters: &[&str],
        macros: &Macros,
    ) -> Result<Awaits, MilterError> {
        let mut pieces: Vec<&[u8]> = vec![without_nul(path.as_bytes()), b"\0"];
        for parameter in parameters {
            pieces.extend([without_nul(parameter.as_bytes()), b"\0"]);
        }
        self.command(step, Some(macros), &pieces)
    }

    fn command(
        &mut self,
        step: Step,
        macros: Option<&Macros>,
        pieces: &[&[u8]],
    ) -> Result<Awaits, MilterError> {
        let open = match &mut self.state {
            State::Open(open) if open.awaited.is_none() => open,
            State::Failed(error) => return Err(error.clone()),
            _ => return Err(MilterError::OutOfOrder(step)),
        };
        if step == Step::Mail {
            open.end_message();
        }
        let output = self.output.len();
        // Macros go even where the step itself is not told, as from the mail servers: they hold
        // for the steps that follow.
        if let Some(macros) = macros {
            open.agreed.macros().encode(&mut self.output, step, macros)?;
        }
        if !open.agreed.tells(step) || open.skipped.contains(&step) {
            return Ok(Awaits::Nothing);
        }
        if let Err(error) = encode(&mut self.output, step.letter(), pieces) {
            self.output.truncate(output);
            return Err(error);
        }
        if !open.agreed.replies(step) {
            return Ok(Awaits::Nothing);
        }
        open.awaited = Some(step);
        Ok(Awaits::Reply)
    }

    fn open(&mut self, step: Step) -> Result<&mut Open, MilterError> {
        match &mut self.state {
            State::Open(open) => Ok(open),
            State::Failed(error) => Err(error.clone()),
            _ => Err(MilterError::OutOfOrder(step)),
        }
    }
}

impl Open {
    fn new(agreed: Negotiated) -> Self {
        Self {
            agreed,
            awaited: None,
            stale: VecDeque::new(),
            skipped: Vec::new(),
            changed: 0,
            aside: false,
        }
    }

    fn end_message(&mut self) {
        self.stale.extend(self.awaited.take());
        self.skipped.clear();
        self.changed = 0;
        self.aside = false;
    }

    /// What this packet says, if it means anything to anybody.
    fn reply(
        &mut self,
        letter: u8,
        data: &[u8],
        changes_max: usize,
    ) -> Result<Option<Event>, MilterError> {
        let stale = self.stale.front().copied();
        let step = stale.or(self.awaited).ok_or(MilterError::Unasked)?;
        let mut event = self.event(step, letter, data)?;
        if stale.is_none() {
            self.aside |= letter == b'q';
            let passes = matches!(event, Event::Verdict(Verdict::Continue | Verdict::Accept));
            if passes && std::mem::take(&mut self.aside) {
                event = Event::Verdict(Verdict::Reject);
            }
        }
        if matches!(event, Event::Verdict(_)) && stale.is_some() {
            self.stale.pop_front();
        } else if let Event::Verdict(verdict) = &event {
            self.awaited = None;
            if *verdict == Verdict::Skip {
                self.skipped.push(step);
            }
        }
        if stale.is_some() {
            return Ok(None);
        }
        if let Event::Change(change) = &event {
            self.changed = self.changed.saturating_add(change.octets());
            if self.changed > changes_max {
                return Err(MilterError::TooMuch { limit: changes_max });
            }
        }
        Ok(Some(event))
    }

    fn event(&self, step: Step, letter: u8, data: &[u8]) -> Result<Event, MilterError> {
        if let Some(change) = Change::decode(letter, data, self.agreed.leading_space()) {
            let change = change?;
            return match change.action() {
                _ if step != Step::EndOfBody => Err(MilterError::TooEarly(step)),
                action if !self.agreed.actions.contains(action) => {
                    Err(MilterError::NotNegotiated(action))
                }
                _ => Ok(Event::Change(change)),
            };
        }
        let verdict = match letter {
            b'p' => None,
            b'q' if step == Step::EndOfBody => None,
            b'c' => Some(Verdict::Continue),
            b'a' => Some(Verdict::Accept),
            b'r' => Some(Verdict::Reject),
            b't' => Some(Verdict::TempFail),
            b'd' => Some(Verdict::Discard),
            b'f' => Some(Verdict::ConnectionFail),
            b'4' => Some(Verdict::Shutdown),
            b's' if matches!(step, Step::Rcpt | Step::Header | Step::Body) => Some(Verdict::Skip),
            b's' | b'O' | b'l' => return Err(MilterError::Unfit { letter, step }),
            b'y' => return refusal(data).map(Event::Verdict),
            // To the envelope: never offered.
            b'+' | b'-' | b'2' | b'e' if step == Step::EndOfBody => {
                return Err(MilterError::NotNegotiated(Actions::ENVELOPE));
            }
            b'+' | b'-' | b'2' | b'e' | b'q' => return Err(MilterError::TooEarly(step)),
            _ => return Err(MilterError::UnknownReply(letter)),
        };
        // Quarantine has a reason, for whoever looks through what was put aside.
        if !data.is_empty() && letter != b'q' {
            return Err(MilterError::Truncated(letter));
        }
        Ok(verdict.map_or(Event::Progress, Event::Verdict))
    }
}

/// A value with LF for each CRLF. The CR of one cannot stand anywhere else in well-formed content.
fn with_line_feeds(value: &[u8]) -> Vec<u8> {
    value.iter().copied().filter(|octet| *octet != b'\r').collect()
}

/// What a reply of the filter's own making says. A refusal that is not well written is one all the
/// same: whoever does without a filter that fails must not do without its refusals.
fn refusal(data: &[u8]) -> Result<Verdict, MilterError> {
    match (CustomReply::decode(data), CustomReply::code_of(data)) {
        (Ok(reply), _) => Ok(Verdict::Reply(reply)),
        (Err(_), Some(500..)) => Ok(Verdict::Reject),
        (Err(_), Some(_)) => Ok(Verdict::TempFail),
        (Err(error), None) => Err(error),
    }
}

#[cfg(test)]
mod tests;
