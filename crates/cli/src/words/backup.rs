//! `backup` and `restore`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::file::ConfigFile;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  optgate backup /mnt/backup/optgate-2026-03-02
  optgate backup \"/mnt/backup/optgate-$(date +%F)\"

Writes the ledger, its key file and a checkpoint into a new folder, as of one moment, while the
gate goes on answering and recording. The folder appears when all of it is there and was checked;
it must not exist before. Whoever has it can tell who opted out: keep it as safe as the key file.
The configuration and the evidence are ordinary files that any backup takes.")]
pub(crate) struct Backup {
    #[command(flatten)]
    pub(crate) file: ConfigFile,
    /// The folder to make.
    #[arg(value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub(crate) folder: PathBuf,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  optgate restore /mnt/backup/optgate-2026-03-02

The backup is verified first. With a gate running, it takes the restored ledger over at once; it
defers mail (451) for the moment that takes. Nothing is deleted: the files that were there are kept
beside, under names that begin like theirs.

Refused when the present ledger has entries that the backup lacks, since these would no longer be
in force. If it is meant: --replace.")]
pub(crate) struct Restore {
    #[command(flatten)]
    pub(crate) file: ConfigFile,
    /// The folder a backup was written to.
    #[arg(value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub(crate) folder: PathBuf,
    /// Restore although entries of the present ledger are not in the backup.
    #[arg(long)]
    pub(crate) replace: bool,
}
