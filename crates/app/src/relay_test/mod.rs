//! `relay-test`: does a server relay for somebody who may not?
//!
//! It shares no policy with the gate, so that it can judge it: it only knows forms of
//! addresses by which relays were tricked, and says which of them the server takes. It never
//! sends DATA, so no message exists at any time.
//!
//! A form is taken when its RCPT is answered 2yz. What is answered 4yz may be taken later
//! (greylisting), which is not known and is said so. A server that hangs up in between, as many
//! do after some mistakes, is asked again in a new session: the verdict is complete or says that
//! it is not.

mod connection;
mod forms;
mod options;
mod run;
mod tls;
mod verdict;

pub use forms::Form;
pub use options::{RelayTestOptions, RelayTestTls};
pub use run::run;
pub use verdict::{Outcome, Probe, RelayTest, Verdict};

#[cfg(test)]
mod tests;
