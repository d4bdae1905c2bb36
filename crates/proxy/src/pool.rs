//! Idle connections of one smarthost, kept for whoever comes next.
//!
//! Slots with a lock each that is never waited for: a slot that somebody else looks at in this
//! moment is passed over. The lowest slots are used first, so that connections nobody needs
//! any more stay in the upper ones and grow old. A stale connection is seen from its socket,
//! readable or closed, and never by a command: NOOP would cost a round trip, and servers count
//! it (Exim: `smtp_accept_max_nonmail`).

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use smtp_session::Moment;

use crate::line::Line;

/// How long idle connections are kept, and how many.
#[derive(Debug, Clone, Copy)]
pub struct PoolSettings {
    /// Kept at a time.
    pub idle: usize,
    /// Without a message.
    pub idle_timeout: Duration,
    /// Since it was made.
    pub age: Duration,
    /// Messages on one connection.
    pub messages: u32,
}

#[derive(Debug)]
struct Idle {
    line: Line,
    since: Moment,
}

#[derive(Debug)]
pub(crate) struct Pool {
    settings: PoolSettings,
    slots: Box<[Mutex<Option<Idle>>]>,
    filled: AtomicUsize,
}

/// What becomes of a connection that is not kept.
#[derive(Debug)]
pub(crate) enum Unfit {
    /// It is well, and QUIT is due.
    Spare(Line),
    /// The smarthost has closed it, or said something.
    Stale,
}

impl Pool {
    pub(crate) fn new(settings: PoolSettings) -> Self {
        let slots = (0..settings.idle).map(|_| Mutex::default()).collect();
        Self { settings, slots, filled: AtomicUsize::new(0) }
    }

    /// Connections that wait.
    pub(crate) fn len(&self) -> usize {
        self.filled.load(Ordering::Relaxed)
    }

    /// Keeps a connection.
    ///
    /// # Errors
    /// The connection, when it has served enough or there are enough of them.
    #[expect(
        clippy::result_large_err,
        reason = "the connection itself, which is moved; a box would be an allocation for each message"
    )]
    pub(crate) fn give(&self, line: Line, now: Moment) -> Result<(), Line> {
        let aged = now.reached(line.lease.born().plus(self.settings.age));
        if aged || self.is_spent(&line) {
            return Err(line);
        }
        for slot in &self.slots {
            let Ok(mut slot) = slot.try_lock() else { continue };
            if slot.is_none() {
                *slot = Some(Idle { line, since: now });
                self.filled.fetch_add(1, Ordering::Relaxed);
                return Ok(());
            }
        }
        Err(line)
    }

    /// A connection that can be used, of those that are `right`; `unfit` gets those found on the
    /// way that cannot.
    pub(crate) fn take(
        &self,
        now: Moment,
        right: impl Fn(&Line) -> bool,
        mut unfit: impl FnMut(Line),
    ) -> Option<Line> {
        for slot in &self.slots {
            if self.len() == 0 {
                return None;
            }
            let Some(idle) = self.take_from(slot, |idle| right(&idle.line)) else { continue };
            match self.fit(idle, now) {
                Ok(mut line) => {
                    line.lease.taken();
                    return Some(line);
                }
                Err(Unfit::Spare(line)) => unfit(line),
                Err(Unfit::Stale) => {}
            }
        }
        None
    }

    /// Takes out what should wait no longer; `spare` gets those to which QUIT is due.
    pub(crate) fn sweep(&self, now: Moment, all: bool, mut spare: impl FnMut(Line)) {
        if self.len() == 0 {
            return;
        }
        for slot in &self.slots {
            let due =
                |idle: &mut Idle| all || self.is_old(idle, now) || !idle.line.socket.is_quiet();
            let Some(mut idle) = self.take_from(slot, due) else { continue };
            if idle.line.socket.is_quiet() {
                spare(idle.line);
            }
        }
    }

    fn take_from(
        &self,
        slot: &Mutex<Option<Idle>>,
        due: impl Fn(&mut Idle) -> bool,
    ) -> Option<Idle> {
        let mut slot = slot.try_lock().ok()?;
        let idle = slot.take_if(|idle| due(idle))?;
        self.filled.fetch_sub(1, Ordering::Relaxed);
        Some(idle)
    }

    #[expect(
        clippy::result_large_err,
        reason = "a connection, which is moved; a box would be an allocation for each message"
    )]
    fn fit(&self, mut idle: Idle, now: Moment) -> Result<Line, Unfit> {
        if !idle.line.socket.is_quiet() {
            return Err(Unfit::Stale);
        }
        if self.is_old(&idle, now) {
            return Err(Unfit::Spare(idle.line));
        }
        Ok(idle.line)
    }

    fn is_old(&self, idle: &Idle, now: Moment) -> bool {
        now.reached(idle.since.plus(self.settings.idle_timeout))
            || now.reached(idle.line.lease.born().plus(self.settings.age))
    }

    /// No message more: our own limit, or the smarthost's (RFC 9422 MAILMAX).
    fn is_spent(&self, line: &Line) -> bool {
        line.upstream.is_spent() || line.upstream.transactions() >= self.settings.messages
    }
}
