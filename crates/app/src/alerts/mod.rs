//! Telling somebody: the lists grow stale, mail is deferred, the smarthost is down.
//!
//! A gate that defers does what it should, and nobody notices until the mail is missed. So
//! troubles are told the moment they begin, and that they are over; once, and again each day as
//! long as they last. What is told and when is [`memory`]'s; how it is brought to people is for
//! [`command`], [`webhook`] and [`mail`]. A thread of its own does all of it, so that no session
//! and no list waits for it: what comes faster than it can be told is dropped, not queued.

mod command;
mod mail;
mod memory;
mod teller;
mod trouble;
mod webhook;

pub(crate) use teller::{AlertParts, Alerts};
pub(crate) use trouble::Trouble;
