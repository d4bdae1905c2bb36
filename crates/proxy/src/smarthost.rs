//! The real mail server behind the gate: where it is, what it offers, how it is.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use relay::{CapabilityRecord, OpenFailure, SmarthostId, Upstream};
use smtp_session::{Client, ClientSettings, Moment, UseTls};
use tokio::net::TcpStream;

use crate::clock::Clock;
use crate::counters::Counters;
use crate::dial::{self, Failed};
use crate::socket::Socket;
use crate::tls::client::ClientTls;

/// How long a name's addresses are believed.
const ADDRESSES_KEPT: Duration = Duration::from_secs(30);

/// How a smarthost is reached.
#[derive(Debug, Clone)]
pub struct SmarthostSettings {
    /// `host:port`, `1.2.3.4:25` or `[2001:db8::1]:25`.
    pub address: String,
    /// For the TCP connection.
    pub connect_timeout: Duration,
    /// For a block of output that is not taken.
    pub data_timeout: Duration,
    /// Our name and the waits for replies. Whether STARTTLS is used is `tls`'s to say.
    pub client: Arc<ClientSettings>,
    /// How the connection is protected; none: not at all.
    pub tls: Option<Arc<ClientTls>>,
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
}

/// A smarthost, shared by all sessions.
#[derive(Debug)]
pub struct Smarthost {
    settings: SmarthostSettings,
    record: Arc<CapabilityRecord>,
    addresses: ArcSwapOption<(Moment, Vec<SocketAddr>)>,
    /// 0 untried, 1 up, 2 down.
    state: AtomicU64,
}

impl Smarthost {
    /// Nothing is contacted yet.
    pub fn new(settings: SmarthostSettings) -> Self {
        let record = Arc::new(CapabilityRecord::default());
        Self { settings, record, addresses: ArcSwapOption::empty(), state: AtomicU64::new(0) }
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
            _ => SmarthostState::Down,
        }
    }

    /// A new connection, past greeting and EHLO.
    pub(crate) async fn open(
        &self,
        clock: Clock,
        counters: &Counters,
    ) -> Result<(Socket, Box<Upstream>), OpenFailure> {
        let result = self.try_open(clock).await;
        match &result {
            Ok((socket, upstream)) => {
                counters.smarthost_connections.count();
                if socket.channel().is_some() {
                    counters.smarthost_tls.count();
                }
                self.record.store(upstream.capabilities());
            }
            Err(_) => counters.smarthost_failures.count(),
        }
        let was = self.state.swap(if result.is_ok() { 1 } else { 2 }, Ordering::Relaxed);
        match &result {
            Err(failure) if was != 2 => {
                tracing::warn!(smarthost = %self.settings.address, ?failure, "smarthost is down");
            }
            Ok(_) if was == 2 => {
                tracing::info!(smarthost = %self.settings.address, "smarthost is up again");
            }
            _ => {}
        }
        result
    }

    async fn try_open(&self, clock: Clock) -> Result<(Socket, Box<Upstream>), OpenFailure> {
        let (socket, client) = self.reach(clock).await?;
        Ok((socket, Box::new(Upstream::new(client, SmarthostId(0)))))
    }

    /// A connection past greeting and EHLO, as the client role of one.
    pub(crate) async fn reach(&self, clock: Clock) -> Result<(Socket, Client), OpenFailure> {
        let tls = self.settings.tls.as_deref();
        match self.converse_first(tls, clock).await {
            Ok(open) => Ok(open),
            Err(failed) if failed.in_tls && tls.is_some_and(|tls| tls.mode().may_fall_back()) => {
                tracing::warn!(smarthost = %self.settings.address, "goes on without TLS");
                self.converse_first(None, clock).await.map_err(|failed| failed.why)
            }
            Err(failed) => Err(failed.why),
        }
    }

    async fn converse_first(
        &self,
        tls: Option<&ClientTls>,
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
        dial::handshake(Socket::new(stream), client, tls, clock).await
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

    /// Learns what the smarthost offers, at the start and every so often, so that
    /// clients are offered it before the first message flows. Never returns.
    pub async fn keep_probing(&self, clock: Clock, counters: &Counters, every: Duration) {
        loop {
            if let Ok((socket, upstream)) = self.open(clock, counters).await {
                crate::farewell::farewell(socket, upstream, clock).await;
            }
            let pause = match self.state() {
                SmarthostState::Up => every,
                _ => every.min(Duration::from_secs(5)),
            };
            tokio::time::sleep(pause).await;
        }
    }
}
