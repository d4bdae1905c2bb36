//! TLS: `[[certificate]]`, and the keys of listeners and smarthosts about it.
//!
//! Every file is read here as it will be read by the gate, so that `check` says what is wrong with
//! which of them. Two rules: nobody says "required" and gets less; and what has no effect is an
//! error, because whoever wrote it relies on it.

use std::ops::Range;
use std::path::Path;

use proxy::{
    Begin, Certificates, ClientMode, ClientTls, ClientTlsFault, ClientTlsSettings, FileFault, Pair,
    PairFiles, ServerTls,
};

use super::choice::{ListenerTls, SmarthostTls};
use super::fault::{Fault, Severity};
use super::file::{Certificate, File, Listener, Smarthost};
use super::file_fault::about_file;
use super::form::{FilePath, Form};
use super::section::{Maybe, Said, Section};
use super::settings::ListenerTlsSettings;
use crate::clock;

/// The port of mail submission under implicit TLS (RFC 8314 s7.3).
pub(crate) const SUBMISSIONS: u16 = 465;

/// What follows from what else the file says.
pub(crate) fn derive(file: &mut File) {
    let has_certificate = !file.certificates.is_empty();
    for listener in &mut file.listeners {
        listener.tls.or_derive(
            if has_certificate { "there is a [[certificate]]" } else { "there is no certificate" },
            || Some(if has_certificate { ListenerTls::StartTls } else { ListenerTls::Off }),
        );
    }
}

/// The certificates of this host.
pub(crate) fn certificates(
    said: &[Certificate],
    folder: &Path,
    faults: &mut Vec<Fault>,
) -> Vec<PairFiles> {
    let pairs = said.iter().filter_map(|one| {
        let files = pair(one.certificate.said()?, one.key.said()?, folder);
        check_pair(&files, one.certificate.said(), one.key.said(), faults);
        Some(files)
    });
    pairs.collect()
}

fn pair(certificate: &Said<FilePath>, key: &Said<FilePath>, folder: &Path) -> PairFiles {
    PairFiles { certificate: folder.join(&certificate.value.0), key: folder.join(&key.value.0) }
}

fn check_pair(
    files: &PairFiles,
    certificate: Option<&Said<FilePath>>,
    key: Option<&Said<FilePath>>,
    faults: &mut Vec<Fault>,
) {
    let spans = [certificate.and_then(Said::span), key.and_then(Said::span)];
    match Pair::read(files) {
        Err(fault) => {
            let [certificate, key] = spans;
            let span = if fault.path == files.certificate { certificate } else { key };
            faults.push(about_file(span, &fault));
        }
        Ok(pair) => {
            if let Some(worry) = pair.worry(clock::now().micros() / 1_000_000) {
                let [span, _] = spans;
                let what = format!("{}: {worry}", files.certificate.display());
                faults.push(Fault::maybe_at(span, what).severity(Severity::Warning));
            }
        }
    }
}

/// TLS of one listener; `place` of it.
pub(crate) fn listener(
    said: &Listener,
    has_certificate: bool,
    place: Option<Range<usize>>,
    folder: &Path,
    faults: &mut Vec<Fault>,
) -> ListenerTlsSettings {
    let mode = said.tls.get().copied().unwrap_or(ListenerTls::Off);
    let span = said.tls.said().and_then(Said::span);
    if mode != ListenerTls::Off && !has_certificate {
        faults.push(
            Fault::maybe_at(span.clone(), "TLS needs a certificate, and there is none").help(
                "add:\n[[certificate]]\ncertificate = \"/etc/ssl/mail.pem\"\nkey = \
                 \"/etc/ssl/mail.key\"",
            ),
        );
    }
    let port = said.address.value.0.port();
    if port == SUBMISSIONS && matches!(mode, ListenerTls::StartTls | ListenerTls::Required) {
        faults.push(
            Fault::maybe_at(span.clone().or(place.clone()), "clients begin with TLS on port 465")
                .severity(Severity::Warning)
                .help("tls = \"implicit\" (RFC 8314)"),
        );
    }
    let ca = said.client_ca.said().map(|ca| (folder.join(&ca.value.0), ca.span()));
    if let Some((path, span)) = &ca {
        if mode == ListenerTls::Off {
            faults.push(
                Fault::maybe_at(span.clone(), "without TLS no client shows a certificate").help(
                    "tls = \"starttls\", \"required\" or \"implicit\", and a [[certificate]]",
                ),
            );
        }
        if let Err(fault) = authorities(path) {
            faults.push(about_file(span.clone(), &fault));
        }
    }
    let asked = said.allow.get().is_some_and(|ways| ways.ways().iter().any(|way| way.certificate));
    if asked && matches!(said.client_ca, Maybe::Absent) {
        faults.push(
            Fault::maybe_at(
                said.allow.said().and_then(Said::span).or(place),
                "whose certificates let a client in? `client_ca` is missing",
            )
            .help("the authority of your clients: client_ca = \"/etc/optgate/clients.pem\""),
        );
    }
    ListenerTlsSettings { mode, client_ca: ca.map(|(path, _)| path) }
}

