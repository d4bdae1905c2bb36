//! Whole sessions with the dialogue written down: transcripts as files, and the byte
//! sequences by which mail is smuggled.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test")]

mod access;
mod end_of_data;
mod evasion;
mod filters;
mod gates;
mod identity;
mod judging;
mod stage;
mod transcripts;
