//! The gate, configured as `optgate init` would: ten lines, evidence to a file, the
//! opt-outs from a CSV file that its own source imports at the first start.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::mail;
use super::setting::Setting;

/// Writes list and configuration and gives the command. The ledger of an earlier
/// start is kept when the list has the same length: that is a restart.
pub(super) fn command(folder: &Path, address: SocketAddr, setting: &Setting) -> Result<Command> {
    let list = folder.join("lists/optouts.csv");
    let made = folder.join(format!("made-{}", setting.opt_outs));
    if !made.exists() {
        forget(folder)?;
        fs::create_dir_all(folder.join("lists"))?;
        mail::write_csv(&list, setting.opt_outs)?;
        fs::write(made, "")?;
    }
    let config = folder.join("optgate.toml");
    fs::write(
        &config,
        format!(
            "[server]\nhostname = \"optgate.example\"\n\n[smarthost]\naddress = \"{}\"\n\n\
             [[listener]]\naddress = \"{address}\"\nallow = [\"127.0.0.0/8\"]\n\n\
             [ledger]\npath = \"optgate.db\"\nkey_file = \"optgate.key\"\n\n\
             [evidence]\npath = \"evidence.jsonl\"\n\n\
             [[source]]\nname = \"crm\"\ncsv = \"{}\"\nemail = \"Email Address\"\n\
             date = \"Opted out\"\n\n[limits]\nconnections_per_client = 4000\n",
            setting.sink,
            list.display()
        ),
    )?;
    let mut command = Command::new(&setting.gate);
    command.arg("serve").arg("--config").arg(config).current_dir(folder);
    Ok(command)
}

/// Removes list and ledger, so that the next start is a first start.
pub(super) fn forget(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    Ok(())
}
