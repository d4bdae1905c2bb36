//! The demo's folder: lists with a few people who opted out, and a configuration.
//!
//! The folder is marked, so that only what a demo made is ever removed by one.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::AppError;
use crate::keeper::{Holder, LedgerLock};

const MARK: &str = ".optgate-demo";
/// The default name, which the configuration leaves in force.
const LEDGER: &str = "optgate.db";

/// A list as a CRM would export it: semicolons, a display name, a quoted line break.
pub(super) const CSV: &str = "Email Address;Opted out;Reason\r\n\
bob@example.com;2026-03-02;\"too many mails;\r\nplease stop\"\r\n\
\"Dora Diaz <Dora@Example.ORG>\";2026-01-15;unsubscribe link\r\n\
frank@example.net;2025-11-30;\r\n";

/// A list as a shop would export it: everybody, with a flag.
pub(super) const XML: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<customers>
  <customer id="1" optout="1"><contact><email>eve@example.com</email></contact><since>2026-02-11</since></customer>
  <customer id="2" optout="0"><contact><email>carol@example.net</email></contact></customer>
</customers>
"#;

/// Opt-outs in both.
pub(super) const SEEDED: u64 = 4;

/// Makes the folder anew. Returns the configuration file.
pub(super) fn seed(
    folder: &Path,
    listen: SocketAddr,
    sink: SocketAddr,
) -> Result<PathBuf, AppError> {
    clear(folder)?;
    let config = format!(
        "# Made by `optgate demo`, which makes it anew at each start.\n\
         [server]\n\
         hostname = \"gate.optgate.example\"\n\n\
         [smarthost]\n\
         address = \"{sink}\"   # the built-in sink: keeps everything, sends nothing on\n\n\
         [[listener]]\n\
         address = \"{listen}\"\n\
         notice  = \"No mail to people who opted out.\"\n\n\
         [[source]]\n\
         name  = \"newsletter\"\n\
         csv   = \"optouts.csv\"\n\
         email = \"Email Address\"\n\
         date  = \"Opted out\"\n\n\
         [[source]]\n\
         name   = \"shop\"\n\
         xml    = \"shop.xml\"\n\
         record = \"/customers/customer[@optout='1']\"\n\
         email  = \"contact/email\"\n\
         date   = \"since\"\n\n\
         [limits]\n\
         connections = 100\n\n\
         [log]\n\
         level = \"warn\"\n"
    );
    let file = folder.join("optgate.toml");
    for (path, text) in [
        (folder.join("optouts.csv"), CSV),
        (folder.join("shop.xml"), XML),
        (file.clone(), config.as_str()),
    ] {
        fs::write(&path, text).map_err(|e| AppError::io(path, e))?;
    }
    Ok(file)
}

fn clear(folder: &Path) -> Result<(), AppError> {
    let io = |e| AppError::io(folder, e);
    let mark = folder.join(MARK);
    if folder.exists() {
        let empty = fs::read_dir(folder).map_err(io)?.next().is_none();
        if !empty && !mark.exists() {
            return Err(AppError::Input(format!(
                "{} is there and was not made by the demo; nothing in it was touched. Another folder: --dir FOLDER",
                folder.display()
            )));
        }
        // Not under the feet of a demo that runs.
        let _lock = LedgerLock::take(&folder.join(LEDGER), Holder::Command, Duration::ZERO)?;
        for entry in fs::read_dir(folder).map_err(io)? {
            let path = entry.map_err(io)?.path();
            let name =
                path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            // Whatever else somebody put there stays.
            let ours = name.starts_with("optgate.")
                || name.starts_with("evidence.jsonl")
                || ["optouts.csv", "shop.xml"].contains(&name.as_str());
            // The lock is ours at this moment.
            if ours && !name.ends_with(".lock") {
                fs::remove_file(&path).map_err(|e| AppError::io(&path, e))?;
            }
        }
    }
    fs::create_dir_all(folder).map_err(io)?;
    fs::write(&mark, "").map_err(|e| AppError::io(mark, e))
}
