//! What the gate signs with, and the look at its keys' files.

use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::time::Duration;

use proxy::Signer;

use crate::config::{DkimSettings, Settings};
use crate::dkim::{Refreshed, Signatures, SigningDomain};
use crate::error::AppError;

/// How often the files are looked at.
const EVERY: Duration = Duration::from_secs(5);

/// The signatures of one configuration, in its order, each with the listeners it is for.
pub(crate) struct DkimParts(Vec<(Arc<SigningDomain>, DkimSettings)>);

impl DkimParts {
    /// Reads the keys.
    ///
    /// # Errors
    /// What is wrong with which file.
    pub(crate) fn read(settings: &Settings) -> Result<Self, AppError> {
        let all = settings.dkim.iter().map(|one| {
            let signing = SigningDomain::read(one.signing.clone());
            let signing = signing.map_err(|fault| AppError::Input(fault.to_string()))?;
            Ok((Arc::new(signing), one.clone()))
        });
        Ok(Self(all.collect::<Result<_, AppError>>()?))
    }

    /// Who signs the mail of a listener; `None`: nobody.
    pub(crate) fn signer(&self, listener: SocketAddr) -> Option<Arc<dyn Signer>> {
        let own = self.0.iter().filter(|(_, said)| said.is_for(listener));
        let own: Vec<_> = own.map(|(signing, _)| Arc::clone(signing)).collect();
        (!own.is_empty()).then(|| Arc::new(Signatures(own)) as Arc<dyn Signer>)
    }

    /// Looks at the files from now on, until nobody signs with what was read from them.
    pub(crate) fn watch(&self) {
        let mut all: Vec<_> = self.0.iter().map(|(signing, _)| Arc::downgrade(signing)).collect();
        if all.is_empty() {
            return;
        }
        tokio::spawn(async move {
            let mut told = Vec::new();
            loop {
                tokio::time::sleep(EVERY).await;
                let looked = tokio::task::spawn_blocking(move || {
                    let faults = look(&all, &told);
                    (all, faults)
                });
                match looked.await {
                    Ok((back, faults)) => (all, told) = (back, faults),
                    Err(_) => return,
                }
                if all.iter().all(|one| one.strong_count() == 0) {
                    return;
                }
            }
        });
    }
}

/// One look; what cannot be used. What was told before is not told again.
fn look(all: &[Weak<SigningDomain>], told: &[String]) -> Vec<String> {
    let mut faults = Vec::new();
    for one in all.iter().filter_map(Weak::upgrade) {
        let settings = one.settings();
        match one.refresh() {
            Refreshed::Same => {}
            Refreshed::Read => {
                let (domain, selector) = (&settings.domain, &settings.selector);
                tracing::info!(%domain, %selector, "a new DKIM key is in use");
            }
            Refreshed::Kept(fault) => faults.push(fault.to_string()),
        }
    }
    for fault in faults.iter().filter(|fault| !told.contains(fault)) {
        tracing::warn!(%fault, "a changed file cannot be used; what was before it still is");
    }
    faults
}
