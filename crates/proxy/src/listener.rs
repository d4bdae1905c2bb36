//! Accepting clients: who may, how many at once, and by which settings they are served.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use arc_swap::ArcSwap;
use evidence::Mint;
use observe::Redacted;
use policy::{LiveLists, OptOutGate};
use relay::{Relay, SessionFacts};
use smtp_session::{Ended, Server};
use smtp_wire::Reply;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot, watch};

use crate::clock::Clock;
use crate::counters::Counters;
use crate::listener_settings::{ListenerSettings, RefuseAt};
use crate::proxy_protocol::read_header;
use crate::recorder::Recorder;
use crate::refused;
use crate::replies;
use crate::seats::{Guest, Limits};
use crate::session;
use crate::shared::{Seat, Shared};
use crate::smarthosts::Smarthosts;
use crate::socket::Socket;
use crate::tls::server::{Begin, ServerTls};
use crate::users::Users;

/// The pause after an accept that failed for want of a resource.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What a gate is made of.
pub struct GateParts {
    /// The name in replies that must name the host.
    pub hostname: String,
    /// Where clients come in.
    pub listeners: Vec<ListenerSettings>,
    /// The real mail servers.
    pub smarthosts: Arc<Smarthosts>,
    /// Who may be mailed.
    pub gate: OptOutGate,
    /// The lists that are asked over a network, where `gate` cannot tell without.
    pub live: Option<Arc<dyn LiveLists>>,
    /// Who knows the users that may log in; none: there are none.
    pub users: Option<Arc<dyn Users>>,
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
    /// A socket that was given to this process.
    #[error("a socket that systemd has passed cannot be used: {0}")]
    Given(io::Error),
    /// Nobody would be served at a socket that was given to this process.
    #[error("systemd has passed a socket at {address}, and no [[listener]] has this address")]
    Unwanted {
        /// Where it listens.
        address: SocketAddr,
    },
    /// It does not take clients any more, so that it cannot take new settings either.
    #[error("the gate is stopping")]
    Stopping,
}

/// What one configuration gives to the sessions that begin under it. Swapped whole, so that no
/// session begins with half of one and half of another.
pub(crate) struct Generation {
    pub(crate) shared: Arc<Shared>,
    pub(crate) listeners: Vec<Arc<ListenerSettings>>,
}

impl Generation {
    /// From the parts; what counts open sessions goes on from the generation before.
    pub(crate) fn of(parts: GateParts, before: Option<&Self>) -> Self {
        let shared = Shared {
            hostname: parts.hostname,
            smarthosts: parts.smarthosts,
            recorder: parts.recorder,
            counters: parts.counters,
            limits: parts.limits,
            gate: parts.gate,
            live: parts.live,
            users: parts.users,
            mint: parts.mint,
            sessions: before.map(|before| Arc::clone(&before.shared.sessions)).unwrap_or_default(),
            open: before.map(|before| Arc::clone(&before.shared.open)).unwrap_or_default(),
        };
        let listeners = parts.listeners.into_iter().map(Arc::new).collect();
        Self { shared: Arc::new(shared), listeners }
    }

    /// The settings of the listener at an address.
    fn at(&self, address: SocketAddr) -> Option<&Arc<ListenerSettings>> {
        self.listeners.iter().find(|listener| listener.address == address)
    }
}

/// What every listener needs for the sessions it begins.
#[derive(Clone)]
pub(crate) struct Welcome {
    pub(crate) generation: Arc<ArcSwap<Generation>>,
    pub(crate) clock: Clock,
    pub(crate) drain: watch::Receiver<bool>,
    /// Every session holds one; when all are gone, nobody is left.
    pub(crate) alive: mpsc::Sender<()>,
}

/// Accepts clients at a socket, until the gate drains or `closed` says that this listener is not
/// wanted any more. Whoever had connected and was not accepted yet is told so.
pub(crate) async fn accept(
    listener: TcpListener,
    address: SocketAddr,
    welcome: Welcome,
    mut closed: oneshot::Receiver<()>,
) {
    let mut drain = welcome.drain.clone();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = drain.wait_for(|drain| *drain) => break,
            _ = &mut closed => break,
        };
        match accepted {
            Ok((stream, peer)) => welcome.client(stream, peer, address),
            // The client went away before it was accepted: no reason to wait.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    while let Ok(Ok((stream, _))) = tokio::time::timeout(Duration::ZERO, listener.accept()).await {
        welcome.closing(stream, address);
    }
}

impl Welcome {
    fn client(&self, stream: TcpStream, peer: SocketAddr, address: SocketAddr) {
        let now = self.generation.load();
        let (peer, port) = (peer.ip().to_canonical(), peer.port());
        match now.at(address) {
            Some(settings) if !settings.proxy_protocol.is_empty() => {
                self.front_end(stream, peer, settings, &now.shared);
            }
            Some(settings) => {
                let (drain, alive) = (self.drain.clone(), self.alive.clone());
                let peer = SocketAddr::new(peer, port);
                begin(stream, peer, settings, &now.shared, self.clock, drain, alive);
            }
            None => self.closing(stream, address),
        }
    }

