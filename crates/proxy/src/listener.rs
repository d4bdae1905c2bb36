//! Accepting clients: who may, how many at once, and stopping without cutting
//! anybody off.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use evidence::Mint;
use observe::Redacted;
use policy::{LiveLists, OptOutGate};
use relay::{Relay, RelaySettings, SessionFacts};
use smtp_session::{Ended, ServerSettings};
use smtp_wire::Reply;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};

use crate::clock::Clock;
use crate::counters::Counters;
use crate::recorder::Recorder;
use crate::replies;
use crate::session;
use crate::shared::{Limits, Seat, Shared};
use crate::smarthost::Smarthost;
use crate::socket::Socket;

/// The pause after an accept that failed for want of a resource.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// One place to listen at.
#[derive(Debug)]
pub struct ListenerSettings {
    /// Address and port.
    pub address: SocketAddr,
    /// When a client is refused that may not relay, whatever it does.
    pub refuse_at: RefuseAt,
    /// For the relay of each session.
    pub relay: Arc<RelaySettings>,
    /// For the server role of each session.
    pub server: Arc<ServerSettings>,
}

/// When a client is refused that may not relay, whatever it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RefuseAt {
    /// By 554 instead of the greeting (RFC 5321 s3.1).
    #[default]
    Greeting,
    /// By 550 or 530 to MAIL.
    Mail,
}

/// What a gate is made of.
pub struct GateParts {
    /// The name in replies that must name the host.
    pub hostname: String,
    /// Where clients come in.
    pub listeners: Vec<ListenerSettings>,
    /// The real mail server.
    pub smarthost: Arc<Smarthost>,
    /// Who may be mailed.
    pub gate: OptOutGate,
    /// The lists that are asked over a network, where `gate` cannot tell without.
    pub live: Option<Arc<dyn LiveLists>>,
    /// Where records go.
    pub recorder: Arc<dyn Recorder>,
    /// What happens, in numbers.
    pub counters: Arc<Counters>,
    /// Makes references.
    pub mint: Arc<Mint>,
    /// How many clients are served.
    pub limits: Limits,
    /// The time.
    pub clock: Clock,
}

/// Why a gate could not start.
#[derive(Debug, thiserror::Error)]
pub enum GateError {
    /// The address is taken, not ours, or not allowed.
    #[error("cannot listen at {address}: {error}")]
    Bind {
        /// Where.
        address: SocketAddr,
        /// Why not.
        error: io::Error,
    },
}

/// The listeners of a gate, bound and ready.
pub struct Gate {
    shared: Arc<Shared>,
    clock: Clock,
    listeners: Vec<(TcpListener, ListenerSettings)>,
}

impl Gate {
    /// Binds every listener, or none.
    ///
    /// # Errors
    ///
    /// When one of them cannot be bound.
    pub async fn bind(parts: GateParts) -> Result<Self, GateError> {
        let mut bound = Vec::new();
        for settings in parts.listeners {
            let address = settings.address;
            match TcpListener::bind(address).await {
                Ok(listener) => bound.push((listener, settings)),
                Err(error) => return Err(GateError::Bind { address, error }),
            }
        }
        let shared = Shared {
            hostname: parts.hostname,
            smarthost: parts.smarthost,
            recorder: parts.recorder,
            counters: parts.counters,
            limits: parts.limits,
            gate: parts.gate,
            live: parts.live,
            mint: parts.mint,
            sessions: AtomicU64::new(0),
            open: Mutex::default(),
        };
        Ok(Self { shared: Arc::new(shared), clock: parts.clock, listeners: bound })
    }

    /// Where it listens; a port given as 0 has its real number.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.listeners.iter().filter_map(|(listener, _)| listener.local_addr().ok()).collect()
    }

    /// Serves until `drain` turns true, then until the last session has ended or
    /// `grace` is over.
    pub async fn serve(self, drain: watch::Receiver<bool>, grace: Duration) {
        // Every session holds a sender; when all are gone, nobody is left.
        let (alive, mut nobody_left) = mpsc::channel::<()>(1);
        let mut accepting = Vec::new();
        for (listener, settings) in self.listeners {
            let (shared, drain, alive) = (Arc::clone(&self.shared), drain.clone(), alive.clone());
            let clock = self.clock;
            accepting.push(tokio::spawn(async move {
                accept(listener, Arc::new(settings), shared, clock, drain, alive).await;
            }));
        }
        drop(alive);
        let mut drain = drain;
        let _ = drain.wait_for(|drain| *drain).await;
        for task in accepting {
            let _ = task.await;
        }
        let _ = tokio::time::timeout(grace, nobody_left.recv()).await;
    }
}

async fn accept(
    listener: TcpListener,
    settings: Arc<ListenerSettings>,
    shared: Arc<Shared>,
    clock: Clock,
    drain: watch::Receiver<bool>,
    alive: mpsc::Sender<()>,
) {
    let mut stop = drain.clone();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|drain| *drain) => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                let peer = peer.ip().to_canonical();
                begin(stream, peer, &settings, &shared, clock, drain.clone(), alive.clone());
            }
            // The client went away before it was accepted: no reason to wait.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn begin(
    stream: TcpStream,
    peer: IpAddr,
    settings: &Arc<ListenerSettings>,
    shared: &Arc<Shared>,
    clock: Clock,
    drain: watch::Receiver<bool>,
    alive: mpsc::Sender<()>,
) {
    let socket = Socket::new(stream);
    if settings.refuse_at == RefuseAt::Greeting && !settings.relay.access.control.could_permit(peer)
    {
        shared.counters.clients_refused.count();
        tracing::info!(client = %Redacted(peer), "refused: not allowed to relay");
        let reply = replies::not_allowed(&shared.hostname, peer);
        tokio::spawn(async move { turn_away(socket, &reply).await });
        return;
    }
    let Some(seat) = Seat::take(shared, peer) else {
        shared.counters.clients_limited.count();
        let reply = replies::too_many_connections(&shared.hostname);
        tokio::spawn(async move { turn_away(socket, &reply).await });
        return;
    };
    shared.counters.sessions.count();
    let number = shared.sessions.fetch_add(1, Ordering::Relaxed);
    let now = clock.now();
    let id = format!("{:x}-{number:x}", now.unix_millis() / 1000);
    let relay = Relay::new(
        Arc::clone(&settings.relay),
        Arc::clone(&settings.server),
        SessionFacts {
            id: id.into(),
            client: peer,
            listener: settings.address,
            login: None,
            tls: None,
        },
        shared.gate.clone(),
        [Arc::clone(shared.smarthost.record())].into(),
        Arc::clone(&shared.mint),
        now,
    );
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        session::run(relay, socket, shared, clock, drain).await;
        drop(seat);
        drop(alive);
    });
}

async fn turn_away(socket: Socket, reply: &Reply) {
    socket.write_now(reply);
    session::close(socket, Some(Ended::Local)).await;
}
