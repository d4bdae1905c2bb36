//! A message as a whole: its header block, its parts, and changes to it.
//!
//! What a relay must do while a message streams by (RFC 5321) is done where it streams; this is
//! for whoever looks at fields and texts: the gates over header and content, what a filter wants
//! changed, what is signed. Nothing here knows a policy, a socket or a clock.

mod change;
pub mod content;
mod decoded;
mod header;
mod list_unsubscribe;
mod section_reader;
mod sections;
mod signature;

pub use change::{Change, ChangeError, apply};
pub use content::Content;
pub use header::{Field, Header, continues_field, field_line};
pub use list_unsubscribe::{OneClickFault, check_one_click, list_uris};
pub use section_reader::{FIELD_MAX, Section, SectionReader};
pub use sections::{FieldLines, Sections};
pub use signature::signed_fields;
