//! Lists that are asked live: a database is asked about each recipient, while its client waits.
//!
//! | file | what it does |
//! | --- | --- |
//! | `lists.rs` | all of them at once: who is asked about whom, and the answers from all that is known |
//! | `source.rs` | one list: what is asked, and what rows mean |
//! | `pool.rs` | its connections |
//! | `breaker.rs` | not asking a list that keeps failing |
//! | `cache.rs` | what it said a moment ago |
//! | `consultant.rs` | the same for those who block: `why`, `judge`, `replay` |
//!
//! What a list says becomes facts among those of the index, so that dates, widths and consents
//! decide as they always do. What it does not say in time makes unknown what it could have
//! changed, and the client is told to come again: no way out of here is a permit that nobody
//! gave.

mod breaker;
mod cache;
mod consultant;
mod figures;
mod line;
mod lists;
mod pool;
mod source;

pub use consultant::Consultant;
pub use figures::LiveLine;
pub use lists::{AskedLists, Consulted, LiveSources};
pub(crate) use source::Told;

#[cfg(test)]
mod tests;
