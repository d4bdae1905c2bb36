//! What is known of one kind of export.

use suppression::{Kind, Scope};

use super::look::Look;
use crate::cell::Domains;

/// One kind of export.
#[derive(Debug)]
pub(crate) struct Provider {
    /// What it is, as people call it: "SendGrid's bounces".
    pub(crate) name: &'static str,
    pub(crate) fits: fn(&Look<'_>) -> bool,
    /// The column of the address, as [`plain`](crate::columns::plain) writes names; the first of
    /// these that is there. None: found as in any list.
    pub(crate) email: &'static [&'static str],
    pub(crate) date: &'static [&'static str],
    pub(crate) reason: &'static [&'static str],
    pub(crate) until: &'static [&'static str],
    /// Columns whose cells `says` is given, in this order; blank where there is none.
    pub(crate) asks: &'static [&'static str],
    /// Columns besides that `says` is given with their names.
    pub(crate) others: fn(&Look<'_>, usize) -> bool,
    /// What a person should know of this list, by its columns.
    pub(crate) remark: fn(&Look<'_>) -> Option<String>,
    /// What a row says, or why it says nothing against mail.
    pub(crate) says: fn(&Clues<'_>, &mut Vec<Said>) -> Result<(), &'static str>,
    /// Whether the columns alone make it certain, or many lists could look so.
    pub(crate) certain: bool,
    /// Whom the rows are about.
    pub(crate) standing: Standing,
    pub(crate) domains: Domains,
    /// The scope of all its rows, from the name of the file.
    pub(crate) scope: fn(&Look<'_>) -> Option<Scope>,
    /// What a person should know of such a list.
    pub(crate) warning: Option<&'static str>,
}

/// Whom the rows of a list are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Those who are not to be mailed, or rows that say of each.
    Out,
    /// People who may be mailed, or nobody knows: as a list of opt-outs it is refused, because of
    /// this.
    In(&'static str),
    /// The same, and no setting makes it a list of opt-outs.
    Never(&'static str),
}

/// The texts of a row that decide what it means.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Clues<'a> {
    /// Of the columns asked for.
    pub(crate) asked: &'a [&'a str],
    /// Names and texts of the other ones.
    pub(crate) others: &'a [(&'a str, &'a str)],
    /// Take even what does not say that it is out: the file is known to hold nobody else.
    pub(crate) everybody: bool,
}

impl<'a> Clues<'a> {
    /// The cell of the column asked for at this place, without spaces around it.
    pub(crate) fn at(&self, place: usize) -> &'a str {
        self.asked.get(place).map_or("", |cell| cell.trim())
    }
}

/// One thing that a row says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    /// None: what the source says of its rows.
    pub(crate) kind: Option<Kind>,
    /// None: what the source is about.
    pub(crate) scope: Option<Scope>,
    /// The row has a word for the kind that is not known.
    pub(crate) odd: bool,
}

impl Said {
    pub(crate) fn of(kind: Kind) -> Self {
        Self { kind: Some(kind), scope: None, odd: false }
    }

    /// What the source says of its rows.
    pub(crate) const fn nothing() -> Self {
        Self { kind: None, scope: None, odd: false }
    }

    /// A word that is not known: the row counts as the source says.
    pub(crate) const fn odd() -> Self {
        Self { kind: None, scope: None, odd: true }
    }

    pub(crate) fn within(self, scope: Option<Scope>) -> Self {
        Self { scope, ..self }
    }
}

/// For providers of which little is special: `..ANY`.
pub(crate) const ANY: Provider = Provider {
    name: "",
    fits: |_| false,
    email: &[],
    date: &[],
    reason: &[],
    until: &[],
    asks: &[],
    others: |_, _| false,
    remark: |_| None,
    says: |_, said| {
        said.push(Said::nothing());
        Ok(())
    },
    certain: true,
    standing: Standing::Out,
    domains: Domains::Never,
    scope: |_| None,
    warning: None,
};

/// Rows that are all of one kind.
pub(crate) fn opt_out(_: &Clues<'_>, said: &mut Vec<Said>) -> Result<(), &'static str> {
    said.push(Said::of(Kind::OptOut));
    Ok(())
}

/// Rows that are all of one kind.
pub(crate) fn complaint(_: &Clues<'_>, said: &mut Vec<Said>) -> Result<(), &'static str> {
    said.push(Said::of(Kind::Complaint));
    Ok(())
}

/// Rows that are all of one kind.
pub(crate) fn undeliverable(_: &Clues<'_>, said: &mut Vec<Said>) -> Result<(), &'static str> {
    said.push(Said::of(Kind::Undeliverable));
    Ok(())
}