fn authorities(path: &Path) -> Result<(), FileFault> {
    let none = std::sync::Arc::new(Certificates::read(&[])?);
    ServerTls::new(Begin::StartTls, none, Some(path)).map(|_| ())
}

/// TLS towards one smarthost. `login`: we log in to it.
pub(crate) fn smarthost(
    said: &Smarthost,
    login: bool,
    folder: &Path,
    faults: &mut Vec<Fault>,
) -> ClientTlsSettings {
    let Some(address) = said.address.get() else { return ClientTlsSettings::default() };
    let word = said.tls.get().copied().unwrap_or(match address.port {
        SUBMISSIONS => SmarthostTls::Implicit,
        _ if login || verification(said).is_some() => SmarthostTls::Required,
        _ => SmarthostTls::Opportunistic,
    });
    let settings = ClientTlsSettings {
        mode: match word {
            SmarthostTls::Off => ClientMode::Off,
            SmarthostTls::Opportunistic => ClientMode::Opportunistic { fall_back: !login },
            SmarthostTls::Required => ClientMode::Required,
            SmarthostTls::Implicit => ClientMode::Implicit,
        },
        name: said.tls_name.get().map_or_else(|| address.host.clone(), |name| name.0.clone()),
        ca: said.tls_ca.get().map(|file| folder.join(&file.0)),
        pins: said.tls_pin.get().map(|pins| pins.0.clone()).unwrap_or_default(),
        certificate: own_certificate(said, folder, faults),
    };
    let is_verified = matches!(word, SmarthostTls::Required | SmarthostTls::Implicit);
    if !is_verified && let Some((key, span)) = verification(said) {
        let what = format!("`{key}` has no effect with tls = {}", word.show());
        faults.push(Fault::maybe_at(span, what).help("tls = \"required\" verifies"));
    }
    if login && !is_verified {
        faults.push(
            Fault::maybe_at(
                said.tls.said().and_then(Said::span),
                "the login is shown to whoever answers at this address",
            )
            .severity(Severity::Warning)
            .help("tls = \"required\" shows it to the right server only"),
        );
    }
    check_client(said, &settings, faults);
    settings
}

/// The first key that says whom the smarthost must be.
fn verification(said: &Smarthost) -> Option<(&'static str, Option<Range<usize>>)> {
    let pin = said.tls_pin.said().map(|said| ("tls_pin", said.span()));
    let ca = said.tls_ca.said().map(|said| ("tls_ca", said.span()));
    let name = said.tls_name.said().map(|said| ("tls_name", said.span()));
    pin.or(ca).or(name)
}

fn own_certificate(said: &Smarthost, folder: &Path, faults: &mut Vec<Fault>) -> Option<PairFiles> {
    let files = match (&said.tls_certificate, &said.tls_key) {
        (Maybe::Said(certificate), Maybe::Said(key)) => pair(certificate, key, folder),
        (Maybe::Said(one), Maybe::Absent) => {
            let fault = Fault::maybe_at(one.span(), "a certificate is of no use without its key");
            faults.push(fault.help("tls_key = \"/etc/optgate/client.key\""));
            return None;
        }
        (Maybe::Absent, Maybe::Said(one)) => {
            let fault = Fault::maybe_at(one.span(), "a key is of no use without its certificate");
            faults.push(fault.help("tls_certificate = \"/etc/optgate/client.pem\""));
            return None;
        }
        _ => return None,
    };
    check_pair(&files, said.tls_certificate.said(), said.tls_key.said(), faults);
    Some(files)
}

/// What is wrong with the authorities or the name; the own certificate was looked at.
fn check_client(said: &Smarthost, settings: &ClientTlsSettings, faults: &mut Vec<Fault>) {
    let without = ClientTlsSettings { certificate: None, ..settings.clone() };
    let Err(fault) = ClientTls::new(without) else { return };
    let ca = said.tls_ca.said().and_then(Said::span);
    let name = said.tls_name.said().and_then(Said::span);
    let tls = said.tls.said().and_then(Said::span);
    let address = said.address.said().and_then(Said::span);
    let span = match &fault {
        ClientTlsFault::File(_) => ca,
        ClientTlsFault::Name(_) => name.or(address),
        ClientTlsFault::NoAuthorities | ClientTlsFault::Library(_) => tls.or(address),
    };
    let span = span.or_else(|| said.heading());
    faults.push(match &fault {
        ClientTlsFault::File(fault) => about_file(span, fault),
        fault => Fault::maybe_at(span, fault.to_string()),
    });
}
