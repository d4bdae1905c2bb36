//! `user`: who may log in to the gate.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use super::file::ConfigFile;

#[derive(Debug, Args)]
pub(crate) struct User {
    #[command(subcommand)]
    pub(crate) what: UserVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum UserVerb {
    /// Add a user, or give one a new password.
    Add(UserAdd),
    /// Remove a user.
    Remove(UserRemove),
    /// The names of all users.
    List(UserList),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  optgate user add erp                              asks for the password, twice
  optgate user add erp --password-file erp.secret   its first line
  openssl rand -base64 24 | tee erp.secret | optgate user add erp
  optgate user add erp --replace                    a new password

The password is never typed on the command line, where every program could read it. Users are kept
in the file of [users], which holds no passwords; a running gate sees a change within a second.
They log in at listeners with auth = \"users\".")]
pub(crate) struct UserAdd {
    #[command(flatten)]
    pub(crate) file: ConfigFile,
    /// The name, compared exactly.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// A file whose first line is the password.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) password_file: Option<PathBuf>,
    /// The user is there already, and gets this password.
    #[arg(long)]
    pub(crate) replace: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  optgate user remove erp

Who is logged in stays so until the session ends.")]
pub(crate) struct UserRemove {
    #[command(flatten)]
    pub(crate) file: ConfigFile,
    /// The name.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
}

#[derive(Debug, Args)]
pub(crate) struct UserList {
    #[command(flatten)]
    pub(crate) file: ConfigFile,
}
