//! HAProxy in TCP mode, as its manual begins: no log, no inspection, buffers and
//! threads as they come. This is the hop that looks at nothing.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::setting::Setting;

/// Writes the configuration and gives the command.
pub(super) fn command(folder: &Path, address: SocketAddr, setting: &Setting) -> Result<Command> {
    let config = folder.join("haproxy.cfg");
    fs::write(
        &config,
        format!(
            "global\n    maxconn 3000\n\ndefaults\n    mode tcp\n    timeout connect 5s\n    \
             timeout client 1h\n    timeout server 1h\n\nfrontend smtp\n    bind {address}\n    \
             default_backend sink\n\nbackend sink\n    server sink {}\n",
            setting.sink
        ),
    )?;
    let mut command = Command::new(setting.haproxy.as_ref().context("HAProxy was not looked for")?);
    command.arg("-db").arg("-f").arg(config);
    Ok(command)
}
