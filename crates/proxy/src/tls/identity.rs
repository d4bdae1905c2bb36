//! Whom a certificate is for, and how long.

use rustls::pki_types::CertificateDer;
use sha2::{Digest, Sha256};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

/// Before a certificate ends, this long, somebody is told: those that renew by themselves do it
/// earlier.
const SOON: i64 = 14 * DAY;
const DAY: i64 = 86_400;

/// What a certificate says about its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    /// The DNS names, in lower case; a star may be the first label (RFC 9525 s6.3).
    pub(super) names: Vec<String>,
    /// For people and records: a name, an address, the common name, or the serial number.
    pub(super) label: String,
    /// In seconds since 1970.
    valid: (i64, i64),
}

impl Identity {
    /// None: it is no certificate.
    pub(super) fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
        let mut names = Vec::new();
        let mut label = None;
        let alternative = parsed.subject_alternative_name().ok().flatten();
        for name in alternative.iter().flat_map(|found| &found.value.general_names) {
            match name {
                GeneralName::DNSName(name) => names.push(name.to_ascii_lowercase()),
                GeneralName::RFC822Name(address) if label.is_none() => {
                    label = Some((*address).to_owned());
                }
                _ => {}
            }
        }
        let common = parsed.subject().iter_common_name().next();
        let common = common.and_then(|name| name.as_str().ok()).map(str::to_owned);
        if names.is_empty() {
            // Old, and harmless for a choice among our own.
            names.extend(common.iter().map(|name| name.to_ascii_lowercase()));
        }
        let label = common
            .or(label)
            .or_else(|| names.first().cloned())
            .unwrap_or_else(|| format!("serial {}", parsed.raw_serial_as_string()));
        let valid = parsed.validity();
        Some(Self {
            names,
            label: label.chars().filter(|c| !c.is_control()).take(256).collect(),
            valid: (valid.not_before.timestamp(), valid.not_after.timestamp()),
        })
    }

    /// Whether it is for this name, in lower case: 2 for its very name, 1 by a star.
    pub(super) fn fits(&self, name: &str) -> u8 {
        let star = |pattern: &str| {
            let suffix = pattern.strip_prefix('*')?;
            let label = name.strip_suffix(suffix)?;
            (suffix.starts_with('.') && !label.is_empty() && !label.contains('.')).then_some(())
        };
        if self.names.iter().any(|own| own == name) {
            2
        } else {
            u8::from(self.names.iter().any(|own| star(own).is_some()))
        }
    }

    pub(super) fn worry(&self, now: i64) -> Option<String> {
        let (begin, end) = self.valid;
        let days = |seconds: i64| match seconds / DAY {
            0 => "less than a day".to_owned(),
            1 => "1 day".to_owned(),
            days => format!("{days} days"),
        };
        if now > end {
            Some(format!("the certificate has ended, {} ago", days(now - end)))
        } else if now < begin {
            Some(format!("the certificate begins to hold in {}", days(begin - now)))
        } else if end - now < SOON {
            Some(format!("the certificate ends in {}", days(end - now)))
        } else {
            None
        }
    }
}

/// The digest of a certificate's public key (RFC 7469 s2.4): what a pin names.
pub(super) fn key_digest(certificate: &CertificateDer<'_>) -> Option<[u8; 32]> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    Some(Sha256::digest(parsed.public_key().raw).into())
}
