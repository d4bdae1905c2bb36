//! Where the configuration is: what every verb but a few takes.

use std::path::PathBuf;

use clap::{Args, ValueHint};

/// Where the configuration is.
#[derive(Debug, Args)]
pub(crate) struct ConfigFile {
    /// The configuration file [default: optgate.toml here, else /etc/optgate/optgate.toml]
    #[arg(short, long, env = "OPTGATE_CONFIG", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) config: Option<PathBuf>,
}

/// A verb that needs nothing else.
#[derive(Debug, Args)]
pub(crate) struct ConfigOnly {
    #[command(flatten)]
    pub(crate) file: ConfigFile,
}
