//! A list in files: another one than before?

use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use sources::{Inputs, InputsStamp};
use suppression::Timestamp;

use super::brought::{Bringing, Brought, Content, Wish};
use super::failed::Failed;
use super::schedule::Retry;
use crate::clock;

/// The files of one source.
#[derive(Debug)]
pub(super) struct Files {
    path: PathBuf,
    /// As last tried; none before the first try.
    tried: Option<InputsStamp>,
    /// What is being tried.
    trying: Option<InputsStamp>,
    /// Whether it was told that they are away.
    missing: bool,
    /// After a failure that another right, or another disk, may have ended.
    retry: Retry,
}

/// The longest until files that could not be read are tried again as they are.
const LONGEST: Duration = Duration::from_secs(3600);

impl Files {
    pub(super) fn new(path: &Path) -> Self {
        let path = path.to_owned();
        Self { path, tried: None, trying: None, missing: false, retry: Retry::default() }
    }

    /// They are looked at as if for the first time.
    pub(super) fn forget(&mut self) {
        *self = Self::new(&self.path);
    }

    /// Whether they are others than those last tried.
    pub(super) fn is_changed(&self) -> bool {
        match Inputs::stamp(&self.path) {
            Ok(stamp) => {
                self.missing || self.tried != Some(stamp) || self.retry.is_due(clock::instant())
            }
            Err(_) => !self.missing,
        }
    }

    /// Opens them, if they are others than those last tried.
    pub(super) fn bring(&mut self, wish: Wish, now: Timestamp) -> Bringing {
        let stamp = match Inputs::stamp(&self.path) {
            Ok(stamp) => stamp,
            Err(_) if self.missing && wish == Wish::Due => return Ok(Brought::Untouched),
            Err(error) => {
                self.missing = true;
                return Err(Failed::Wrong(error.to_string()));
            }
        };
        let again = self.missing || self.retry.is_due(clock::instant());
        if self.tried == Some(stamp) && !again && wish == Wish::Due {
            return Ok(Brought::Untouched);
        }
        self.missing = false;
        self.trying = Some(stamp);
        let written = stamp.written.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        let written = written.map(|since| i64::try_from(since.as_micros()).unwrap_or(i64::MAX));
        Ok(Brought::Whole(Content {
            inputs: Inputs::at(&self.path)?,
            // An empty folder is of now.
            written: written.unwrap_or_else(|| now.micros()),
            length: stamp.length,
            cursor: None,
            columns: Vec::new(),
        }))
    }

    /// What was brought was read, or could not be: the same again need not be tried, or not soon.
    pub(super) fn settled(&mut self, failed: bool) {
        if let Some(trying) = self.trying.take() {
            if !failed || self.tried != Some(trying) {
                self.retry = Retry::default();
            }
            if failed {
                self.retry.failed(clock::instant(), LONGEST);
            }
            self.tried = Some(trying);
        }
    }
}
