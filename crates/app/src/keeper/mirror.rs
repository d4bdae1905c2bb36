//! Taking back what a mirrored source no longer names, batch by batch, so that an `optout add`
//! waits for one of them and not for all (DESIGN s7).

use std::sync::atomic::{AtomicBool, Ordering};

use ledger::{BatchSize, Named};

use super::thread::Keeper;
use crate::clock;
use crate::error::AppError;

/// What was taken back of a mirrored source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gone {
    /// Rows that no longer stand.
    pub rows: u64,
    /// It was ended before the last of them. The next full reading takes the rest back.
    pub stopped: bool,
}

impl Keeper {
    /// Takes back every row of a source that a reading of all of it has not named, and returns
    /// when the index goes by it.
    ///
    /// The order is: record what the list says with
    /// [`Desk::append_mirrored`](super::Desk::append_mirrored), noting each
    /// [`Appended`](ledger::Appended) in `named`; then, if the reading came to its end and is
    /// believed, this; and only then, if it was not stopped, note the reading in the state of the
    /// source. Whatever happens in between, too many are out and not too few, and the same list
    /// is read again.
    ///
    /// # Errors
    /// What the ledger says. What was taken back before stays so.
    pub fn take_back_missing(
        &self,
        source: &str,
        named: Named,
        stop: &AtomicBool,
    ) -> Result<Gone, AppError> {
        let name = source.to_owned();
        let mut missing = self.submit(move |desk| desk.missing(&name, &named))?.wait()?;
        let (mut size, mut gone) = (BatchSize::new(), Gone::default());
        while !missing.is_empty() {
            if stop.load(Ordering::Acquire) {
                gone.stopped = true;
                break;
            }
            let limit = size.rows();
            let done = self.submit(move |desk| {
                let start = clock::instant();
                let rows = desk.withdraw_missing(clock::now(), &mut missing, limit)?;
                Ok((missing, rows, start.elapsed()))
            })?;
            let (left, rows, took) = done.wait()?;
            missing = left;
            gone.rows += rows;
            size.learn(limit, took);
        }
        Ok(gone)
    }
}
