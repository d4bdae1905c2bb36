//! TLS towards a smarthost.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::client::{UnbufferedClientConnection, WebPkiServerVerifier};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use smtp_session::UseTls;

use super::channel::Channel;
use super::files::{FileFault, Stamp};
use super::pair::{Pair, PairFiles};
use super::provider;
use super::server::authorities;
use super::verify::{Smarthosts, Trust};

/// How a connection to a smarthost is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClientMode {
    /// Not at all.
    #[default]
    Off,
    /// STARTTLS where it is offered; whoever answers is believed. Where the handshake fails the
    /// connection is made again without, if `fall_back` (RFC 7435 s3).
    Opportunistic {
        /// Not with a login: its password is not shown to whoever broke the handshake.
        fall_back: bool,
    },
    /// STARTTLS, or nothing.
    Required,
    /// TLS from the first byte on (RFC 8314).
    Implicit,
}

impl ClientMode {
    /// What the client role does about STARTTLS.
    pub fn starttls(self) -> UseTls {
        match self {
            Self::Off | Self::Implicit => UseTls::Never,
            Self::Opportunistic { .. } => UseTls::IfOffered,
            Self::Required => UseTls::Required,
        }
    }

    /// Whether a handshake that failed is lived with.
    pub(crate) fn may_fall_back(self) -> bool {
        matches!(self, Self::Opportunistic { fall_back: true })
    }

    /// Whoever answers must be who it should be.
    fn is_verified(self) -> bool {
        matches!(self, Self::Required | Self::Implicit)
    }
}

/// What is asked of a smarthost and shown to it.
#[derive(Debug, Clone, Default)]
pub struct ClientTlsSettings {
    /// How the connection is protected.
    pub mode: ClientMode,
    /// The name, or address, that its certificate must be for; it is asked for by it as well.
    pub name: String,
    /// The authorities that are believed; none: those of the system.
    pub ca: Option<PathBuf>,
    /// SHA-256 of public keys: with any of them nothing else counts.
    pub pins: Vec<[u8; 32]>,
    /// What we show if we are asked.
    pub certificate: Option<PairFiles>,
}

/// TLS towards one smarthost.
#[derive(Debug)]
pub struct ClientTls {
    settings: ClientTlsSettings,
    name: ServerName<'static>,
    current: ArcSwap<Current>,
}

#[derive(Debug)]
struct Current {
    config: Arc<ClientConfig>,
    ca: Option<Stamp>,
    pair: Option<Pair>,
}

/// Why TLS towards a smarthost cannot be had as it is asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientTlsFault {
    /// A file.
    #[error(transparent)]
    File(#[from] FileFault),
    /// The name.
    #[error("{0} is no name that a certificate could be for")]
    Name(String),
    /// The system.
    #[error("this system has no trusted authorities; name a file of them in `tls_ca`")]
    NoAuthorities,
    /// The library says no.
    #[error("{0}")]
    Library(String),
}

impl ClientTls {
    /// Reads what there is to read.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(settings: ClientTlsSettings) -> Result<Self, ClientTlsFault> {
        let name = ServerName::try_from(settings.name.trim_end_matches('.').to_owned())
            .map_err(|_| ClientTlsFault::Name(settings.name.clone()))?;
        let current = ArcSwap::from_pointee(Current::read(&settings)?);
        Ok(Self { settings, name, current })
    }

    /// How the connection is protected.
    pub fn mode(&self) -> ClientMode {
        self.settings.mode
    }

    /// Reads again what has changed; `true` when it is in use. Blocks: not for the path of a
    /// message.
    ///
    /// # Errors
    /// What is wrong with it; what was before stays in use.
    pub fn refresh(&self) -> Result<bool, ClientTlsFault> {
        let current = self.current.load();
        let ca = self.settings.ca.as_deref().and_then(Stamp::of);
        if ca == current.ca && !current.pair.as_ref().is_some_and(Pair::has_changed) {
            return Ok(false);
        }
        self.current.store(Arc::new(Current::read(&self.settings)?));
        Ok(true)
    }

    /// What is wrong with the time of our own certificate, or soon will be; `now` in seconds
    /// since 1970.
    pub fn worry(&self, now: i64) -> Option<String> {
        self.current.load().pair.as_ref().and_then(|pair| pair.worry(now))
    }

    /// The beginning of a connection, whose first message waits to be sent.
    pub(crate) fn connect(&self) -> io::Result<Channel> {
        let config = Arc::clone(&self.current.load().config);
        let connection =
            UnbufferedClientConnection::new(config, self.name.clone()).map_err(io::Error::other)?;
        let mut channel = Channel::client(connection);
        channel.begin()?;
        Ok(channel)
    }
}

impl Current {
    fn read(settings: &ClientTlsSettings) -> Result<Self, ClientTlsFault> {
        let library = |error: rustls::Error| ClientTlsFault::Library(error.to_string());
        let provider = provider();
        let ca = settings.ca.as_deref().and_then(Stamp::of);
        let trust = if !settings.mode.is_verified() {
            Trust::Anybody
        } else if !settings.pins.is_empty() {
            Trust::Keys(settings.pins.clone())
        } else {
            let roots = match settings.ca.as_deref() {
                Some(ca) => authorities(ca)?,
                None => of_the_system()?,
            };
            let verifier =
                WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
            let verifier =
                verifier.build().map_err(|error| ClientTlsFault::Library(error.to_string()))?;
            Trust::Chain(verifier)
        };
        let algorithms = provider.signature_verification_algorithms;
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(library)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Smarthosts { trust, algorithms }));
        let pair = settings.certificate.as_ref().map(Pair::read).transpose()?;
        let config = match &pair {
            None => builder.with_no_client_auth(),
            Some(pair) => builder.with_client_cert_resolver(Arc::new(
                rustls::sign::SingleCertAndKey::from(Arc::clone(&pair.key)),
            )),
        };
        Ok(Self { config: Arc::new(config), ca, pair })
    }
}

fn of_the_system() -> Result<RootCertStore, ClientTlsFault> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() { Err(ClientTlsFault::NoAuthorities) } else { Ok(roots) }
}
