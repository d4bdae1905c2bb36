//! A list in a database: which rows of it are asked for, and up to where it was read.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use ledger::SourceState;
use sources::{Inputs, Since};
use suppression::Timestamp;

use super::brought::{Bringing, Brought, Content, Wish};
use super::marks::Marks;
use super::puller::Puller;
use crate::clock;
use crate::config::SyncSettings;

/// The table of one source.
pub(super) struct Table {
    pub(super) puller: Box<dyn Puller>,
    pub(super) sync: SyncSettings,
    /// For messages.
    pub(super) name: String,
    /// Where rows are put down, beside the ledger.
    pub(super) folder: PathBuf,
    /// Stands for the question and what its answers mean.
    pub(super) of: String,
}

impl Table {
    /// Brings all rows, or those that may be new.
    pub(super) fn bring(
        &mut self,
        known: &SourceState,
        wish: Wish,
        began: Timestamp,
        stop: &AtomicBool,
    ) -> Bringing {
        let Some(column) = self.sync.watermark.clone() else {
            let (_, spool) = self.puller.pull(None, &self.folder, stop)?;
            return Ok(Brought::Whole(self.content(spool, None)));
        };
        // What was read no longer stands, and its marks with it.
        let stands = known.last_success.is_some() && known.fingerprint.is_some();
        let cursor = known.cursor.as_deref().filter(|_| stands);
        // Asked before it is read: one that is replaced meanwhile is read whole the next time.
        let of = match self.puller.file() {
            Some(file) => format!("{} {file}", self.of),
            None => self.of.clone(),
        };
        let before = Marks::read(cursor, &of);
        let from = match wish {
            Wish::All => None,
            Wish::Due | Wish::New => before.as_ref().and_then(|m| m.from(began, &self.sync)),
        };
        let since = Since { column, from };
        let (pulled, spool) = self.puller.pull(Some(&since), &self.folder, stop)?;
        let (from, times) = (since.from.as_ref(), (began, clock::now()));
        let after = Marks::after(before, &of, from, times, pulled.mark, self.sync.overlap);
        let cursor = after.and_then(|marks| marks.to_text());
        Ok(match (from, pulled.rows) {
            (None, _) => Brought::Whole(self.content(spool, cursor)),
            (Some(_), 0) => Brought::NothingNew(cursor),
            (Some(_), _) => Brought::Part(self.content(spool, cursor)),
        })
    }

    fn content(&self, spool: sources::Spool, cursor: Option<String>) -> Content {
        let length = spool.bytes();
        let columns = spool.reader().map(|reader| reader.columns().to_vec()).unwrap_or_default();
        // A table is as old as its last reading.
        let written = clock::now().micros();
        let inputs = Inputs::spool(&self.name, spool);
        Content { inputs, written, unsettled: false, length, cursor, columns }
    }
}
