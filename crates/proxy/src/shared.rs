//! What all sessions of a gate use together, and the count of those that are open.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use evidence::Mint;
use policy::{LiveLists, OptOutGate};

use crate::counters::Counters;
use crate::recorder::Recorder;
use crate::smarthosts::Smarthosts;
use crate::users::Users;

/// How many clients are served.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Sessions at once.
    pub connections: usize,
    /// Sessions at once from one address.
    pub connections_per_client: usize,
    /// How long a client may leave our replies unread.
    pub client_write_timeout: Duration,
}

/// What all sessions of a gate use that began under the same configuration.
pub(crate) struct Shared {
    pub(crate) hostname: String,
    pub(crate) smarthosts: Arc<Smarthosts>,
    pub(crate) recorder: Arc<dyn Recorder>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) limits: Limits,
    pub(crate) gate: OptOutGate,
    /// The lists that are asked over a network; none: there is no such list.
    pub(crate) live: Option<Arc<dyn LiveLists>>,
    /// Who knows the users; none: there are none.
    pub(crate) users: Option<Arc<dyn Users>>,
    pub(crate) mint: Arc<Mint>,
    pub(crate) sessions: Arc<AtomicU64>,
    pub(crate) open: Arc<Mutex<Open>>,
}

/// Sessions now open. Locked when a session begins and ends, never in between.
#[derive(Debug, Default)]
pub(crate) struct Open {
    all: usize,
    by_client: HashMap<IpAddr, usize>,
}

/// A place among the sessions; given back when dropped, even by a panic.
pub(crate) struct Seat {
    shared: Arc<Shared>,
    peer: IpAddr,
}

impl Seat {
    pub(crate) fn take(shared: &Arc<Shared>, peer: IpAddr) -> Option<Self> {
        let mut open = shared.open.lock().unwrap_or_else(PoisonError::into_inner);
        let here = open.by_client.get(&peer).copied().unwrap_or(0);
        if open.all >= shared.limits.connections || here >= shared.limits.connections_per_client {
            return None;
        }
        open.all += 1;
        open.by_client.insert(peer, here + 1);
        shared.counters.sessions_open.set(open.all as u64);
        Some(Self { shared: Arc::clone(shared), peer })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut open = self.shared.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.all = open.all.saturating_sub(1);
        self.shared.counters.sessions_open.set(open.all as u64);
        if let Some(here) = open.by_client.get_mut(&self.peer) {
            *here = here.saturating_sub(1);
            if *here == 0 {
                open.by_client.remove(&self.peer);
            }
        }
    }
}
