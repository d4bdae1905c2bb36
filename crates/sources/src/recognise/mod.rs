//! Which program a list comes from, and so what its rows mean: a table of providers, each known by
//! the names of its columns (or members), by its words where it has no header, or by the name of
//! its file.
//!
//! An export is told apart from a list of one's own only where it shows itself as such; what is
//! recognised is said before anything is written. What a setting says goes before it. The record
//! is abstract here, names of columns and texts of cells, so that a CSV file, a JSON document, a
//! workbook and a table of a database are the same.

mod amazon;
mod automation;
mod brevo;
mod look;
mod mailchimp;
mod mailgun;
mod plain_lists;
mod platforms;
mod postmark;
mod provider;
mod refused;
mod sendgrid;
mod sparkpost;
mod table;
mod words;

pub(crate) use look::Look;
pub(crate) use provider::{Clues, Provider, Said, Standing};
pub(crate) use refused::{Seen, Signs, is_flag};
pub(crate) use table::recognise;
pub(crate) use words::{Word, kind, scope, yes};
