//! TLS towards clients.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use relay::TlsFacts;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{
    NoServerSessionStorage, ProducesTickets, UnbufferedServerConnection, WebPkiClientVerifier,
};
use rustls::{RootCertStore, ServerConfig};
use smtp_session::Moment;

use super::certificates::Certificates;
use super::channel::Channel;
use super::files::{self, FileFault, Stamp};
use super::identity::Identity;
use super::verify::Asked;
use super::{provider, suite};

/// When the handshake takes place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// After STARTTLS (RFC 3207).
    StartTls,
    /// Before the greeting (RFC 8314 s3.3).
    Implicit,
}

/// What a listener does about TLS.
#[derive(Debug)]
pub struct ServerTls {
    begin: Begin,
    certificates: Arc<Certificates>,
    current: ArcSwap<Current>,
}

/// What a handshake begins with.
#[derive(Debug)]
struct Current {
    config: Arc<ServerConfig>,
    clients: Option<Clients>,
}

/// Whose certificates are believed.
#[derive(Debug)]
struct Clients {
    ca: PathBuf,
    stamp: Option<Stamp>,
    verifier: Arc<dyn ClientCertVerifier>,
}

impl ServerTls {
    /// For one listener. With `client_ca`, clients are asked for a certificate.
    ///
    /// # Errors
    /// What is wrong with the file of the authorities.
    pub fn new(
        begin: Begin,
        certificates: Arc<Certificates>,
        client_ca: Option<&Path>,
    ) -> Result<Self, FileFault> {
        let clients = client_ca.map(Clients::read).transpose()?;
        let current = ArcSwap::from_pointee(Current::new(&certificates, clients)?);
        Ok(Self { begin, certificates, current })
    }

    /// When the handshake takes place.
    pub fn begin(&self) -> Begin {
        self.begin
    }

    /// The certificates of this host.
    pub fn certificates(&self) -> &Arc<Certificates> {
        &self.certificates
    }

    /// Reads the authorities of clients again, if their file has changed; `true` when they are
    /// in use. Open sessions are what they were. Blocks: not for the path of a message.
    ///
    /// # Errors
    /// What is wrong with the file; the authorities before it stay in use.
    pub fn refresh(&self) -> Result<bool, FileFault> {
        let current = self.current.load();
        let Some(clients) = &current.clients else { return Ok(false) };
        if Stamp::of(&clients.ca) == clients.stamp {
            return Ok(false);
        }
        let next = Current::new(&self.certificates, Some(Clients::read(&clients.ca)?))?;
        self.current.store(Arc::new(next));
        Ok(true)
    }

    /// The beginning of a connection.
    pub(crate) fn accept(&self) -> io::Result<Channel> {
        let config = Arc::clone(&self.current.load().config);
        let connection = UnbufferedServerConnection::new(config).map_err(io::Error::other)?;
        Ok(Channel::server(connection))
    }

    /// What is known of the other side, when the handshake is done.
    pub(crate) fn facts(&self, channel: &Channel, now: Moment) -> TlsFacts {
        let (protocol, cipher) = suite(channel);
        TlsFacts { protocol, cipher, certificate: self.client(channel.peer_certificates(), now) }
    }

    /// The name in a certificate that one of our authorities stands behind. A client may show
    /// any: many show theirs to whoever asks, and the mail of such a client is judged as if it
    /// had shown none, in words that a person can read, instead of a handshake that fails.
    fn client(&self, chain: &[CertificateDer<'_>], now: Moment) -> Option<Arc<str>> {
        let (own, between) = chain.split_first()?;
        let current = self.current.load();
        let clients = current.clients.as_ref()?;
        let now = now.unix_millis() / 1000;
        let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(now));
        match clients.verifier.verify_client_cert(own, between, now) {
            Ok(_) => Identity::of(own).map(|identity| identity.label.into()),
            Err(error) => {
                tracing::info!(%error, "the certificate of a client counts as none");
                None
            }
        }
    }
}

impl Clients {
    fn read(ca: &Path) -> Result<Self, FileFault> {
        let stamp = Stamp::of(ca);
        let roots = Arc::new(authorities(ca)?);
        let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider())
            .allow_unauthenticated()
            .build()
            .map_err(|error| FileFault::new(ca, error.to_string()))?;
        Ok(Self { ca: ca.to_owned(), stamp, verifier })
    }
}

impl Current {
    fn new(certificates: &Arc<Certificates>, clients: Option<Clients>) -> Result<Self, FileFault> {
        let nowhere = |error: rustls::Error| FileFault::new(Path::new("TLS"), error.to_string());
        let builder = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(nowhere)?;
        let builder = match &clients {
            None => builder.with_no_client_auth(),
            Some(clients) => {
                builder.with_client_cert_verifier(Arc::new(Asked(Arc::clone(&clients.verifier))))
            }
        };
        let mut config = builder.with_cert_resolver(Arc::<Certificates>::clone(certificates));
        // Ours is the best first; a client may have its own the other way round.
        config.ignore_client_order = true;
        // What was agreed on is given to the client to keep, so that nothing is kept here.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        match &clients {
            None => {
                config.ticketer = rustls::crypto::aws_lc_rs::Ticketer::new().map_err(nowhere)?;
                config.send_tls13_tickets = 1;
            }
            // A session that is taken up again would bring a certificate along that may have
            // ended, or whose authority is not believed any more.
            Some(_) => {
                config.ticketer = Arc::new(NoTickets);
                config.send_tls13_tickets = 0;
            }
        }
        Ok(Self { config: Arc::new(config), clients })
    }
}

/// No session is taken up again.
#[derive(Debug)]
struct NoTickets;

impl ProducesTickets for NoTickets {
    fn enabled(&self) -> bool {
        false
    }
    fn lifetime(&self) -> u32 {
        0
    }
    fn encrypt(&self, _plain: &[u8]) -> Option<Vec<u8>> {
        None
    }
    fn decrypt(&self, _cipher: &[u8]) -> Option<Vec<u8>> {
        None
    }
}

/// The authorities in a file.
pub(super) fn authorities(path: &Path) -> Result<RootCertStore, FileFault> {
    let text = files::text(path)?;
    let mut roots = RootCertStore::empty();
    for certificate in files::certificates(path, &text)? {
        roots.add(certificate).map_err(|_| {
            FileFault::new(path, "holds a certificate that cannot be that of an authority")
        })?;
    }
    Ok(roots)
}
