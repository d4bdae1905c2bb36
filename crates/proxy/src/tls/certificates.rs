//! The certificates of this host, chosen by the name the client asks for (RFC 6066 s3).

use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::files::FileFault;
use super::pair::{Pair, PairFiles};

/// The certificates of this host; the first is for clients that ask for no name, or for one that
/// none is for.
#[derive(Debug)]
pub struct Certificates {
    /// What a handshake takes, all of them together.
    current: ArcSwap<Vec<Arc<Pair>>>,
}

impl Certificates {
    /// Reads all of them.
    ///
    /// # Errors
    /// What is wrong with the first file that is wrong.
    pub fn read(files: &[PairFiles]) -> Result<Self, FileFault> {
        let pairs = files.iter().map(|files| Pair::read(files).map(Arc::new));
        Ok(Self { current: ArcSwap::from_pointee(pairs.collect::<Result<_, _>>()?) })
    }

    /// Reads those again whose files have changed. One that cannot be used leaves the one before
    /// it in place, and is told. Blocks: not for the path of a message.
    pub fn refresh(&self) -> Vec<Refreshed> {
        let mut told = Vec::new();
        let pairs = self.current.load_full();
        let next: Vec<Arc<Pair>> = pairs
            .iter()
            .map(|pair| {
                if !pair.has_changed() {
                    return Arc::clone(pair);
                }
                match Pair::read(pair.files()) {
                    Ok(new) => {
                        let new = Arc::new(new);
                        told.push(Refreshed::Read(Arc::clone(&new)));
                        new
                    }
                    Err(fault) => {
                        told.push(Refreshed::Kept(fault));
                        Arc::clone(pair)
                    }
                }
            })
            .collect();
        if told.iter().any(|one| matches!(one, Refreshed::Read(_))) {
            self.current.store(Arc::new(next));
        }
        told
    }

    /// Those that are in use now.
    pub fn current(&self) -> Arc<Vec<Arc<Pair>>> {
        self.current.load_full()
    }
}

/// What became of a file that has changed.
#[derive(Debug)]
pub enum Refreshed {
    /// It is in use.
    Read(Arc<Pair>),
    /// It cannot be used; the one before it still is.
    Kept(FileFault),
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let pairs = self.current.load();
        let name = hello.server_name().unwrap_or_default();
        // One for the very name before one with a star; then one whose key the client can check;
        // then the first.
        let mut best: Option<(&Arc<Pair>, (u8, bool))> = None;
        for pair in pairs.iter() {
            let usable = pair.key.key.choose_scheme(hello.signature_schemes()).is_some();
            let rank = (pair.identity.fits(name), usable);
            if best.is_none_or(|(_, before)| rank > before) {
                best = Some((pair, rank));
            }
        }
        best.map(|(pair, _)| Arc::clone(&pair.key))
    }
}
