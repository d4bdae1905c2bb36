//! What comes between EHLO and [`ClientEvent::Ready`](super::ClientEvent::Ready): a login of our own, the client's
//! introduction, and how far they are.

use std::sync::Arc;

use smtp_wire::ClientIdentity;

use crate::sasl::{Credentials, Initiator, Mechanism};

/// How a client role proves itself.
#[derive(Debug, Clone)]
pub struct Login {
    /// As whom, and by what.
    pub credentials: Credentials,
    /// This mechanism and no other.
    pub only: Option<Mechanism>,
    /// Mechanisms that show the secret to whoever listens may be used without TLS.
    pub without_tls: bool,
    /// Printable ASCII without commas, never used before.
    pub nonce: String,
}

/// Where an exchange of our own is.
#[derive(Debug, Default)]
pub(super) enum Stage {
    /// There is none, or it is over.
    #[default]
    None,
    /// After EHLO.
    Wanted(Login),
    Running(Initiator),
    /// We broke it off, and wait for the 501.
    Cancelled(&'static str),
}

/// Whose connection it is.
#[derive(Debug, Default)]
pub(super) enum Introduction {
    /// Our own.
    #[default]
    None,
    /// It is to become the client's.
    Wanted(Arc<ClientIdentity>),
    /// XCLIENT is not answered yet.
    Asked(Arc<ClientIdentity>),
    /// The client's.
    Made(Arc<ClientIdentity>),
}
