//! A list in files: another one than before?

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

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
    /// Its age counts from the oldest of them: each is to be written anew before `max_age`.
    by_oldest: bool,
    /// As last tried; none before the first try.
    tried: Option<InputsStamp>,
    /// What is being tried.
    trying: Option<InputsStamp>,
    /// Whether it was told that they are away.
    missing: bool,
    /// After a failure that another right, or another disk, may have ended.
    retry: Retry,
    /// When what was read while somebody may have been writing to it is read again.
    again: Option<Instant>,
}

/// How long ago a file was written last that nobody is at any more.
pub(super) const AT_REST: Duration = Duration::from_secs(3);
/// The clock of a file server may be ahead of ours by this.
const AHEAD: Duration = Duration::from_secs(60);

/// The longest until files that could not be read are tried again as they are.
const LONGEST: Duration = Duration::from_secs(3600);

impl Files {
    pub(super) fn new(path: &Path, by_oldest: bool) -> Self {
        let (path, retry) = (path.to_owned(), Retry::default());
        Self { path, by_oldest, tried: None, trying: None, missing: false, retry, again: None }
    }

    /// They are looked at as if for the first time.
    pub(super) fn forget(&mut self) {
        *self = Self::new(&self.path, self.by_oldest);
    }

    /// Whether they are others than those last tried.
    pub(super) fn is_changed(&self) -> bool {
        match Inputs::stamp(&self.path) {
            Ok(stamp) => self.missing || self.tried != Some(stamp) || self.is_time(),
            Err(_) => !self.missing,
        }
    }

    fn is_time(&self) -> bool {
        let now = clock::instant();
        self.retry.is_due(now) || self.again.is_some_and(|at| now >= at)
    }

    /// What was read is to be read again when nobody can be at it any more.
    pub(super) fn again_at_rest(&mut self) {
        self.again = Some(clock::instant() + AT_REST);
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
        let again = self.missing || self.is_time();
        if self.tried == Some(stamp) && !again && wish == Wish::Due {
            return Ok(Brought::Untouched);
        }
        self.missing = false;
        self.again = None;
        self.trying = Some(stamp);
        let as_of = if self.by_oldest { stamp.oldest } else { stamp.written };
        Ok(Brought::Whole(Content {
            inputs: Inputs::at(&self.path)?,
            // An empty folder is of now.
            written: as_of.and_then(micros).unwrap_or_else(|| now.micros()),
            unsettled: stamp.written.and_then(micros).is_some_and(|written| is_fresh(written, now)),
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

/// Whether nobody is writing to these files, as far as one can see.
pub(super) fn is_at_rest(path: &Path, now: Timestamp) -> bool {
    let written = Inputs::stamp(path).ok().and_then(|stamp| stamp.written).and_then(micros);
    !written.is_some_and(|written| is_fresh(written, now))
}

fn micros(at: SystemTime) -> Option<i64> {
    let since = at.duration_since(UNIX_EPOCH).ok()?;
    Some(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// Whether a file that was written then may still be written to.
fn is_fresh(written: i64, now: Timestamp) -> bool {
    let micros = |span: Duration| i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
    let age = now.micros().saturating_sub(written);
    (-micros(AHEAD)..micros(AT_REST)).contains(&age)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_written_this_moment_may_still_be_written_to() {
        let now: Timestamp = "2026-03-02T00:00:00Z".parse().unwrap();
        for (seconds, fresh) in [(-61, false), (-59, true), (0, true), (2, true), (3, false)] {
            assert_eq!(is_fresh(now.micros() - seconds * 1_000_000, now), fresh, "{seconds}");
        }
    }
}
