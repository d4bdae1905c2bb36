//! What a relay is told about its listener and its session.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use policy::{
    Action, HeaderGates, Networks, Possible, Rates, RelayControl, SenderRules, StreamId, Unsettled,
};
use smtp_session::sasl::Mechanism;
use smtp_wire::Solicitation;

use crate::filter::{Filters, JudgedStreams};
use crate::hold::HoldSettings;

/// When the smarthost is contacted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Contact {
    /// At the first permitted recipient: nothing is opened for mail that nobody
    /// may get.
    #[default]
    Recipient,
    /// Already at MAIL, whose reply is then the smarthost's.
    Sender,
}

/// The way mail data takes at least; what filters need may be more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Way {
    /// DATA goes upstream when the client sends it; only the dot is held back.
    #[default]
    Through,
    /// The content is kept until the client's dot.
    Held,
}

/// What happens when the recipients of one message differ in what the streams still
/// possible say of them, so that one reply to the dot could not be true for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mixed {
    /// The odd ones get 452 4.5.3: the client offers them in a transaction of their own
    /// (RFC 5321 s4.5.3.1.10).
    #[default]
    Defer,
    /// All are taken; if the header then decides that some may not get it, the whole
    /// message is refused: for clients that do not try again.
    RefuseWhole,
}

/// What the clients of a listener may do.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// Who may relay; by default nobody.
    pub control: RelayControl,
    /// Which senders each may use; by default any.
    pub senders: SenderRules,
    /// How much each may send; by default any amount.
    pub rates: Option<Arc<dyn Rates>>,
    /// How long they may be made to wait for our replies in one transaction; by default as
    /// long as it takes.
    pub wait_max: Option<Duration>,
}

/// What is done about the messages of a listener, besides passing them on; by default nothing.
#[derive(Debug, Clone, Default)]
pub struct MessageRules {
    /// Who judges their headers.
    pub gates: Option<Arc<HeaderGates>>,
    /// Date and Message-ID are added where they are missing (RFC 6409 s8): it is for submission.
    pub complete: bool,
    /// Who remembers messages of which nobody knows what became.
    pub unsettled: Option<Arc<dyn Unsettled>>,
}

/// What a relay needs to know about its listener.
#[derive(Debug, Clone)]
pub struct RelaySettings {
    /// The name in Received.
    pub hostname: String,
    /// What its clients may do.
    pub access: Access,
    /// What happens to a suppressed recipient.
    pub action: Action,
    /// When the smarthost is contacted.
    pub contact: Contact,
    /// The way mail data takes.
    pub way: Way,
    /// What happens to a recipient that cannot share a message with those before it.
    pub mixed: Mixed,
    /// How a header is held that decides a message's stream.
    pub header: HoldSettings,
    /// How content is held, or a copy of it kept.
    pub hold: HoldSettings,
    /// The classes of solicitation that are refused; `None`: NO-SOLICITING is offered only where
    /// a stream is decided by classes.
    pub no_soliciting: Option<Solicitation>,
    /// What is done about messages.
    pub message: MessageRules,
    /// What filters are asked.
    pub filters: Filters,
    /// The largest message in octets; 0: no limit of our own.
    pub message_size_max: u64,
    /// Recipients in one transaction (RFC 5321 s4.5.3.1.8: at least 100).
    pub recipients_max: u32,
    /// Evidence names recipients in plain, not only by their keyed hash.
    pub plain_recipients: bool,
    /// How clients prove who they are.
    pub auth: AuthOffer,
    /// Where the mail of each stream goes.
    pub routes: Routes,
    /// Front ends that may say who a client is, by XCLIENT.
    pub xclient: Networks,
}

impl RelaySettings {
    /// Logins are the smarthost's business.
    pub(crate) fn passes_auth(&self) -> bool {
        matches!(self.auth, AuthOffer::Smarthost { .. })
    }

