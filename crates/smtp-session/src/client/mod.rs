//! The client role: what optgate is to the smarthost (RFC 5321, RFC 2920).
//!
//! ```text
//!   Greeting --220--> Hello --250--> Ready --DATA--> DataAsked --354--> MailData
//!      |              ^ |  5yz: HELO   ^                 |                 | "."
//!      |   secured()  | | STARTTLS     |                 | 4yz 5yz         v
//!      |              | | XCLIENT AUTH +-----------------+----reply---- DotSent
//!      |              Securing
//!      +---- anything that makes no sense, silence, EOF ---> Lost
//! ```
//!
//! A reply belongs to the oldest outstanding command and to nothing else. Bytes
//! that come while none is outstanding break the connection (a 421 on an idle one
//! is an ordinary close); so does a reply that makes no sense. Once broken, a
//! connection is never used again: a later reply could be mistaken for ours.
//! Commands are sent ahead where the smarthost offers PIPELINING, and one by one
//! where it does not.

mod introduction;
mod login;
pub(crate) mod replies;
mod stage;
mod starttls;

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use address::{ForwardPath, ReversePath};
use smtp_wire::{
    BannerKeywords, Capabilities, DataEncoder, MailParams, RcptParams, Reply, ReplyDecoder,
};

use crate::moment::Moment;
use crate::sasl::{ScramWork, SecretBytes};
use stage::{Introduction, Stage};

pub use stage::Login;

/// How long each wait may last (RFC 5321 s4.5.3.2 gives the minima).
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// Greeting, EHLO, MAIL, RCPT, RSET, NOOP: five minutes.
    pub command: Duration,
    /// DATA to its 354: two minutes in the RFC; the same setting as a command.
    pub data_asked: Duration,
    /// The final dot to its reply: below the ten minutes our own client may wait.
    pub dot: Duration,
}

/// What the client role says about itself.
#[derive(Debug, Clone)]
pub struct ClientSettings {
    /// The name given in EHLO.
    pub hostname: String,
    /// How long to wait for what.
    pub timeouts: Timeouts,
    /// Whether STARTTLS is used (RFC 3207).
    pub starttls: UseTls,
}

/// What the client role does about STARTTLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UseTls {
    /// Nothing.
    #[default]
    Never,
    /// It is used where it is offered.
    IfOffered,
    /// Without it the connection is given up: [`Lost::NoTls`].
    Required,
}

/// A command whose reply has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// MAIL.
    Mail,
    /// RCPT, with the caller's number for it.
    Rcpt(u32),
    /// DATA.
    Data,
    /// The final dot.
    Dot,
    /// RSET.
    Rset,
    /// NOOP.
    Noop,
    /// QUIT.
    Quit,
    /// AUTH, by [`Client::auth`].
    Auth,
    /// XFORWARD.
    Xforward,
}

