//! A gate: its listeners and what its sessions are made of, both of which may be exchanged while
//! it serves.
//!
//! New settings come in two steps. [`Gate::prepare`] does what can fail: it binds the addresses
//! that are new. [`Gate::commit`] cannot fail half way: it swaps the [`Generation`], opens what
//! was bound and closes what is not wanted any more. A listener whose address stays keeps its
//! socket, so that nobody is refused in between; a session keeps what it began with.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use rustix::net::sockopt::set_tcp_nodelay;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::listener::{GateError, GateParts, Generation, Welcome, accept};

/// The listeners of a gate, bound and ready, or serving. Clones are the same gate.
#[derive(Clone)]
pub struct Gate {
    generation: Arc<ArcSwap<Generation>>,
    clock: Clock,
    doors: Arc<Mutex<Doors>>,
    given: Arc<Given>,
}

/// Sockets that somebody else has bound for this process, each with its address. They are kept as
/// long as the gate, so that a listener that comes back finds its own again.
#[derive(Default)]
struct Given(Vec<(SocketAddr, std::net::TcpListener)>);

/// Settings that a gate can take over at once: see [`Gate::prepare`].
pub struct Prepared {
    generation: Generation,
    /// Bound for addresses that are new.
    bound: Vec<Bound>,
}

/// A socket that listens and is not served yet.
struct Bound {
    /// As configured: a port may be 0.
    address: SocketAddr,
    /// As it is.
    local: SocketAddr,
    listener: TcpListener,
}

/// A socket that is served.
struct Open {
    address: SocketAddr,
    local: SocketAddr,
    /// Dropped to close it.
    _close: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

/// Locked at the start, when settings change and at the end; never by a session.
enum Doors {
    /// Nobody is let in yet.
    Shut(Vec<Bound>),
    /// Clients come in.
    Serving { open: Vec<Open>, welcome: Welcome },
    /// Nobody is let in any more.
    Over,
}

impl Gate {
    /// Binds every listener, or none. Where one of the sockets `given` has its address, that one
    /// is used. Inside a runtime.
    ///
    /// # Errors
    /// When one of them cannot be bound, or nobody wants a socket that was given.
    pub fn bind(parts: GateParts, given: Vec<std::net::TcpListener>) -> Result<Self, GateError> {
        let clock = parts.clock;
        let generation = Generation::of(parts, None);
        let given = Given::new(given, &generation)?;
        let bound = bind_new(&generation, &[], &given)?;
        let doors = Arc::new(Mutex::new(Doors::Shut(bound)));
        let generation = Arc::new(ArcSwap::from_pointee(generation));
        Ok(Self { generation, clock, doors, given: Arc::new(given) })
    }

