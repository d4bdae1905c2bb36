//! What somebody should hear about while the gate runs: told once, to whoever listens.
//!
//! The log has all of it as well. Whoever listens may be slow or gone; nobody waits for it.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Notices that may wait for one listener; more are in the log alone.
const WAITING: usize = 256;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A list has reached four fifths of its `max_age`.
    SourceAging {
        /// Its name.
        source: String,
        /// How old it is.
        age: Duration,
        /// When it will be unknown.
        max_age: Duration,
    },
    /// A list cannot be relied on: whom it could stop is answered 451.
    SourceUnknown {
        /// Its name.
        source: String,
        /// Why, in words.
        why: String,
    },
    /// A list could not be read, or was not believed; the last good reading stays in force.
    SourceFailed {
        /// Its name.
        source: String,
        /// Why, in words.
        why: String,
        /// There is no last good reading: whom it could stop is answered 451.
        never: bool,
    },
    /// A list of which one of the others was told is as it should be again.
    SourceFresh {
        /// Its name.
        source: String,
    },
}

impl Notice {
    /// Which list it is about.
    pub fn source(&self) -> &str {
        match self {
            Self::SourceAging { source, .. }
            | Self::SourceUnknown { source, .. }
            | Self::SourceFailed { source, .. }
            | Self::SourceFresh { source } => source,
        }
    }
}

/// Where notices are told, and listened to. Clones are the same place.
#[derive(Clone, Debug, Default)]
pub struct Notices {
    listeners: Arc<Mutex<Vec<SyncSender<Notice>>>>,
}

impl Notices {
    /// Hears everything that is told from here on.
    pub fn listen(&self) -> Receiver<Notice> {
        let (tell, told) = sync_channel(WAITING);
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner).push(tell);
        told
    }

    /// Tells everybody who listens.
    pub fn tell(&self, notice: &Notice) {
        let mut listeners = self.listeners.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.retain(|listener| match listener.try_send(notice.clone()) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => {
                tracing::debug!(source = notice.source(), "a notice was told to the log alone");
                true
            }
            Err(TrySendError::Disconnected(_)) => false,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fresh(source: &str) -> Notice {
        Notice::SourceFresh { source: source.to_owned() }
    }

    #[test]
    fn who_listens_hears_and_who_is_gone_or_slow_is_not_waited_for() {
        let notices = Notices::default();
        notices.tell(&fresh("nobody"));
        let (one, other) = (notices.listen(), notices.listen());
        drop(other);
        for n in 0..2 * WAITING {
            notices.clone().tell(&fresh(&n.to_string()));
        }
        let heard: Vec<_> = one.try_iter().collect();
        assert_eq!(heard.len(), WAITING);
        assert_eq!(heard[0], fresh("0"));
        notices.tell(&fresh("later"));
        assert_eq!(one.try_iter().collect::<Vec<_>>(), [fresh("later")]);
    }
}