    /// The largest message that can pass, whatever is on it; 0: no limit of our own.
    pub(crate) fn size_offered(&self) -> u64 {
        let filters = &self.filters;
        let kept = self.way == Way::Held
            || filters.wants_copy()
            || filters.change
            || filters.judged == JudgedStreams::All;
        let limit = u64::try_from(self.hold.limit).unwrap_or(u64::MAX);
        match self.message_size_max {
            own if !kept => own,
            0 => limit,
            own => own.min(limit),
        }
    }

    /// Where an envelope goes first.
    pub(crate) fn first_route(&self, possible: &Possible) -> RouteId {
        match self.passes_auth() {
            true => self.routes.otherwise,
            false => self.routes.first(possible),
        }
    }

    /// Where it goes at last, the header decides.
    pub(crate) fn header_decides_route(&self, possible: &Possible) -> bool {
        !self.passes_auth() && self.routes.differ(possible)
    }
}

/// How clients of a listener prove who they are (RFC 4954).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum AuthOffer {
    /// Not at all.
    #[default]
    Off,
    /// As users of our own.
    Users {
        /// What is offered, the best first.
        mechanisms: Vec<Mechanism>,
        /// Mechanisms that show the password to whoever listens are offered without TLS too.
        plaintext_without_tls: bool,
    },
    /// To the smarthost: the exchange is passed through, and the session is bound to that one
    /// connection. It is the first of [`Routes::reach`], and [`Routes::otherwise`] must lead to
    /// it alone: all mail goes there, whatever its stream.
    Smarthost {
        /// Offered without TLS too.
        without_tls: bool,
    },
}

/// Which smarthosts a message may go to: an index into the routes of the driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct RouteId(pub u16);

/// One smarthost of the driver's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SmarthostId(pub u16);

/// Where the mail of each stream goes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Routes {
    /// By the place of a stream's rule; those not in it take `otherwise`.
    pub by_stream: Vec<RouteId>,
    /// The route of other mail.
    pub otherwise: RouteId,
    /// The smarthosts that mail of this listener may go to: what all of them offer is offered.
    /// Empty: every one there is.
    pub reach: Vec<SmarthostId>,
    /// One of them is told who the client is by XCLIENT: [`Wanted::client`](crate::Wanted).
    pub introduce: bool,
}

impl Routes {
    /// Of one stream.
    pub(crate) fn of(&self, stream: StreamId) -> RouteId {
        self.by_stream.get(stream.place()).copied().unwrap_or(self.otherwise)
    }

    /// Not all of them have the same.
    fn differ(&self, possible: &Possible) -> bool {
        let mut routes = possible.iter().map(|stream| self.of(stream));
        let first = routes.next();
        routes.any(|route| Some(route) != first)
    }

    /// Of the first of them: where the envelope goes before the header has decided.
    fn first(&self, possible: &Possible) -> RouteId {
        possible.iter().next().map_or(self.otherwise, |stream| self.of(stream))
    }
}

/// A TLS connection, once its handshake is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFacts {
    /// `TLSv1.2`, `TLSv1.3`.
    pub protocol: &'static str,
    /// The IANA name of the cipher suite.
    pub cipher: &'static str,
    /// The client's certificate, if it showed one that the listener trusts: its name, for the
    /// records.
    pub certificate: Option<Arc<str>>,
}

/// Who is connected.
#[derive(Debug, Clone)]
pub struct SessionFacts {
    /// Names the session in logs and records.
    pub id: Arc<str>,
    /// The client's address.
    pub client: IpAddr,
    /// Its port there, if it is known.
    pub port: Option<u16>,
    /// The listener, by the address in its configuration.
    pub listener: SocketAddr,
    /// The user that is logged in.
    pub login: Option<Arc<str>>,
    /// How it logged in (RFC 4422 s3.1), where that is known; `XCLIENT` where a front end says so.
    pub mechanism: Option<Arc<str>>,
    /// The TLS connection, if there is one.
    pub tls: Option<Arc<TlsFacts>>,
}