    /// Where it listens; a port given as 0 has its real number.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        match &*self.doors() {
            Doors::Shut(bound) => bound.iter().map(|door| door.local).collect(),
            Doors::Serving { open, .. } => open.iter().map(|door| door.local).collect(),
            Doors::Over => Vec::new(),
        }
    }

    /// Makes other settings ready. Nothing changes yet, and nothing has if this fails or the
    /// result is dropped. Inside a runtime.
    ///
    /// # Errors
    /// When a new address cannot be bound.
    pub fn prepare(&self, parts: GateParts) -> Result<Prepared, GateError> {
        let generation = Generation::of(parts, Some(&self.generation.load()));
        let held = self.doors().held();
        let bound = bind_new(&generation, &held, &self.given)?;
        Ok(Prepared { generation, bound })
    }

    /// From now on new sessions begin with these settings. Inside a runtime.
    ///
    /// # Errors
    /// When the gate is stopping; nothing has changed then.
    pub fn commit(&self, prepared: Prepared) -> Result<(), GateError> {
        let mut doors = self.doors();
        let Prepared { generation, bound } = prepared;
        let wanted: Vec<_> = generation.listeners.iter().map(|one| one.address).collect();
        match &mut *doors {
            Doors::Over => return Err(GateError::Stopping),
            Doors::Shut(shut) => {
                self.generation.store(Arc::new(generation));
                shut.retain(|door| wanted.contains(&door.address));
                shut.extend(bound);
            }
            Doors::Serving { open, welcome } => {
                // Before a new door opens: whoever comes in by it must find its settings.
                self.generation.store(Arc::new(generation));
                open.extend(bound.into_iter().map(|door| door.open(welcome)));
                open.retain(|door| wanted.contains(&door.address));
            }
        }
        Ok(())
    }

    /// Serves until `drain` turns true, then until the last session has ended or
    /// `grace`, asked for at that moment, is over.
    pub async fn serve(&self, mut drain: watch::Receiver<bool>, grace: impl Fn() -> Duration) {
        let (alive, mut nobody_left) = mpsc::channel::<()>(1);
        let welcome = Welcome {
            generation: Arc::clone(&self.generation),
            clock: self.clock,
            drain: drain.clone(),
            alive,
        };
        self.doors().start(welcome);
        let _ = drain.wait_for(|drain| *drain).await;
        let over = std::mem::replace(&mut *self.doors(), Doors::Over);
        let closing = match over {
            Doors::Serving { open, welcome } => {
                // With it the last sender that is not a session's.
                drop(welcome);
                open
            }
            Doors::Shut(_) | Doors::Over => Vec::new(),
        };
        for door in closing {
            let _ = door.task.await;
        }
        let _ = tokio::time::timeout(grace(), nobody_left.recv()).await;
        let last = self.generation.load_full();
        last.shared.smarthosts.close(self.clock).await;
    }

    fn doors(&self) -> MutexGuard<'_, Doors> {
        self.doors.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Doors {
    fn start(&mut self, welcome: Welcome) {
        if let Self::Shut(bound) = self {
            let open = bound.drain(..).map(|door| door.open(&welcome)).collect();
            *self = Self::Serving { open, welcome };
        }
    }

    /// The addresses that are bound, as configured.
    fn held(&self) -> Vec<SocketAddr> {
        match self {
            Self::Shut(bound) => bound.iter().map(|door| door.address).collect(),
            Self::Serving { open, .. } => open.iter().map(|door| door.address).collect(),
            Self::Over => Vec::new(),
        }
    }
}

impl Bound {
    fn open(self, welcome: &Welcome) -> Open {
        let (close, closed) = oneshot::channel();
        let Self { address, local, listener } = self;
        let task = tokio::spawn(accept(listener, address, welcome.clone(), closed));
        Open { address, local, _close: close, task }
    }
}

/// Binds the addresses that are not held.
fn bind_new(
    generation: &Generation,
    held: &[SocketAddr],
    given: &Given,
) -> Result<Vec<Bound>, GateError> {
    let new = generation.listeners.iter().map(|listener| listener.address);
    new.filter(|address| !held.contains(address))
        .map(|address| given.or_bind(address).map_err(|error| GateError::Bind { address, error }))
        .collect()
}

impl Given {
    fn new(given: Vec<std::net::TcpListener>, generation: &Generation) -> Result<Self, GateError> {
        let mut all = Vec::new();
        for listener in given {
            let address = listener.local_addr().map_err(GateError::Given)?;
            if !generation.listeners.iter().any(|one| one.address == address) {
                return Err(GateError::Unwanted { address });
            }
            listener.set_nonblocking(true).map_err(GateError::Given)?;
            all.push((address, listener));
        }
        Ok(Self(all))
    }

    fn or_bind(&self, address: SocketAddr) -> io::Result<Bound> {
        let Some((_, given)) = self.0.iter().find(|(at, _)| *at == address) else {
            return bind(address);
        };
        let listener = TcpListener::from_std(given.try_clone()?)?;
        set_tcp_nodelay(&listener, true)?;
        Ok(Bound { address, local: address, listener })
    }
}

/// Connections that may wait to be accepted, as tokio has it.
const BACKLOG: u32 = 1024;

fn bind(address: SocketAddr) -> io::Result<Bound> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // Else an address could not be bound again for a minute after a restart.
    socket.set_reuseaddr(true)?;
    // Connections have it from their listener.
    socket.set_nodelay(true)?;
    socket.bind(address)?;
    let listener = socket.listen(BACKLOG)?;
    Ok(Bound { address, local: listener.local_addr()?, listener })
}
