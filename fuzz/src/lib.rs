//! Fuzz targets: plain functions over bytes that panic when an invariant does not hold.
//!
//! One file each, one function of the same name, one folder of seeds in `corpus/`, one entry for
//! libFuzzer in `targets/`. A target that compares with something (an oracle written in another
//! way, an inverse) finds what one that only waits for a crash cannot.
//!
//! - As a test, on every machine: `cargo test -p fuzz` runs each over its seeds and over a fixed
//!   number of mutations of them, the same in every run.
//! - With libFuzzer: `cargo +nightly fuzz run --fuzz-dir fuzz --features libfuzzer data`.
//!   What it finds goes into `corpus/` under a name that says what went wrong.

mod access_map;
mod address;
mod change;
mod command;
mod content;
mod csv;
mod cut;
mod data;
#[cfg(test)]
mod exercise;
mod json;
mod line;
mod list;
mod milter;
mod packed;
mod reply;
mod sections;
mod session;
mod xml;

pub use self::access_map::access_map;
pub use self::address::address;
pub use self::csv::csv;
pub use self::milter::milter;
pub use change::change;
pub use command::command;
pub use content::content;
pub use data::data;
pub use json::json;
pub use line::line;
pub use packed::packed;
pub use reply::reply;
pub use sections::sections;
pub use session::session;
pub use xml::xml;
