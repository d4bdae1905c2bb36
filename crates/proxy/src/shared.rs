//! What all sessions of a gate use together, and their places.

use std::net::IpAddr;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};

use evidence::Mint;
use policy::{LiveLists, OptOutGate};

use crate::counters::Counters;
use crate::rates::network;
use crate::recorder::Recorder;
use crate::seats::{Guest, Limits, Open};
use crate::smarthosts::Smarthosts;
use crate::users::Users;

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

/// A place among the sessions; given back when dropped, even by a panic.
pub(crate) struct Seat {
    shared: Arc<Shared>,
    client: IpAddr,
    guest: Guest,
}

impl Seat {
    /// `None`: there is no room, in all or for this client.
    pub(crate) fn take(shared: &Arc<Shared>, peer: IpAddr, guest: Guest) -> Option<Self> {
        let client = network(peer);
        let mut open = shared.open.lock().unwrap_or_else(PoisonError::into_inner);
        if !open.enter(&shared.limits, client, guest) {
            return None;
        }
        shared.counters.sessions_open.set(open.all() as u64);
        Some(Self { shared: Arc::clone(shared), client, guest })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut open = self.shared.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.leave(self.client, self.guest);
        self.shared.counters.sessions_open.set(open.all() as u64);
    }
}
