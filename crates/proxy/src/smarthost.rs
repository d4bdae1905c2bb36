//! One real mail server behind the gate: where it is, what it offers, how it is, and the
//! connections to it.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use relay::{CapabilityRecord, OpenFailure, SmarthostId, Upstream};
use smtp_session::{Client, ClientSettings, Login, Lost, Moment, UseTls};
use smtp_wire::ClientIdentity;
use tokio::net::TcpStream;
use tokio::sync::SetOnce;

use crate::breaker::{Breaker, Standing};
use crate::clock::Clock;
use crate::counters::Counters;
use crate::dial::{self, Failed};
use crate::farewell::farewell;
use crate::introduction::{Complaints, Introduce};
use crate::line::{Lease, Line, Places};
use crate::login::{self, SmarthostLogin};
use crate::pool::{Pool, PoolSettings};
use crate::socket::Socket;
use crate::tls::client::ClientTls;

/// How long a name's addresses are believed.
const ADDRESSES_KEPT: Duration = Duration::from_secs(30);

/// How a smarthost is reached.
#[derive(Debug, Clone)]
pub struct SmarthostSettings {
    /// What people call it.
    pub name: String,
    /// `host:port`, `1.2.3.4:25` or `[2001:db8::1]:25`.
    pub address: String,
    /// Lower ones first.
    pub priority: u64,
    /// Its share among those of the same priority; never 0.
    pub weight: u64,
    /// For the TCP connection.
    pub connect_timeout: Duration,
    /// For a block of output that is not taken.
    pub data_timeout: Duration,
    /// Connections at a time.
    pub connections: usize,
    /// Those that are kept between messages.
    pub pool: PoolSettings,
    /// Our name and the waits for replies. Whether STARTTLS is used is `tls`'s to say.
    pub client: Arc<ClientSettings>,
    /// How the connection is protected; none: not at all.
    pub tls: Option<Arc<ClientTls>>,
    /// How we log in; none: not at all.
    pub login: Option<Arc<dyn SmarthostLogin>>,
    /// Whether it is told who the clients are.
    pub introduce: Introduce,
}

/// What is known about it now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmarthostState {
    /// Not tried yet.
    Untried,
    /// The last try succeeded.
    Up,
    /// The last try failed.
    Down,
    /// It is there, and the last try to log in failed.
    NoLogin,
}

/// A smarthost, shared by all sessions.
#[derive(Debug)]
pub struct Smarthost {
    id: SmarthostId,
    settings: SmarthostSettings,
    record: Arc<CapabilityRecord>,
    addresses: ArcSwapOption<(Moment, Vec<SocketAddr>)>,
    /// 0 untried, 1 up, 2 down, 3 no login.
    state: AtomicU64,
    /// The first try has ended, well or badly.
    tried: SetOnce<()>,
    breaker: Breaker,
    pool: Pool,
    places: Arc<Places>,
    complaints: Complaints,
    /// The gate is stopping: nothing is kept.
    closing: AtomicBool,
}

impl Smarthost {
    /// Nothing is contacted yet.
    pub(crate) fn new(id: SmarthostId, settings: SmarthostSettings) -> Self {
        Self {
            id,
            record: Arc::new(CapabilityRecord::default()),
            addresses: ArcSwapOption::empty(),
            state: AtomicU64::new(0),
            tried: SetOnce::new(),
            breaker: Breaker::default(),
            pool: Pool::new(settings.pool),
            places: Arc::new(Places::new(id, settings.connections, settings.data_timeout)),
            complaints: Complaints::default(),
            closing: AtomicBool::new(false),
            settings,
        }
    }

    /// Its place among the smarthosts.
    pub fn id(&self) -> SmarthostId {
        self.id
    }

    /// How it is reached.
    pub fn settings(&self) -> &SmarthostSettings {
        &self.settings
    }

    /// What it offers, as far as it is known.
    pub fn record(&self) -> &Arc<CapabilityRecord> {
        &self.record
    }