/// Why the smarthost connection is no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lost {
    /// It closed the connection, or the network did.
    Closed,
    /// It said 421 (RFC 5321 s3.8) and closes.
    Shutdown(Reply),
    /// A wait was longer than its limit.
    Timeout,
    /// It sent what cannot be a reply here.
    Nonsense(&'static str),
    /// It turned us away at the greeting or at EHLO.
    Rejected(Reply),
    /// It offers no TLS, or refuses it, and TLS is required; or the handshake failed.
    NoTls(&'static str),
    /// It does not let us in: its reply to AUTH.
    LoginRefused(Reply),
    /// It turns the client away, of whom it was told by XCLIENT.
    ClientRefused(Reply),
    /// It cannot let us in: no mechanism in common, or it did not prove that it knows us.
    NoLogin(&'static str),
}

/// What happened on the smarthost's side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientEvent {
    /// Greeting and EHLO (and STARTTLS, AUTH where they are wanted) are done;
    /// [`Client::capabilities`] are known.
    Ready,
    /// The smarthost said 220 to STARTTLS: do the handshake, then call [`Client::secured`].
    StartTls,
    /// A challenge of an AUTH exchange that was begun by [`Client::auth`], base64 removed.
    Challenge(Vec<u8>),
    /// Do this, where a thread may be kept busy, and give the outcome to [`Client::derived`].
    Derive(ScramWork),
    /// The reply to a command.
    Reply(Sent, Reply),
    /// A refusal while mail data was still on its way: it stands for the reply to
    /// the dot, and no more data should be sent.
    RefusedEarly(Reply),
    /// The connection is broken; drop it.
    Lost(Lost),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Greeting,
    Ehlo,
    Helo,
    /// AUTH, or a response, of a login of our own.
    Login,
    StartTls,
    Xclient,
    Command(Sent),
}

#[derive(Debug)]
enum State {
    /// Commands may be given (also while greeting and EHLO are under way: then
    /// nothing is, because the owner waits for [`ClientEvent::Ready`]).
    Commands,
    /// An AUTH exchange is open, and it is our turn.
    Challenged,
    /// 220 to STARTTLS was read: what comes next is the handshake, and none of it comes here.
    Securing,
    MailData(DataEncoder),
    Lost,
}

/// The client role of one connection.
#[derive(Debug)]
pub struct Client {
    settings: Arc<ClientSettings>,
    state: State,
    capabilities: Arc<Capabilities>,
    replies: ReplyDecoder,
    /// Sent and unanswered, the oldest first.
    outstanding: VecDeque<Asked>,
    /// Not yet sent: the smarthost takes one command at a time.
    unsent: VecDeque<(Sent, Vec<u8>)>,
    out: Vec<u8>,
    events: VecDeque<ClientEvent>,
    deadline: Option<Moment>,
    transactions: u32,
    /// The TLS handshake is done.
    secure: bool,
    introduction: Introduction,
    login: Stage,
    logged_in: bool,
    /// The first response of an exchange, which was too long for the command.
    held: Option<SecretBytes>,
    /// What its greeting said in keywords.
    keywords: Option<Box<BannerKeywords>>,
}

impl Client {
    /// A fresh connection: waits for the greeting (RFC 5321 s4.3.1: nothing is
    /// sent before it).
    pub fn new(settings: Arc<ClientSettings>, now: Moment) -> Self {
        Self::with_login(settings, None, now)
    }

    /// The same, and it logs in before [`ClientEvent::Ready`], if there is a login.
    pub fn with_login(settings: Arc<ClientSettings>, login: Option<Login>, now: Moment) -> Self {
        let deadline = Some(now.plus(settings.timeouts.command));
        Self {
            settings,
            state: State::Commands,
            capabilities: Arc::new(Capabilities::default()),
            replies: ReplyDecoder::default(),
            outstanding: VecDeque::from([Asked::Greeting]),
            unsent: VecDeque::new(),
            out: Vec::new(),
            events: VecDeque::new(),
            deadline,
            transactions: 0,
            secure: false,
            introduction: Introduction::None,
            login: login.map_or(Stage::None, Stage::Wanted),
            logged_in: false,
            held: None,
            keywords: None,
        }
    }

    /// MAIL. The parameters must be ones the smarthost offers.
    pub fn mail(&mut self, now: Moment, from: &ReversePath, params: &MailParams) {
        self.transactions = self.transactions.saturating_add(1);
        self.command(now, Sent::Mail, |line| {
            let _ = write!(line, "MAIL FROM:{from}{params}");
        });
    }

    /// RCPT; `tag` comes back with the reply.
    pub fn rcpt(&mut self, now: Moment, tag: u32, to: &ForwardPath, params: &RcptParams) {
        self.command(now, Sent::Rcpt(tag), |line| {
            let _ = write!(line, "RCPT TO:{to}{params}");
        });
    }

    /// DATA. Mail data may follow only after the 354.
    pub fn data(&mut self, now: Moment) {
        self.command(now, Sent::Data, |line| line.push_str("DATA"));
    }

    /// RSET.
    pub fn rset(&mut self, now: Moment) {
        self.command(now, Sent::Rset, |line| line.push_str("RSET"));
    }

    /// NOOP, to keep an idle smarthost waiting before DATA.
    pub fn noop(&mut self, now: Moment) {
        self.command(now, Sent::Noop, |line| line.push_str("NOOP"));
    }

    /// QUIT.
    pub fn quit(&mut self, now: Moment) {
        self.command(now, Sent::Quit, |line| line.push_str("QUIT"));
    }

    /// A span of mail data, dots not yet doubled. Ignored unless 354 was given.
    pub fn content(&mut self, span: &[u8]) {
        if let State::MailData(encoder) = &mut self.state {
            encoder.encode(span, &mut self.out);
        }
    }

    /// The final dot. `false`, and nothing sent, unless mail data is open, in step
    /// and unanswered: bytes that came early would be taken for the reply.
    pub fn finish(&mut self, now: Moment) -> bool {
        let State::MailData(encoder) = &mut self.state else { return false };
        if !self.outstanding.is_empty() || !self.replies.is_idle() || !self.events.is_empty() {
            return false;
        }
        encoder.finish(&mut self.out);
        self.state = State::Commands;
        self.outstanding.push_back(Asked::Command(Sent::Dot));
        self.deadline = Some(now.plus(self.settings.timeouts.dot));
        true
    }

    fn command(&mut self, now: Moment, sent: Sent, write: impl FnOnce(&mut String)) {
        if !matches!(self.state, State::Commands) {
            return;
        }
        if self.outstanding.is_empty() && !self.replies.is_idle() {
            // What came unasked would be read as the beginning of our reply.
            return self.lose(Lost::Nonsense("bytes before the command"));
        }
        let mut line = String::with_capacity(64);
        write(&mut line);
        line.push_str("\r\n");
        if self.outstanding.is_empty() || self.capabilities.pipelining {
            self.send(now, sent, line.as_bytes());
        } else {
            self.unsent.push_back((sent, line.into_bytes()));
        }
    }

    fn send(&mut self, now: Moment, sent: Sent, line: &[u8]) {
        self.out.extend_from_slice(line);
        self.outstanding.push_back(Asked::Command(sent));
        if self.outstanding.len() == 1 {
            self.set_timer(now);
        }
    }

    /// The timer runs for the oldest outstanding command.
    fn set_timer(&mut self, now: Moment) {
        let timeouts = &self.settings.timeouts;
        self.deadline = self.outstanding.front().map(|asked| {
            now.plus(match asked {
                Asked::Command(Sent::Data) => timeouts.data_asked,
                Asked::Command(Sent::Dot) => timeouts.dot,
                _ => timeouts.command,
            })
        });
    }

    /// Takes bytes from the smarthost; all of them are used. Drain the events.
    pub fn handle_bytes(&mut self, now: Moment, mut input: &[u8]) {
        while !input.is_empty() && !matches!(self.state, State::Lost) {
            if matches!(self.state, State::Securing) {
                // Not encrypted, and meant to be taken for what is (RFC 3207 s4.2, s6).
                self.events.clear();
                return self.lose(Lost::Nonsense("bytes behind the 220 to STARTTLS"));
            }
            let (used, reply) = self.replies.decode(input);
            input = input.get(used..).unwrap_or_default();
            match reply {
                // Half a reply; the decoder keeps it.
                None => return,
                Some(Ok(reply)) => self.handle_reply(now, reply),
                Some(Err(_)) => self.lose(Lost::Nonsense("what is no reply")),
            }
        }
    }

    fn handle_reply(&mut self, now: Moment, reply: Reply) {
        if reply.code == 421 {
            return self.lose(self.turned_away(reply, Lost::Shutdown));
        }
        let Some(asked) = self.outstanding.pop_front() else {
            if matches!(self.state, State::MailData(_)) && reply.is_permanent() {
                // RFC 5321 s4.2.5 knows no reply here, yet servers that give up
                // early send one; their word is kept for the dot.
                self.events.push_back(ClientEvent::RefusedEarly(reply));
                self.state = State::Lost;
                return;
            }
            return self.lose(Lost::Nonsense("a reply to nothing"));
        };
        match asked {
            Asked::Greeting => self.handle_greeting(now, reply),
            Asked::Ehlo | Asked::Helo => return self.handle_hello(now, asked, reply),
            Asked::StartTls => return self.handle_starttls(now, &reply),
            Asked::Xclient => return self.handle_xclient(now, reply),
            Asked::Login | Asked::Command(Sent::Auth) => self.handle_auth(now, asked, reply),
            Asked::Command(sent) => {
                if sent == Sent::Data && reply.code == 354 {
                    if !self.outstanding.is_empty() {
                        return self.lose(Lost::Nonsense("354 with commands outstanding"));
                    }
                    self.state = State::MailData(DataEncoder::new());
                } else if reply.is_intermediate() {
                    // 3yz belongs to DATA alone, and there only 354 is a go-ahead.
                    return self.lose(Lost::Nonsense("an intermediate reply out of place"));
                } else if sent == Sent::Data && reply.is_positive() {
                    return self.lose(Lost::Nonsense("DATA answered 2yz"));
                }
                self.events.push_back(ClientEvent::Reply(sent, reply));
            }
        }
        if self.outstanding.is_empty()
            && let Some((sent, line)) = self.unsent.pop_front()
        {
            self.send(now, sent, &line);
        }
        self.set_timer(now);
    }

    fn handle_greeting(&mut self, now: Moment, reply: Reply) {
        if reply.code != 220 {
            return self.lose(Lost::Rejected(reply));
        }
        let keywords = BannerKeywords::read(&reply.text);
        self.keywords = keywords.any().then(|| Box::new(keywords));
        self.ask_hello(now, Asked::Ehlo);
    }

    fn handle_hello(&mut self, now: Moment, asked: Asked, reply: Reply) {
        if reply.code == 250 {
            let known = match asked {
                Asked::Ehlo => Capabilities::from_ehlo(&reply),
                _ => Capabilities::default(),
            };
            self.capabilities = Arc::new(known);
            self.offers_known(now);
        } else if asked == Asked::Ehlo && reply.is_permanent() {
            // RFC 5321 s3.2: an old server; HELO is the way back.
            self.ask_hello(now, Asked::Helo);
        } else {
            self.lose(self.turned_away(reply, Lost::Rejected));
        }
    }

    fn ask_hello(&mut self, now: Moment, asked: Asked) {
        let verb = if asked == Asked::Ehlo { "EHLO" } else { "HELO" };
        let line = format!("{verb} {}\r\n", self.hello_name());
        self.out.extend_from_slice(line.as_bytes());
        self.outstanding.push_back(asked);
        self.set_timer(now);
    }

    /// The smarthost closed its side.
    pub fn handle_eof(&mut self) {
        self.lose(Lost::Closed);
    }

    /// Called when [`Self::poll_timeout`] is due, or at any other time.
    pub fn handle_timeout(&mut self, now: Moment) {
        if self.deadline.is_some_and(|deadline| now.reached(deadline)) {
            self.lose(Lost::Timeout);
        }
    }

    fn lose(&mut self, why: Lost) {
        if matches!(self.state, State::Lost) {
            return;
        }
        self.state = State::Lost;
        self.deadline = None;
        self.outstanding.clear();
        self.unsent.clear();
        self.out.clear();
        self.events.push_back(ClientEvent::Lost(why));
    }

    /// When [`Self::handle_timeout`] wants to be called.
    pub fn poll_timeout(&self) -> Option<Moment> {
        self.deadline
    }

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<ClientEvent> {
        self.events.pop_front()
    }

    /// Bytes for the smarthost, to be taken from the front.
    pub fn output(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }

    /// Bytes waiting to be sent.
    pub fn unsent(&self) -> usize {
        self.out.len()
    }

    /// What the smarthost offers.
    pub fn capabilities(&self) -> &Arc<Capabilities> {
        &self.capabilities
    }

    /// What its greeting said in the keywords of 1998, if anything: for people to know, nothing is
    /// decided by it.
    pub fn keywords(&self) -> Option<&BannerKeywords> {
        self.keywords.as_deref()
    }

    /// AUTH has succeeded, for whomever.
    pub fn is_logged_in(&self) -> bool {
        self.logged_in
    }

    /// Nothing is outstanding, half read or half sent: the connection may wait for
    /// another transaction, or serve another session.
    pub fn is_at_rest(&self) -> bool {
        matches!(self.state, State::Commands)
            && self.outstanding.is_empty()
            && self.unsent.is_empty()
            && self.replies.is_idle()
            && self.out.is_empty()
            && self.events.is_empty()
    }

    /// Every command sent so far has its reply.
    pub fn is_answered(&self) -> bool {
        self.outstanding.is_empty() && self.unsent.is_empty()
    }

    /// Mail transactions begun on this connection, for the limit MAILMAX (RFC 9422).
    pub fn transactions(&self) -> u32 {
        self.transactions
    }
}
