//! Reading the crate table: the first table of ARCHITECTURE.md whose header has
//! the columns `floor`, `crate`, `uses` and `tokio`.
//!
//! It is the table that people read, not a copy of it for the machine, so that
//! there is nothing to keep in step.

use anyhow::{Context, Result, bail};

/// One row: what a crate may use.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) name: String,
    /// `None` for `–`: it stands beside the house.
    pub(super) floor: Option<u32>,
    pub(super) uses: Uses,
    pub(super) tokio: Tokio,
}

/// The column `uses`.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Uses {
    /// `all below`
    AllBelow,
    /// Names, or `–` for none.
    Listed(Vec<String>),
}

/// The column `tokio`.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Tokio {
    Yes,
    No,
    /// `–`: not asked, because no product is built from it.
    NotAsked,
}

impl Row {
    pub(super) fn allows(&self, used: &str) -> bool {
        match &self.uses {
            Uses::AllBelow => true,
            Uses::Listed(names) => names.iter().any(|name| name == used),
        }
    }

    /// Whether the crate itself is there for tests only.
    pub(super) fn only_for_tests(&self) -> bool {
        self.floor.is_none()
    }
}

pub(super) fn find<'a>(rows: &'a [Row], name: &str) -> Option<&'a Row> {
    rows.iter().find(|row| row.name == name)
}

/// Reads the table out of the text of ARCHITECTURE.md.
pub(super) fn parse(text: &str) -> Result<Vec<Row>> {
    let mut lines = text.lines();
    let columns = lines
        .by_ref()
        .find_map(Columns::of)
        .context("ARCHITECTURE.md has no table with the columns floor, crate, uses and tokio")?;
    // The first line below the header is the rule `| --- | --- |`.
    let rows: Vec<Row> = lines
        .skip(1)
        .take_while(|line| line.starts_with('|'))
        .map(|line| columns.row(line).with_context(|| format!("cannot read the row {line}")))
        .collect::<Result<_>>()?;
    if rows.is_empty() {
        bail!("the crate table of ARCHITECTURE.md is empty");
    }
    Ok(rows)
}

/// Where in the header each column stands.
struct Columns {
    floor: usize,
    name: usize,
    uses: usize,
    tokio: usize,
}

impl Columns {
    fn of(header: &str) -> Option<Self> {
        let cells = cells(header);
        let at = |title: &str| cells.iter().position(|cell| *cell == title);
        Some(Self {
            floor: at("floor")?,
            name: at("crate")?,
            uses: at("uses")?,
            tokio: at("tokio")?,
        })
    }

    fn row(&self, line: &str) -> Result<Row> {
        let cells = cells(line);
        let cell = |index: usize| cells.get(index).copied().context("a cell is missing");
        let floor = match cell(self.floor)? {
            "–" => None,
            number => Some(number.parse().context("floor is neither a number nor –")?),
        };
        let uses = match cell(self.uses)? {
            "–" => Uses::Listed(Vec::new()),
            "all below" => Uses::AllBelow,
            names => Uses::Listed(names.split(',').map(plain).collect()),
        };
        let tokio = match plain(cell(self.tokio)?).trim_matches('*') {
            "yes" => Tokio::Yes,
            "no" => Tokio::No,
            "–" => Tokio::NotAsked,
            other => bail!("tokio is {other}, but must be yes, no or –"),
        };
        Ok(Row { name: plain(cell(self.name)?), floor, uses, tokio })
    }
}

fn cells(line: &str) -> Vec<&str> {
    line.trim().trim_matches('|').split('|').map(str::trim).collect()
}

/// A cell without the back-ticks around a name.
fn plain(cell: &str) -> String {
    cell.trim().trim_matches('`').to_owned()
}
