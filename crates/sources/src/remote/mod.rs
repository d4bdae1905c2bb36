//! Lists that live in a database: read into a [`Spool`](crate::Spool), or asked about single
//! addresses.
//!
//! Everything here waits for a network and has a time limit for it. What comes back is text,
//! whatever type the column has; what the texts mean is for the rest of this crate to say. No
//! error holds a password, or the value of a cell.

mod access;
mod cell_text;
mod checked;
mod connection;
mod error;
mod found;
mod ldap;
mod limit;
mod listener;
mod mark;
mod mysql;
mod placeholder;
mod postgres;
mod pull;
mod redis;
mod said;
mod sql_text;
mod sqlite;
mod sqlserver;
mod tls;
mod url;
mod watermark;
mod web;

pub use access::{Access, Engine, Password, Question, Tls};
pub use checked::check_question;
pub use connection::Connection;
pub use error::RemoteError;
pub use found::Found;
pub use listener::Listener;
pub use mark::{Mark, Pulled, Since};
pub use pull::pull;
pub(crate) use tls::{client_config, provider};
pub use web::web_client;
