//! Where a source is looked for, and when.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use ledger::SourceState;
use sources::WebAccess;
use suppression::Timestamp;

use super::brought::{Bringing, Wish};
use super::files::Files;
use super::meaning::question;
use super::puller::{Database, Puller};
use super::schedule::Schedule;
use super::table::Table;
use super::web::Web;
use crate::clock;
use crate::config::{Place, SourceSettings, SyncSettings};

/// Most bytes of a list from a web server.
const PAGE_MAX: u64 = 4 << 30;

/// Where a source is looked for, and when.
pub(super) struct Feed {
    place: At,
    /// When it is asked, what cannot tell that it has changed.
    schedule: Schedule,
    every: Duration,
}

enum At {
    Files(Files),
    Table(Box<Table>),
    Web(Box<Web>),
}

impl Feed {
    /// For a source; what comes over a network is put down in this folder.
    pub(super) fn of(source: &SourceSettings, sync: &SyncSettings, folder: &Path) -> Self {
        let place = match &source.place {
            Place::Files(path) => At::Files(Files::new(path, source.max_age.is_some())),
            Place::Database(access, question) => {
                let database = Database { access: access.clone(), question: question.clone() };
                return Self::pulled(source, sync, folder, Box::new(database));
            }
            Place::Url { url, user, password, tls, timeout } => At::Web(Box::new(Web {
                access: WebAccess {
                    url: url.clone(),
                    user: user.clone(),
                    password: password.clone(),
                    tls: tls.clone(),
                    timeout: *timeout,
                    limit: PAGE_MAX,
                },
                folder: folder.to_owned(),
                of: question(source, sync),
            })),
        };
        Self::at(place, sync)
    }

    /// A table whose rows somebody else brings.
    pub(super) fn pulled(
        source: &SourceSettings,
        sync: &SyncSettings,
        folder: &Path,
        puller: Box<dyn Puller>,
    ) -> Self {
        let (name, of) = (source.at(), question(source, sync));
        let (sync_settings, folder) = (sync.clone(), folder.to_owned());
        let table = Table { puller, sync: sync_settings, name, folder, of };
        Self::at(At::Table(Box::new(table)), sync)
    }

    fn at(place: At, sync: &SyncSettings) -> Self {
        let every = sync.every;
        Self { place, schedule: Schedule::new(every, clock::instant()), every }
    }

    /// What was read stands no longer: it is looked at as if for the first time.
    pub(super) fn forget(&mut self) {
        if let At::Files(files) = &mut self.place {
            files.forget();
        }
    }

    /// Whether there is something to do.
    pub(super) fn is_due(&self) -> bool {
        match &self.place {
            At::Files(files) => files.is_changed(),
            At::Table(_) | At::Web(_) => self.schedule.is_due(clock::instant()),
        }
    }

    /// How long there is nothing to do, if nobody tells.
    pub(super) fn wait(&self) -> Duration {
        match &self.place {
            At::Files(_) => self.every,
            At::Table(_) | At::Web(_) => self.schedule.wait(clock::instant()),
        }
    }

    /// Brings what is wanted of it, if it is another one than what is known of it.
    pub(super) fn bring(
        &mut self,
        known: &SourceState,
        wish: Wish,
        began: Timestamp,
        stop: &AtomicBool,
    ) -> Bringing {
        match &mut self.place {
            At::Files(files) => files.bring(wish, began),
            At::Table(table) => table.bring(known, wish, began, stop),
            At::Web(web) => web.bring(known, wish, began, stop),
        }
    }

    /// What was read may be half of it: it is read again, soon.
    pub(super) fn again_at_rest(&mut self) {
        if let At::Files(files) = &mut self.place {
            files.again_at_rest();
        }
    }

    /// What was brought was read, or could not be.
    pub(super) fn settled(&mut self, failed: bool) {
        let now = clock::instant();
        match (&mut self.place, failed) {
            (At::Files(files), failed) => files.settled(failed),
            (At::Table(_) | At::Web(_), true) => self.schedule.failed(now),
            (At::Table(_) | At::Web(_), false) => self.schedule.succeeded(now),
        }
    }
}
