//! Outside lists, read row by row into entries.
//!
//! What a user has in hand is an export of some other program, with the dirt of the real world in
//! it (`list-formats.md`). A [`List`] finds out how it is laid out, counts what is in it without
//! believing it ([`List::check`]), lets the guards judge ([`judge`]), and then hands out the rows
//! ([`List::read`]). One bad row is counted and reported, never a reason to stop and never
//! dropped silently; a file that cannot be understood at all is an error that names the place.
//!
//! Synchronous, in bounded memory whatever the file is. Time is a parameter.

mod access_map;
mod archive;
mod cell;
mod columns;
mod csv;
mod declared;
mod detect;
mod error;
mod examine;
mod guard;
mod http;
mod input;
mod inputs;
mod json;
mod layout;
mod list;
mod located;
mod markup;
mod meaning;
mod objects;
mod opening;
mod part;
mod path;
mod plan;
mod progress;
mod raw;
mod reader;
mod recognise;
mod record;
mod records;
mod remote;
mod report;
mod row;
mod rows;
mod scout;
mod sheet;
mod shown;
mod sniff;
mod spec;
mod spec_error;
mod spool;
mod statement;
mod survey;
mod table;
mod text;
mod unpack;
mod when;
mod workbook;

pub use error::{Place, SourceError};
pub use guard::{Guards, Refusal, Share, judge};
pub use http::{Fetched, Page, Validators, WebAccess, fetch};
pub use input::Input;
pub use inputs::{Inputs, InputsStamp};
pub use list::List;
pub use path::{FieldPath, RecordPath};
pub use progress::{Phase, Progress};
pub use remote::{
    Access, Connection, Engine, Found, Listener, Mark, Password, Pulled, Question, RemoteError,
    Since, Tls, check_question, pull, web_client,
};
pub use report::{BadRow, Fault, FileRows, Report, Tally, mask};
pub use row::{Row, Who};
pub use spec::{
    AccessMapSpec, Charset, Column, Columns, CsvSpec, Delimiter, Format, JsonSpec, Spec, XlsxSpec,
    XmlSpec,
};
pub use spec_error::SpecError;
pub use spool::{Spool, SpoolReader, SpoolWriter};
pub use statement::Statement;
