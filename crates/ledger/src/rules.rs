//! Which rules of address equality the person digests were made by.
//!
//! A stored opt-out is the hash of what the rules made of an address. Under other rules the same
//! person has another hash, and the stored opt-out is not found: mail would go out. So the ledger
//! keeps the rules as one line, and its owner compares them at every start.

use rusqlite::OptionalExtension;

use crate::error::LedgerError;
use crate::ledger::Ledger;

impl Ledger {
    /// The rules kept with this ledger; none before the first [`Ledger::keep_rules`].
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn rules(&self) -> Result<Option<String>, LedgerError> {
        self.connection
            .query_row("SELECT value FROM meta WHERE name = 'person_rules'", (), |row| row.get(0))
            .optional()
            .map_err(|error| self.fault(error))
    }

    /// Keeps `rules` where none are kept yet or where there are no entries, and otherwise compares.
    ///
    /// # Errors
    /// [`LedgerError::RulesChanged`] when entries were made by other rules; nothing was changed.
    pub fn keep_rules(&mut self, rules: &str) -> Result<(), LedgerError> {
        let kept = self.rules()?;
        if kept.as_deref() == Some(rules) {
            return Ok(());
        }
        match kept {
            Some(kept) if self.head()?.position > 0 => Err(LedgerError::RulesChanged {
                path: self.path.clone(),
                kept,
                wanted: rules.to_owned(),
            }),
            _ => self.replace_rules(rules),
        }
    }

    /// Keeps `rules` whatever was kept before: for an owner that has made the entries findable
    /// under them.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn replace_rules(&mut self, rules: &str) -> Result<(), LedgerError> {
        self.connection
            .execute(
                "INSERT OR REPLACE INTO meta (name, value) VALUES ('person_rules', ?1)",
                [rules],
            )
            .map(|_| ())
            .map_err(|error| self.fault(error))
    }
}
