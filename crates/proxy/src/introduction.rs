//! Whether a smarthost is told who the clients are, and what is said when it does not listen:
//! once, for it would be the same with every message.

use std::sync::atomic::{AtomicBool, Ordering};

use relay::{OpenFailure, Upstream};
use smtp_session::Lost;

/// How a smarthost is told who the client is (Postfix, `XFORWARD_README`, `XCLIENT_README`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Introduce {
    /// Not at all: every client is us.
    #[default]
    Off,
    /// For its log, with each message.
    Xforward,
    /// In everything: a connection is one client's.
    Xclient,
}

/// What was complained of.
#[derive(Debug, Default)]
pub(crate) struct Complaints {
    not_offered: AtomicBool,
    refused: AtomicBool,
    keywords: AtomicBool,
}

impl Complaints {
    /// A new connection to `smarthost`: does it offer what it should be told by?
    pub(crate) fn opened(&self, smarthost: &str, introduce: Introduce, upstream: &Upstream) {
        let missing = match introduce {
            Introduce::Xforward if upstream.capabilities().xforward.is_empty() => "XFORWARD",
            Introduce::Xclient if upstream.client().is_none() => "XCLIENT",
            _ => return,
        };
        if !self.not_offered.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                smarthost,
                "smarthost does not offer {missing}, which `identity` needs: mail goes on, in our own name"
            );
        }
    }

    /// A new connection: a greeting with `NO UCE` is the smarthost's policy for mail to itself, and
    /// nothing that is decided by here; somebody may want to know of it.
    pub(crate) fn greeted(&self, smarthost: &str, upstream: &Upstream) {
        if let Some(found) = upstream.keywords()
            && !self.keywords.swap(true, Ordering::Relaxed)
        {
            tracing::info!(
                smarthost,
                no_uce = found.no_uce,
                no_ube = found.no_ube,
                country = ?found.country,
                locality = ?found.locality,
                "smarthost greets with anti-UCE keywords: a policy of its own, for information"
            );
        }
    }

    /// A connection is given back.
    pub(crate) fn given(&self, smarthost: &str, upstream: &Upstream) {
        if let Some(code) = upstream.xforward_refused()
            && !self.refused.swap(true, Ordering::Relaxed)
        {
            tracing::warn!(smarthost, code, "smarthost refuses XFORWARD: mail goes on without");
        }
    }

    /// Whether no connection could be had because of the client, and not of the smarthost.
    pub(crate) fn is_about_client(&self, smarthost: &str, failure: &OpenFailure) -> bool {
        let OpenFailure::Lost(why @ Lost::ClientRefused(_)) = failure else { return false };
        if !self.refused.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                smarthost,
                %why,
                "smarthost refuses XCLIENT or a client that it was told of: such mail is deferred"
            );
        }
        true
    }
}
