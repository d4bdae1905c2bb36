//! A connection to a smarthost, with what the pool has to know about it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use relay::{SmarthostId, Upstream};
use smtp_session::{Lost, Moment};
use smtp_wire::ClientIdentity;
use tokio::sync::Notify;

use crate::socket::Socket;

/// A connection at rest, past greeting and EHLO.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) socket: Socket,
    pub(crate) upstream: Box<Upstream>,
    pub(crate) lease: Lease,
}

impl Line {
    /// Whether it may serve this client: it is nobody's in particular, or that very one's.
    pub(crate) fn serves(&self, client: Option<&ClientIdentity>) -> bool {
        self.upstream.client().is_none_or(|told| client == Some(&**told))
    }
}

/// How many connections there are to one smarthost.
#[derive(Debug)]
pub(crate) struct Places {
    smarthost: SmarthostId,
    limit: usize,
    /// For a block of output that is not taken.
    data_timeout: Duration,
    /// In use and idle.
    open: AtomicUsize,
    /// Told when a connection was given back or closed.
    room: Notify,
}

impl Places {
    /// `limit`: connections at a time.
    pub(crate) fn new(smarthost: SmarthostId, limit: usize, data_timeout: Duration) -> Self {
        Self { smarthost, limit, data_timeout, open: AtomicUsize::new(0), room: Notify::new() }
    }

    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    pub(crate) fn room(&self) -> &Notify {
        &self.room
    }

    /// A place for one connection more, if there may be one. `bound`: no other session than the
    /// first ever gets it.
    pub(crate) fn enter(self: &Arc<Self>, now: Moment, bound: bool) -> Option<Lease> {
        if self.open.fetch_add(1, Ordering::Relaxed) < self.limit {
            let places = Arc::clone(self);
            return Some(Lease { places, born: now, reused: false, bound, heard: 0 });
        }
        self.open.fetch_sub(1, Ordering::Relaxed);
        None
    }
}

/// The place of a connection among those of its smarthost; given back when dropped.
#[derive(Debug)]
pub(crate) struct Lease {
    places: Arc<Places>,
    born: Moment,
    /// It was in the pool before.
    reused: bool,
    /// No other session ever gets it.
    bound: bool,
    /// Reads that brought something since it was taken.
    heard: u32,
}

impl Lease {
    /// Where it leads.
    pub(crate) fn smarthost(&self) -> SmarthostId {
        self.places.smarthost
    }

    pub(crate) fn born(&self) -> Moment {
        self.born
    }

    pub(crate) fn is_bound(&self) -> bool {
        self.bound
    }

    pub(crate) fn data_timeout(&self) -> Duration {
        self.places.data_timeout
    }

    /// Something was read from it.
    pub(crate) fn hear(&mut self) {
        self.heard = self.heard.saturating_add(1);
    }

    /// It comes out of the pool.
    pub(crate) fn taken(&mut self) {
        self.reused = true;
        self.heard = 0;
    }

    /// Whether the smarthost did nothing but close a connection that had been idle: that is
    /// anybody's right, and says nothing about its health.
    pub(crate) fn is_stale(&self, why: &Lost) -> bool {
        self.reused
            && match why {
                Lost::Closed => self.heard == 0,
                Lost::Shutdown(_) => self.heard <= 1,
                _ => false,
            }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.places.open.fetch_sub(1, Ordering::Relaxed);
        self.places.room.notify_one();
    }
}
