//! What `judge` and `why` are asked about: a recipient, and what is known of the envelope.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use address::ReversePath;
use policy::{Circumstances, Claim, Possible, RelayControl, Relaying, Streams};
use serde::{Deserialize, Serialize};

use crate::config::{ListenerSettings, Settings};
use crate::replay::Envelope;

/// A recipient that might be mailed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// The address.
    pub address: String,
    /// The envelope its message would have; none: every stream is asked about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub envelope: Option<Envelope>,
}

/// Which of the candidates would be refused?
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JudgeQuestion {
    /// Whom.
    pub candidates: Vec<Candidate>,
    /// On this stream alone.
    #[serde(default)]
    pub stream: Option<String>,
    /// Envelopes came in by this listener.
    #[serde(default)]
    pub listener: Option<SocketAddr>,
}

/// The streams a message with this envelope may be on.
///
/// A log tells no listener: without one it is the first that would let the client relay.
/// With a sender nobody knows it is mail that no rule takes, because a rule for the null
/// path could be wrong about it.
pub(super) fn possible(
    settings: &Settings,
    streams: &Streams,
    listener: Option<SocketAddr>,
    envelope: &Envelope,
) -> Possible {
    let client = envelope.client.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let sender = envelope.sender.as_ref().map(|sender| ReversePath::parse(&format!("<{sender}>")));
    let Some(Ok(sender)) = sender else { return streams.fallback() };
    // Nor does it tell of certificates.
    let claim = Claim { address: client, login: envelope.login.is_some(), certificate: true };
    let lets_in = || {
        let control = |listener: &ListenerSettings| RelayControl::new(listener.allow.clone());
        let mut all = settings.listeners.iter();
        all.find(|listener| control(listener).judge(&claim) == Relaying::Permitted)
    };
    let first = || lets_in().or(settings.listeners.first()).map(|listener| listener.address);
    let Some(listener) = listener.or_else(first) else { return streams.fallback() };
    streams.possible(&Circumstances {
        listener,
        login: envelope.login.as_deref(),
        client,
        sender: &sender,
        solicit: None,
    })
}
