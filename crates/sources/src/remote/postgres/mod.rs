//! PostgreSQL, and what speaks its protocol (version 3).

mod fault;
mod line;
mod listen;
mod pull;
mod session;
mod wrapped;

pub(super) use listen::Ear;
pub(super) use pull::pull;
pub(super) use session::Session;
