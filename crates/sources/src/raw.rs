//! The texts of a row, before anything is made of them.

use crate::plan::Plan;
use crate::recognise::Clues;

/// The texts of a row.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Raw<'a> {
    pub(crate) line: u64,
    /// Cells with addresses; of CSV one, of XML as many as there are.
    pub(crate) emails: &'a [&'a str],
    pub(crate) date: &'a str,
    pub(crate) reason: &'a str,
    /// Of the column that a setting names for it.
    pub(crate) kind: &'a str,
    /// Of the column that a setting names for it.
    pub(crate) scope: &'a str,
    pub(crate) until: &'a str,
    /// What the provider asks for.
    pub(crate) clues: Clues<'a>,
}

/// A record with cells.
pub(crate) trait Cells {
    /// The text of a cell, empty where there is none. `scratch` is room for what must be changed
    /// in it.
    fn cell<'c>(&'c self, at: usize, scratch: &'c mut Vec<u8>) -> &'c [u8];

    /// Whether nothing but white space is in a cell.
    fn is_blank(&self, at: usize) -> bool;
}

/// Room for the cells of one record.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    email: String,
    date: String,
    reason: String,
    kind: String,
    scope: String,
    until: String,
    asked: Vec<String>,
    others: Vec<String>,
    scratch: Vec<u8>,
}

impl Texts {
    /// Takes the cells that count. False where the address is not valid in its encoding; of the
    /// others that costs nobody the row.
    pub(crate) fn fill(&mut self, plan: &Plan, cells: &impl Cells) -> bool {
        let mut filled = |columns: &[usize], text: &mut String| {
            last_filled(cells, columns, &mut self.scratch, text)
        };
        filled(&plan.date, &mut self.date);
        filled(&plan.reason, &mut self.reason);
        filled(&plan.kind, &mut self.kind);
        filled(&plan.scope, &mut self.scope);
        filled(&plan.until, &mut self.until);
        self.asked.resize_with(plan.asked.len(), String::new);
        for (columns, text) in plan.asked.iter().zip(&mut self.asked) {
            filled(columns, text);
        }
        self.others.resize_with(plan.others.len(), String::new);
        for ((_, column), text) in plan.others.iter().zip(&mut self.others) {
            filled(&[*column], text);
        }
        filled(&plan.email, &mut self.email)
    }

    /// Whether the row is about anybody.
    pub(crate) fn has_email(&self) -> bool {
        !self.email.trim().is_empty()
    }

    /// Gives them as a row.
    pub(crate) fn with_raw<T>(
        &self,
        line: u64,
        plan: &Plan,
        take: impl FnOnce(&Raw<'_>) -> T,
    ) -> T {
        let asked: Vec<_> = self.asked.iter().map(String::as_str).collect();
        let names = plan.others.iter().map(|(name, _)| name.as_str());
        let others: Vec<_> = names.zip(self.others.iter().map(String::as_str)).collect();
        take(&Raw {
            line,
            emails: &[&self.email],
            date: &self.date,
            reason: &self.reason,
            kind: &self.kind,
            scope: &self.scope,
            until: &self.until,
            clues: Clues { asked: &asked, others: &others, everybody: plan.everybody },
        })
    }
}

/// Of columns that share a name, the last that is not empty. False where it is not valid in its
/// encoding, and `text` is what could be made of it.
fn last_filled(
    cells: &impl Cells,
    columns: &[usize],
    scratch: &mut Vec<u8>,
    text: &mut String,
) -> bool {
    text.clear();
    let Some(at) = columns.iter().rev().find(|at| !cells.is_blank(**at)) else { return true };
    let bytes = cells.cell(*at, scratch);
    match str::from_utf8(bytes) {
        Ok(cell) => {
            text.push_str(cell);
            true
        }
        Err(_) => {
            text.push_str(&String::from_utf8_lossy(bytes));
            false
        }
    }
}
