//! A session's own connection to the smarthost, and the exchange that makes it so.

use std::sync::Arc;

use smtp_session::{AuthRequest, SlotId};

use crate::login_name::name_in;

/// Whether the session has a connection of its own.
#[derive(Debug, Default)]
pub(crate) enum Bond {
    /// It has none.
    #[default]
    Free,
    /// It is on its way, and AUTH waits for it.
    Opening(SlotId, AuthRequest),
    /// An exchange goes on over it.
    Asking(Exchange),
    /// The client has broken one off; the smarthost's last word on it is to come. AUTH may
    /// wait for that.
    Cancelled(Option<(SlotId, AuthRequest)>),
    /// It is there.
    Bound { logged_in: bool },
    /// The one on which the client was logged in is lost.
    Broken,
}

#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) slot: SlotId,
    pub(crate) mechanism: String,
    /// Read from the first message that is not empty.
    pub(crate) name: Option<Arc<str>>,
    began: bool,
}

impl Exchange {
    pub(crate) fn new(slot: SlotId, mechanism: String) -> Self {
        Self { slot, mechanism, name: None, began: false }
    }

    /// A message of the client's.
    pub(crate) fn hear(&mut self, message: &[u8]) {
        if !self.began && !message.is_empty() {
            self.began = true;
            self.name = name_in(&self.mechanism, message);
        }
    }
}
