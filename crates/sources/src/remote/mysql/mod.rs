//! MySQL and MariaDB.

mod fault;
mod line;
mod pull;
mod session;
mod table;
mod value;

pub(super) use pull::pull;
pub(super) use session::Session;
