//! How the gate proves itself to a smarthost: whoever keeps the password or gets the tokens
//! answers, once for each new connection, and is told when the smarthost does not take it.
//!
//! A connection over which a client logs in by itself never gets this login: it would make the
//! gate's rights the client's.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use smtp_session::{Login, Lost};

/// A login on its way, or why there is none, without a word of what is secret.
pub type Providing = Pin<Box<dyn Future<Output = Result<Login, &'static str>> + Send>>;

/// Knows how the gate logs in to one smarthost. Its `Debug` shows nothing secret.
pub trait SmarthostLogin: fmt::Debug + Send + Sync {
    /// For one new connection. It ends within a minute and keeps no thread of the sessions busy;
    /// when it is dropped before its end, nothing is left behind.
    fn login(&self) -> Providing;

    /// The smarthost refuses what it was given, for good. `true` when something newer can be had,
    /// so that another try makes sense at once.
    fn refused(&self) -> bool;
}

/// The login for a new connection.
pub(crate) async fn ask(login: Option<&dyn SmarthostLogin>) -> Result<Option<Login>, Lost> {
    match login {
        Some(login) => login.login().await.map(Some).map_err(Lost::NoLogin),
        None => Ok(None),
    }
}

/// Whether it is the login that fails, and nothing else is wrong.
pub(crate) fn is_of_login(why: &Lost) -> bool {
    matches!(why, Lost::LoginRefused(_) | Lost::NoLogin(_))
}
