//! TLS towards databases and list servers.
//!
//! One provider of cryptography serves the whole process; libraries that bring none of their own
//! find it as the default. Whoever asks for encryption without verification still gets a
//! handshake whose signatures are checked: the traffic cannot be read by others, only the name
//! behind it is not known.

use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::access::Tls;
use super::error::RemoteError;

/// The one provider, made the default of the process if there is none yet. May be called as often
/// as one likes.
#[must_use]
pub(crate) fn provider() -> Arc<CryptoProvider> {
    // An error says that somebody was first, which is just as well.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    CryptoProvider::get_default()
        .map_or_else(|| Arc::new(rustls::crypto::aws_lc_rs::default_provider()), Arc::clone)
}

/// What a client shows and asks for; none when TLS is off.
///
/// # Errors
/// [`RemoteError::Tls`] when there are no authorities to trust, or their file cannot be read.
pub(crate) fn client_config(tls: &Tls, server: &str) -> Result<Option<ClientConfig>, RemoteError> {
    let provider = provider();
    let fault = |what: String| RemoteError::Tls { server: server.to_owned(), what };
    let verifier: Arc<dyn ServerCertVerifier> = match tls {
        Tls::Off => return Ok(None),
        Tls::Unverified => Arc::new(Anybody(provider.signature_verification_algorithms)),
        Tls::Verified { ca } => {
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(authorities(ca.as_deref(), server)?);
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                .build()
                .map_err(|error| fault(error.to_string()))?
        }
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| fault(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(Some(config))
}

/// The certificates of the authorities that are trusted: those of the file, or of the system.
///
/// # Errors
/// [`RemoteError::Tls`] when there are none, or the file cannot be read.
pub(crate) fn authorities(
    ca: Option<&Path>,
    server: &str,
) -> Result<Vec<CertificateDer<'static>>, RemoteError> {
    let fault = |what: String| RemoteError::Tls { server: server.to_owned(), what };
    let found: Vec<CertificateDer<'static>> = match ca {
        Some(path) => CertificateDer::pem_file_iter(path)
            .and_then(Iterator::collect)
            .map_err(|error| fault(format!("ca {}: {error}", path.display())))?,
        None => rustls_native_certs::load_native_certs().certs,
    };
    if found.is_empty() {
        return Err(fault(match ca {
            Some(path) => format!("ca {} holds no certificate (PEM)", path.display()),
            None => "this system has no trusted authorities; name them in `ca`".to_owned(),
        }));
    }
    Ok(found)
}

/// Takes any certificate, but only from somebody who has its key.
#[derive(Debug)]
struct Anybody(WebPkiSupportedAlgorithms);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn nothing_is_asked_for_where_tls_is_off() {
        assert!(client_config(&Tls::Off, "db:1").unwrap().is_none());
        assert!(client_config(&Tls::Unverified, "db:1").unwrap().is_some());
    }

    #[test]
    fn a_file_without_authorities_is_named() {
        let told = |ca: &Path| {
            client_config(&Tls::Verified { ca: Some(ca.to_owned()) }, "db:1")
                .unwrap_err()
                .to_string()
        };
        assert!(told(Path::new("/nowhere/ca.pem")).contains("ca /nowhere/ca.pem"));
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"no certificate\n").unwrap();
        let said = told(file.path());
        assert!(said.contains("holds no certificate") && said.starts_with("db:1: "), "{said}");
    }

    #[test]
    fn the_provider_is_the_same_each_time() {
        assert!(Arc::ptr_eq(&provider(), &provider()));
    }
}
