//! A tap between the gate and a server: it lets bytes through, holds them back in the
//! middle of an answer, or cuts the connections off.
//!
//! That is how a test kills a server at a moment that it chose, whatever the machine is
//! busy with.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;

/// The tap; connections through it end when it is dropped.
pub struct Tap {
    /// Where it listens.
    pub address: SocketAddr,
    valve: Arc<Valve>,
    acceptor: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Valve {
    state: Mutex<State>,
    turned: Condvar,
}

#[derive(Default)]
struct State {
    /// How many bytes of the server still pass; none: all.
    left: Option<usize>,
    /// Somebody waits for a byte that does not pass.
    holding: bool,
    connections: Vec<TcpStream>,
    /// How many connections there have been.
    made: usize,
    over: bool,
}

impl Tap {
    /// One in front of a server.
    pub fn on(server: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port exists");
        let address = listener.local_addr().expect("a bound socket has an address");
        let valve = Arc::new(Valve::default());
        let shared = Arc::clone(&valve);
        let acceptor = std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if shared.lock().over {
                    return;
                }
                // A server that is not there is shown by hanging up.
                let Ok(server) = TcpStream::connect(server) else { continue };
                connect(&shared, &client, &server);
            }
        });
        Self { address, valve, acceptor: Some(acceptor) }
    }

    /// Holds the server back once it has said this many bytes more.
    pub fn hold_after(&self, bytes: usize) {
        self.turn(|state| state.left = Some(bytes));
    }

    /// Whether the server is held back in the middle of something.
    pub fn is_holding(&self) -> bool {
        self.valve.lock().holding
    }

    /// Lets everything through again.
    pub fn open(&self) {
        self.turn(|state| {
            state.left = None;
            state.holding = false;
        });
    }

    /// Ends all connections, without what was held back.
    pub fn cut(&self) {
        self.turn(|state| {
            for connection in state.connections.drain(..) {
                let _ = connection.shutdown(Shutdown::Both);
            }
            state.holding = false;
        });
    }

    /// How many connections there have been.
    pub fn connections(&self) -> usize {
        self.valve.lock().made
    }

    fn turn(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.valve.lock());
        self.valve.turned.notify_all();
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.turn(|state| state.over = true);
        self.open();
        self.cut();
        // Wakes the acceptor, which then sees that it is over.
        let _ = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}

impl Valve {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until some of `wanted` bytes may pass, and says how many.
    fn pass(&self, wanted: usize) -> usize {
        let mut state = self.lock();
        loop {
            match state.left {
                None => return wanted,
                Some(_) if state.over => return wanted,
                Some(0) => {
                    state.holding = true;
                    state = self.turned.wait(state).unwrap_or_else(PoisonError::into_inner);
                    // Cut off while it waited: what is written goes nowhere.
                    if !state.holding && state.left == Some(0) {
                        return wanted;
                    }
                }
                Some(left) => {
                    let some = wanted.min(left);
                    state.left = Some(left - some);
                    return some;
                }
            }
        }
    }
}

fn connect(valve: &Arc<Valve>, client: &TcpStream, server: &TcpStream) {
    let both = [client, server].map(|stream| {
        let _ = stream.set_nodelay(true);
        stream.try_clone().expect("a socket can be shared")
    });
    let mut state = valve.lock();
    state.connections.extend(both);
    state.made += 1;
    drop(state);
    let way = |from: &TcpStream, to: &TcpStream, valve: Option<Arc<Valve>>| {
        let mut from = from.try_clone().expect("a socket can be shared");
        let mut to = to.try_clone().expect("a socket can be shared");
        std::thread::spawn(move || {
            let _ = pump(&mut from, &mut to, valve.as_deref());
            let _ = from.shutdown(Shutdown::Both);
            let _ = to.shutdown(Shutdown::Both);
        });
    };
    way(client, server, None);
    way(server, client, Some(Arc::clone(valve)));
}

fn pump(from: &mut TcpStream, to: &mut TcpStream, valve: Option<&Valve>) -> std::io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let length = from.read(&mut buffer)?;
        let mut rest = buffer.get(..length).unwrap_or_default();
        if rest.is_empty() {
            return Ok(());
        }
        while !rest.is_empty() {
            let some = valve.map_or(rest.len(), |valve| valve.pass(rest.len()));
            let (now, later) = rest.split_at(some);
            to.write_all(now)?;
            rest = later;
        }
    }
}