    /// How the last try went.
    pub fn state(&self) -> SmarthostState {
        match self.state.load(Ordering::Relaxed) {
            0 => SmarthostState::Untried,
            1 => SmarthostState::Up,
            3 => SmarthostState::NoLogin,
            _ => SmarthostState::Down,
        }
    }

    /// Nobody has tried yet: what it offers cannot be known.
    pub(crate) fn is_untried(&self) -> bool {
        !self.tried.initialized()
    }

    /// Returns when the first try has ended, well or badly.
    pub(crate) async fn tried(&self) {
        self.tried.wait().await;
    }

    /// Connections to it now, and how many of them are idle.
    pub fn connections(&self) -> (usize, usize) {
        (self.places.open(), self.pool.len())
    }

    /// How long it is left alone yet, because it failed several times in a row.
    pub fn pause(&self, clock: Clock) -> Option<Duration> {
        self.breaker.pause(clock.now())
    }

    pub(crate) fn standing(&self, now: Moment) -> Standing {
        self.breaker.standing(now)
    }

    /// A connection that another session left, if there is one that `client` may have.
    pub(crate) fn take_idle(
        &self,
        clock: Clock,
        counters: &Counters,
        client: Option<&ClientIdentity>,
    ) -> Option<Line> {
        let fit = |line: &Line| line.serves(client);
        let line = self.pool.take(clock.now(), fit, |spare| dismiss(spare, clock))?;
        counters.smarthost_reused.count();
        Some(line)
    }

    /// A connection is not needed any more. It may serve another session.
    pub(crate) fn give(&self, line: Line, clock: Clock) {
        self.complaints.given(&self.settings.name, &line.upstream);
        if !line.upstream.is_troubled() {
            self.succeeded();
        } else {
            self.failed(clock.now(), &"it defers mail");
        }
        let kept = if line.lease.is_bound() || self.closing.load(Ordering::Relaxed) {
            Err(line)
        } else {
            self.pool.give(line, clock.now())
        };
        match kept {
            Ok(()) => self.places.room().notify_one(),
            Err(line) => dismiss(line, clock),
        }
    }

    /// A connection was lost in the middle of a transaction.
    pub(crate) fn lost(&self, lease: &Lease, why: &Lost, now: Moment) {
        if !lease.is_stale(why) {
            self.failed(now, why);
        }
    }

    /// A connection past greeting and EHLO.
    pub(crate) async fn open(
        &self,
        clock: Clock,
        counters: &Counters,
        manner: Manner<'_>,
    ) -> Result<Line, OpenFailure> {
        if manner.pooled
            && let Some(line) = self.take_idle(clock, counters, manner.client.map(|one| &**one))
        {
            return Ok(line);
        }
        let Some(leave) = self.breaker.enter(clock.now(), manner.last) else {
            return Err(OpenFailure::Unreachable);
        };
        let room = self.room(clock, counters, manner);
        let lease = match tokio::time::timeout(self.settings.connect_timeout, room).await {
            Ok(Room::Idle(line)) => return Ok(*line),
            Ok(Room::New(lease)) => lease,
            Err(_) => return Err(OpenFailure::Busy),
        };
        let opened = self.open_new(clock, manner, lease).await;
        match &opened {
            Ok(line) => {
                counters.smarthost_connections.count();
                if line.socket.channel().is_some() {
                    counters.smarthost_tls.count();
                }
                self.record.store(line.upstream.capabilities());
                self.complaints.greeted(&self.settings.name, &line.upstream);
                if manner.client.is_some() || self.settings.introduce == Introduce::Xforward {
                    let introduce = self.settings.introduce;
                    self.complaints.opened(&self.settings.name, introduce, &line.upstream);
                }
                self.succeeded();
            }
            Err(failure) => {
                counters.smarthost_failures.count();
                let about_client = self.complaints.is_about_client(&self.settings.name, failure);
                if !about_client && !self.is_full(failure) {
                    self.failed(clock.now(), failure);
                }
            }
        }
        // Behind the record: whoever waited for it finds what was learned.
        if self.is_untried() {
            let _ = self.tried.set(());
        }
        drop(leave);
        opened
    }