    /// Who connected speaks for the client, or has nothing to say here.
    fn front_end(
        &self,
        mut stream: TcpStream,
        peer: IpAddr,
        settings: &Arc<ListenerSettings>,
        shared: &Arc<Shared>,
    ) {
        if !settings.proxy_protocol.contain(peer) {
            shared.counters.clients_refused.count();
            tracing::info!(client = %Redacted(peer), "closed: not one of the front ends");
            return;
        }
        let Some(unnamed) = Seat::take(shared, peer, Guest::Unnamed) else {
            return full(Socket::new(stream), settings, shared);
        };
        let (settings, shared) = (Arc::clone(settings), Arc::clone(shared));
        let (clock, drain, alive) = (self.clock, self.drain.clone(), self.alive.clone());
        tokio::spawn(async move {
            match read_header(&mut stream).await {
                Ok(client) => {
                    drop(unnamed);
                    let client = client.map_or(peer, |client| client.to_canonical());
                    // Its port is not known.
                    let client = SocketAddr::new(client, 0);
                    begin(stream, client, &settings, &shared, clock, drain, alive);
                }
                Err(error) => {
                    shared.counters.clients_refused.count();
                    let front_end = Redacted(peer);
                    tracing::warn!(%front_end, %error, "closed: a front end without PROXY header");
                }
            }
        });
    }

    fn closing(&self, stream: TcpStream, address: SocketAddr) {
        let now = self.generation.load();
        let reply = replies::closing(&now.shared.hostname);
        let tls = now.at(address).and_then(|settings| settings.tls.clone());
        tokio::spawn(async move { turn_away(Socket::accepted(stream), tls, &reply).await });
    }
}

fn begin(
    stream: TcpStream,
    peer: SocketAddr,
    settings: &Arc<ListenerSettings>,
    shared: &Arc<Shared>,
    clock: Clock,
    drain: watch::Receiver<bool>,
    alive: mpsc::Sender<()>,
) {
    let socket = Socket::accepted(stream);
    let (peer, port) = (peer.ip(), Some(peer.port()).filter(|port| *port > 0));
    if settings.refuse_at == RefuseAt::Greeting && !could_be_let_in(settings, peer) {
        shared.counters.clients_refused.count();
        tracing::info!(client = %Redacted(peer), "refused: not allowed to relay");
        let reply = replies::not_allowed(&shared.hostname, peer);
        let tls = settings.tls.clone();
        // It may stay until QUIT, but not without counting.
        let seat = Seat::take(shared, peer, Guest::Refused)
            .filter(|_| !tls.as_ref().is_some_and(|tls| tls.begin() == Begin::Implicit));
        let server = Server::refused(Arc::clone(&settings.server), &reply, clock.now());
        tokio::spawn(async move {
            match seat {
                Some(seat) => {
                    refused::run(socket, server, clock).await;
                    drop(seat);
                }
                None => turn_away(socket, tls, &reply).await,
            }
        });
        return;
    }
    let Some(seat) = Seat::take(shared, peer, Guest::Client) else {
        return full(socket, settings, shared);
    };
    shared.counters.sessions.count();
    let number = shared.sessions.fetch_add(1, Ordering::Relaxed);
    let id = format!("{:x}-{number:x}", clock.now().unix_millis() / 1000);
    let facts = SessionFacts {
        id: id.into(),
        client: peer,
        port,
        listener: settings.address,
        login: None,
        mechanism: None,
        tls: None,
    };
    let (shared, settings) = (Arc::clone(shared), Arc::clone(settings));
    tokio::spawn(async move {
        if !first_look(&socket, &settings, &shared, clock, drain.clone()).await {
            return;
        }
        let relay = Relay::new(
            Arc::clone(&settings.relay),
            Arc::clone(&settings.server),
            facts,
            shared.gate.clone(),
            Arc::clone(shared.smarthosts.records()),
            Arc::clone(&shared.mint),
            clock.now(),
        );
        session::run(relay, socket, &settings, shared, clock, drain).await;
        drop(seat);
        drop(alive);
    });
}

/// The first clients wait until it is known what they can be offered, or until the gate drains.
/// False: this one did not, and is gone.
async fn first_look(
    socket: &Socket,
    settings: &ListenerSettings,
    shared: &Shared,
    clock: Clock,
    mut drain: watch::Receiver<bool>,
) -> bool {
    tokio::select! {
        biased;
        () = shared.smarthosts.first_look(&settings.relay.routes.reach, clock.now()) => true,
        _ = drain.wait_for(|drain| *drain) => true,
        () = socket.left_unsaid() => false,
    }
}

/// There is no place for it.
fn full(socket: Socket, settings: &ListenerSettings, shared: &Shared) {
    shared.counters.clients_limited.count();
    let reply = replies::too_many_connections(&shared.hostname);
    let tls = settings.tls.clone();
    tokio::spawn(async move { turn_away(socket, tls, &reply).await });
}

/// Whether anything the client does later could let it in; a front end may say that it is
/// somebody else.
fn could_be_let_in(settings: &ListenerSettings, peer: IpAddr) -> bool {
    let relay = &settings.relay;
    relay.access.control.could_permit(peer) || relay.xclient.contain(peer)
}

/// Says why, and closes. Where TLS comes before the greeting there is no way to say it that would
/// cost less than to serve the client.
async fn turn_away(mut socket: Socket, tls: Option<Arc<ServerTls>>, reply: &Reply) {
    if tls.is_some_and(|tls| tls.begin() == Begin::Implicit) {
        return;
    }
    socket.write_now(reply);
    session::close(socket, Some(Ended::Local)).await;
}
