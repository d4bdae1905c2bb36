//! A list on a web server: is it another page than before?
//!
//! By which the server knows its page again (RFC 9110 s8.8) is noted together with what was read
//! of it, and asked with. A server that knows nothing of it sends the page each time; then its
//! content is compared.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use ledger::SourceState;
use serde::{Deserialize, Serialize};
use sources::{Fetched, Input, Inputs, Page, Validators, WebAccess, fetch};
use suppression::Timestamp;

use super::brought::{Bringing, Brought, Content, Wish};
use super::puller::until_stopped;

/// The page of one source.
pub(super) struct Web {
    pub(super) access: WebAccess,
    /// Where it is put down, beside the ledger.
    pub(super) folder: PathBuf,
    /// Stands for the page and what it means.
    pub(super) of: String,
}

/// What is noted with the state of a source.
#[derive(Serialize, Deserialize)]
struct Noted {
    of: String,
    etag: Option<String>,
    modified: Option<String>,
}

impl Web {
    /// Fetches the page, unless it is the one that was read last.
    pub(super) fn bring(
        &mut self,
        known: &SourceState,
        wish: Wish,
        began: Timestamp,
        stop: &AtomicBool,
    ) -> Bringing {
        let validators = if wish == Wish::All { None } else { self.validators(known) };
        let validators = validators.unwrap_or_default();
        match until_stopped(stop, fetch(&self.access, &validators, &self.folder))?? {
            Fetched::NotModified => {
                // Without a date of its own it is as old as the server's word for it.
                let dated = validators.written().is_some();
                Ok(Brought::Same { written: (!dated).then_some(began.micros()) })
            }
            Fetched::Page(Page { file, bytes, name, validators }) => {
                // Without a date of its own a page is of now.
                let written = validators.written().unwrap_or(began).micros();
                let Validators { etag, modified } = validators;
                let noted = Noted { of: self.of.clone(), etag, modified };
                let named = if name.is_empty() { "the page" } else { name.as_str() };
                Ok(Brought::Whole(Content {
                    inputs: Inputs::one(Input::opened(Path::new(named), file)?),
                    written,
                    unsettled: false,
                    length: bytes,
                    cursor: serde_json::to_string(&noted).ok(),
                    columns: Vec::new(),
                }))
            }
        }
    }

    /// By which the server knows the page that was read last, if what was read still stands.
    fn validators(&self, known: &SourceState) -> Option<Validators> {
        let stands = known.last_success.is_some() && known.fingerprint.is_some();
        let text = known.cursor.as_deref().filter(|_| stands)?;
        let Noted { of, etag, modified } = serde_json::from_str(text).ok()?;
        (of == self.of).then_some(Validators { etag, modified })
    }
}
