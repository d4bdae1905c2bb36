//! TLS on both sides (RFC 3207, RFC 8314), by rustls.
//!
//! What is encrypted passes through [`channel`], which does no input or output; the socket owns
//! one once the handshake begins. Certificates, and what is trusted, are read from files by
//! [`server`] and [`client`], and read again when these change: sessions that are open go on with
//! what they began with.

pub(crate) mod certificates;
pub(crate) mod channel;
pub(crate) mod client;
pub(crate) mod files;
pub(crate) mod identity;
pub(crate) mod key_file;
pub(crate) mod pair;
pub(crate) mod server;
pub(crate) mod verify;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::{CipherSuite, ProtocolVersion};

/// The one provider of cryptography of the process.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    // An error says that somebody was first, which is just as well.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    CryptoProvider::get_default()
        .map_or_else(|| Arc::new(rustls::crypto::aws_lc_rs::default_provider()), Arc::clone)
}

/// The version and the suite by their names in the registry of IANA.
pub(crate) fn suite(channel: &channel::Channel) -> (&'static str, &'static str) {
    let Some((version, suite)) = channel.agreed() else { return ("TLS", "unknown") };
    let version = match version {
        ProtocolVersion::TLSv1_2 => "TLSv1.2",
        ProtocolVersion::TLSv1_3 => "TLSv1.3",
        _ => "TLS",
    };
    let suite = match suite {
        CipherSuite::TLS13_AES_128_GCM_SHA256 => "TLS_AES_128_GCM_SHA256",
        CipherSuite::TLS13_AES_256_GCM_SHA384 => "TLS_AES_256_GCM_SHA384",
        CipherSuite::TLS13_CHACHA20_POLY1305_SHA256 => "TLS_CHACHA20_POLY1305_SHA256",
        suite => suite.as_str().unwrap_or("unknown"),
    };
    (version, suite)
}