    /// Waits until there may be one connection more, or one to take over.
    async fn room(&self, clock: Clock, counters: &Counters, manner: Manner<'_>) -> Room {
        loop {
            let mut told = pin!(self.places.room().notified());
            // Before looking: what is given back from here on is not missed.
            told.as_mut().enable();
            if let Some(lease) = self.places.enter(clock.now(), manner.bound) {
                return Room::New(lease);
            }
            let client = manner.client.map(|one| &**one);
            if manner.pooled
                && let Some(line) = self.take_idle(clock, counters, client)
            {
                return Room::Idle(Box::new(line));
            }
            if let Some(line) = self.pool.take(clock.now(), |_| true, |spare| dismiss(spare, clock))
            {
                // It makes room by going.
                dismiss(line, clock);
            }
            told.await;
        }
    }

    /// It wants no connection more, and serves those it has: no sign of illness.
    fn is_full(&self, failure: &OpenFailure) -> bool {
        matches!(failure, OpenFailure::Lost(Lost::Shutdown(_))) && self.places.open() > 0
    }

    async fn open_new(
        &self,
        clock: Clock,
        manner: Manner<'_>,
        lease: Lease,
    ) -> Result<Line, OpenFailure> {
        let reached = if manner.last {
            self.reach(clock, manner.client, manner.bound).await
        } else {
            // One that is slow to say hello does not keep the others from being asked.
            let limit = self.settings.connect_timeout;
            match tokio::time::timeout(limit, self.reach(clock, manner.client, manner.bound)).await
            {
                Ok(reached) => reached,
                Err(_) => Err(OpenFailure::Lost(Lost::Timeout)),
            }
        };
        let (socket, client) = reached?;
        let mut upstream = Upstream::new(client, self.id);
        if self.settings.introduce == Introduce::Xforward {
            upstream = upstream.with_xforward();
        }
        Ok(Line { socket, upstream: Box::new(upstream), lease })
    }

    /// A connection past greeting and EHLO, and our login unless it is `bound` to somebody else's,
    /// as the client role of one; for `client`, if this smarthost is told by XCLIENT.
    pub(crate) async fn reach(
        &self,
        clock: Clock,
        client: Option<&Arc<ClientIdentity>>,
        bound: bool,
    ) -> Result<(Socket, Client), OpenFailure> {
        let client = client.filter(|_| self.settings.introduce == Introduce::Xclient);
        let login = self.settings.login.as_deref().filter(|_| !bound);
        match self.reach_once(clock, client, login).await {
            Err(OpenFailure::Lost(Lost::LoginRefused(reply)))
                if reply.is_permanent() && login.is_some_and(SmarthostLogin::refused) =>
            {
                self.reach_once(clock, client, login).await
            }
            reached => reached,
        }
    }

    async fn reach_once(
        &self,
        clock: Clock,
        client: Option<&Arc<ClientIdentity>>,
        login: Option<&dyn SmarthostLogin>,
    ) -> Result<(Socket, Client), OpenFailure> {
        // Before the connection, so that nobody waits there for us.
        let login = login::ask(login).await.map_err(OpenFailure::Lost)?;
        let tls = self.settings.tls.as_deref();
        match self.converse_first(tls, client, login, clock).await {
            Ok(open) => Ok(open),
            // Whoever broke the handshake would be shown the login.
            Err(failed) if failed.in_tls && tls.is_some_and(|tls| tls.mode().may_fall_back()) => {
                tracing::warn!(smarthost = %self.settings.address, "goes on without TLS");
                self.converse_first(None, client, None, clock).await.map_err(|failed| failed.why)
            }
            Err(failed) => Err(failed.why),
        }
    }

    async fn converse_first(
        &self,
        tls: Option<&ClientTls>,
        identity: Option<&Arc<ClientIdentity>>,
        login: Option<Login>,
        clock: Clock,
    ) -> Result<(Socket, Client), Failed> {
        let limit = self.settings.connect_timeout;
        let connecting = tokio::time::timeout(limit, self.connect(clock));
        let stream = match connecting.await {
            Ok(Ok(stream)) => stream,
            Ok(Err(_)) | Err(_) => {
                return Err(Failed { why: OpenFailure::Unreachable, in_tls: false });
            }
        };
        let starttls = tls.map_or(UseTls::Never, |tls| tls.mode().starttls());
        let client = match self.settings.client.starttls == starttls {
            true => Arc::clone(&self.settings.client),
            false => Arc::new(ClientSettings {
                starttls,
                ..ClientSettings::clone(&self.settings.client)
            }),
        };
        dial::handshake(Socket::new(stream), client, identity, tls, login, clock).await
    }

