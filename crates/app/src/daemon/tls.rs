//! What the gate has for TLS, and the look at its files.
//!
//! A certificate is renewed by a program that writes two files, one after the other: between the
//! two they do not belong together, so that a fault is told only when it is there at two looks in
//! a row. What cannot be used leaves what is in use.

use std::sync::{Arc, Weak};
use std::time::Duration;

use proxy::{Begin, Certificates, ClientTls, ServerTls};
use smtp_session::StartTls;

use crate::clock;
use crate::config::{ListenerTls, Settings};
use crate::error::AppError;

/// How often the files are looked at.
const EVERY: Duration = Duration::from_secs(5);
/// How often a certificate that ends soon is told.
const REMIND: Duration = Duration::from_secs(86_400);

/// TLS of one configuration.
pub(crate) struct TlsParts {
    certificates: Arc<Certificates>,
    /// In the order of the listeners.
    listeners: Vec<Option<Arc<ServerTls>>>,
    /// In the order of the smarthosts.
    smarthosts: Vec<Arc<ClientTls>>,
}

impl TlsParts {
    /// Reads everything.
    ///
    /// # Errors
    /// What is wrong with which file.
    pub(crate) fn read(settings: &Settings) -> Result<Self, AppError> {
        let invalid = |fault: String| AppError::Input(fault);
        let certificates = Certificates::read(&settings.certificates);
        let certificates = Arc::new(certificates.map_err(|fault| invalid(fault.to_string()))?);
        let listeners = settings.listeners.iter().map(|listener| {
            let begin = match listener.tls.mode {
                ListenerTls::Off => return Ok(None),
                ListenerTls::StartTls | ListenerTls::Required => Begin::StartTls,
                ListenerTls::Implicit => Begin::Implicit,
            };
            let ca = listener.tls.client_ca.as_deref();
            ServerTls::new(begin, Arc::clone(&certificates), ca)
                .map(|tls| Some(Arc::new(tls)))
                .map_err(|fault| invalid(fault.to_string()))
        });
        let listeners = listeners.collect::<Result<_, _>>()?;
        let smarthosts = settings.smarthosts.iter().map(|smarthost| {
            ClientTls::new(smarthost.tls.clone())
                .map(Arc::new)
                .map_err(|fault| invalid(format!("{}: {fault}", smarthost.address)))
        });
        let smarthosts = smarthosts.collect::<Result<_, _>>()?;
        Ok(Self { certificates, listeners, smarthosts })
    }

    /// For the listener with this place in the configuration.
    pub(crate) fn listener(&self, place: usize) -> Option<Arc<ServerTls>> {
        self.listeners.get(place).cloned().flatten()
    }

    /// For the smarthost with this place in the configuration.
    pub(crate) fn smarthost(&self, place: usize) -> Option<Arc<ClientTls>> {
        self.smarthosts.get(place).cloned()
    }

    /// Looks at the files from now on, in the runtime's threads for what blocks; until nobody
    /// uses what is read from them any more.
    pub(crate) fn watch(&self) {
        let mut look = Look {
            certificates: Arc::downgrade(&self.certificates),
            listeners: self.listeners.iter().flatten().map(Arc::downgrade).collect(),
            smarthosts: self.smarthosts.iter().map(Arc::downgrade).collect(),
            before: Vec::new(),
            told: Vec::new(),
        };
        tokio::spawn(async move {
            let mut since = REMIND;
            loop {
                let remind = since >= REMIND;
                since = if remind { EVERY } else { since + EVERY };
                let looked = tokio::task::spawn_blocking(move || {
                    let alive = look.look();
                    if remind {
                        look.remind();
                    }
                    alive.then_some(look)
                });
                match looked.await {
                    Ok(Some(back)) => look = back,
                    Ok(None) | Err(_) => return,
                }
                tokio::time::sleep(EVERY).await;
            }
        });
    }
}

/// When the handshake of a listener begins, as its server role sees it.
pub(crate) fn starttls(mode: ListenerTls) -> StartTls {
    match mode {
        ListenerTls::Off | ListenerTls::Implicit => StartTls::Off,
        ListenerTls::StartTls => StartTls::Offered,
        ListenerTls::Required => StartTls::Required,
    }
}

struct Look {
    certificates: Weak<Certificates>,
    listeners: Vec<Weak<ServerTls>>,
    smarthosts: Vec<Weak<ClientTls>>,
    /// What was wrong the last time.
    before: Vec<String>,
    /// What is wrong and was told.
    told: Vec<String>,
}

impl Look {
    /// One look; `false` when there is nobody left to look for.
    fn look(&mut self) -> bool {
        let mut alive = false;
        let mut faults = Vec::new();
        if let Some(certificates) = self.certificates.upgrade() {
            alive = true;
            for one in certificates.refresh() {
                match one {
                    proxy::Refreshed::Read(pair) => {
                        let file = pair.files().certificate.display();
                        tracing::info!(%file, "a new certificate is in use");
                        tell_worry(&pair);
                    }
                    proxy::Refreshed::Kept(fault) => faults.push(fault.to_string()),
                }
            }
        }
        for listener in self.listeners.iter().filter_map(Weak::upgrade) {
            alive = true;
            match listener.refresh() {
                Ok(true) => tracing::info!("the authorities of clients were read again"),
                Ok(false) => {}
                Err(fault) => faults.push(fault.to_string()),
            }
        }
        for smarthost in self.smarthosts.iter().filter_map(Weak::upgrade) {
            alive = true;
            match smarthost.refresh() {
                Ok(true) => tracing::info!("the TLS files of a smarthost were read again"),
                Ok(false) => {}
                Err(fault) => faults.push(fault.to_string()),
            }
        }
        self.tell(faults);
        alive
    }

    /// What is there for the second time is told, once.
    fn tell(&mut self, faults: Vec<String>) {
        self.told.retain(|fault| faults.contains(fault));
        for fault in &faults {
            if self.before.contains(fault) && !self.told.contains(fault) {
                tracing::warn!(%fault, "a changed file cannot be used; what was before it still is");
                self.told.push(fault.clone());
            }
        }
        self.before = faults;
    }

    fn remind(&self) {
        if let Some(certificates) = self.certificates.upgrade() {
            for pair in certificates.current().iter() {
                tell_worry(pair);
            }
        }
        for smarthost in self.smarthosts.iter().filter_map(Weak::upgrade) {
            if let Some(worry) = smarthost.worry(now()) {
                tracing::warn!(%worry, "the certificate for a smarthost");
            }
        }
    }
}

fn tell_worry(pair: &proxy::Pair) {
    if let Some(worry) = pair.worry(now()) {
        let file = pair.files().certificate.display();
        tracing::warn!(%file, %worry, "a certificate must be renewed");
    }
}

/// In seconds since 1970.
fn now() -> i64 {
    clock::now().micros() / 1_000_000
}