    async fn connect(&self, clock: Clock) -> std::io::Result<TcpStream> {
        let mut last = None;
        for address in self.resolve(clock.now()).await?.1.iter() {
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = Some(error),
            }
        }
        self.addresses.store(None);
        Err(last.unwrap_or_else(|| std::io::ErrorKind::NotFound.into()))
    }

    async fn resolve(&self, now: Moment) -> std::io::Result<Arc<(Moment, Vec<SocketAddr>)>> {
        if let Some(known) = self.addresses.load_full()
            && now.since(known.0) < ADDRESSES_KEPT
        {
            return Ok(known);
        }
        let found = tokio::net::lookup_host(&self.settings.address).await?.collect();
        let found = Arc::new((now, found));
        self.addresses.store(Some(Arc::clone(&found)));
        Ok(found)
    }

    fn succeeded(&self) {
        let opened = self.breaker.succeeded();
        // Nearly always it was up before, and nothing is written.
        if self.state.load(Ordering::Relaxed) != 1
            && (self.state.swap(1, Ordering::Relaxed) >= 2 || opened)
        {
            tracing::info!(smarthost = %self.settings.name, "smarthost is up again");
        }
    }

    pub(crate) fn failed(&self, now: Moment, why: &dyn Why) {
        let opened = self.breaker.failed(now);
        let state = if why.is_of_login() { 3 } else { 2 };
        if self.state.swap(state, Ordering::Relaxed) != state {
            let (smarthost, why) = (&self.settings.name, why.words());
            match state {
                3 => tracing::error!(%smarthost, why, "the gate cannot log in to the smarthost"),
                _ => tracing::warn!(%smarthost, why, "smarthost is down"),
            }
        }
        if opened {
            tracing::warn!(
                smarthost = %self.settings.name,
                "smarthost failed several times in a row and is left alone for a while"
            );
        }
    }

    /// Closes what has been idle for long enough; `all`: the gate is stopping.
    pub(crate) fn sweep(&self, clock: Clock, all: bool, spare: impl FnMut(Line)) {
        if all {
            self.closing.store(true, Ordering::Relaxed);
        }
        self.pool.sweep(clock.now(), all, spare);
    }
}

/// What kind of connection is wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manner<'a> {
    /// One that another session left will do.
    pub(crate) pooled: bool,
    /// No other session ever gets it.
    pub(crate) bound: bool,
    /// For whom it is, where some smarthost is told by XCLIENT.
    pub(crate) client: Option<&'a Arc<ClientIdentity>>,
    /// There is no other smarthost to turn to.
    pub(crate) last: bool,
}

enum Room {
    New(Lease),
    Idle(Box<Line>),
}

/// Why a smarthost counts as failing, for the log; put into words only when they are written.
pub(crate) trait Why {
    fn words(&self) -> String;

    /// It is well, and does not let us in.
    fn is_of_login(&self) -> bool {
        false
    }
}

impl Why for OpenFailure {
    fn words(&self) -> String {
        match self {
            Self::Unreachable | Self::NoneLeft => "it cannot be reached".to_owned(),
            Self::Lost(why) => why.to_string(),
            Self::Busy => "too many connections to it".to_owned(),
        }
    }

    fn is_of_login(&self) -> bool {
        matches!(self, Self::Lost(why) if login::is_of_login(why))
    }
}

impl Why for Lost {
    fn words(&self) -> String {
        self.to_string()
    }
}

impl Why for &str {
    fn words(&self) -> String {
        (*self).to_owned()
    }
}

/// QUIT, in nobody's way.
fn dismiss(line: Line, clock: Clock) {
    tokio::spawn(farewell(line, clock));
}
