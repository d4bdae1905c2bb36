//! `ledger`: for whoever has to prove something, or has a duty.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};

use super::file::{ConfigFile, ConfigOnly};

#[derive(Debug, Args)]
pub(crate) struct Ledger {
    #[command(subcommand)]
    pub(crate) what: LedgerVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LedgerVerb {
    /// Prove that no entry was changed, removed or put in between.
    Verify(LedgerVerify),
    /// Write down where the ledger stands, to be kept elsewhere.
    Checkpoint(LedgerCheckpoint),
    /// Write all entries out.
    Export(LedgerExport),
    /// Blank what the ledger holds in words about one person.
    Erase(LedgerErase),
    /// Make a new key for new entries.
    Rekey(LedgerRekey),
    /// What was done with the ledger: exports, erasures, keys, checkpoints, restores.
    Events(ConfigOnly),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  optgate ledger verify
  optgate ledger verify --checkpoint 2026-03-02.checkpoint --public-key checkpoint.pub.pem
  optgate ledger verify --ledger /mnt/backup/optgate.db

Walks the whole chain of hashes and names the first row that does not fit, that is missing, or whose
personal fields were blanked without a record of it. With a checkpoint it proves as well that
today's ledger is that one with rows added, and nothing else. Only reads, and needs neither the key
file nor a running gate.

Exit code: 0 intact, 1 not: changed, cut off or damaged, 65 what was given is no ledger or no
checkpoint.")]
pub(crate) struct LedgerVerify {
    #[command(flatten)]
    pub(crate) file: ConfigFile,
    /// A checkpoint that this ledger must extend.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) checkpoint: Option<PathBuf>,
    /// The Ed25519 public key the checkpoint must be signed with, as PEM.
    #[arg(long, value_name = "PEM", value_hint = ValueHint::FilePath, requires = "checkpoint")]
    pub(crate) public_key: Option<PathBuf>,
    /// Another ledger than the configured one, such as one in a backup.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) ledger: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  optgate ledger checkpoint
  openssl genpkey -algorithm ed25519 -out checkpoint.pem
  openssl pkey -in checkpoint.pem -pubout -out checkpoint.pub.pem
  optgate ledger checkpoint --sign checkpoint.pem 2026-03-02.checkpoint

A few lines of text: which ledger, how many rows, the last hash, the time. Keep it where whoever
can write to the ledger cannot: send it by mail, print it, have it time-stamped. An existing file is
not overwritten.")]
pub(crate) struct LedgerCheckpoint {
    #[command(flatten)]
    pub(crate) file: ConfigFile,
    /// The file to write [default: standard output]
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) path: Option<PathBuf>,
    /// Sign it with this Ed25519 private key, PEM as openssl writes it.
    #[arg(long, value_name = "PEM", value_hint = ValueHint::FilePath)]
    pub(crate) sign: Option<PathBuf>,
}

/// How entries are written out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportForm {
    /// With a header, RFC 4180.
    Csv,
    /// One JSON object a line.
    Json,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  optgate ledger export entries.csv
  optgate -o json ledger export | jq 'select(.kind == \"complaint\")'
  optgate ledger export --plain --purpose \"audit by Example & Co, 12 May\" entries.csv

All entries in their order, addresses as keyed hashes, without reasons and evidence. With --plain
those as well, and the addresses where the ledger holds them ([ledger] store = \"plain\"); for that
the purpose is asked. Each export is recorded first, with its purpose and who asked for it: see
optgate ledger events. The law forbids to pass opted-out addresses on for any other purpose than
to keep the opt-outs (15 U.S.C. 7704(a)(4)(A)(iv)). An existing file is not overwritten.")]
pub(crate) struct LedgerExport {
    #[command(flatten)]
    pub(crate) file: ConfigFile,
    /// The file to write [default: standard output]
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) path: Option<PathBuf>,
    /// CSV, or JSON lines [default: csv; with -o json: json]
    #[arg(long, value_enum)]
    pub(crate) format: Option<ExportForm>,
    /// Addresses, reasons and evidence as well.
    #[arg(long, requires = "purpose")]
    pub(crate) plain: bool,
    /// What for; recorded for ever, so without an address.
    #[arg(long, value_name = "TEXT")]
    pub(crate) purpose: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  optgate ledger erase bob@example.com --reason \"request of 4 May, ticket 311\"
  optgate ledger erase --domain rival.example --reason \"ticket 312\"

Blanks the plain address, reasons and evidence of every entry about the person, or with --domain of
every entry about that whole domain. What stays is that somebody with this keyed hash opted out:
that is needed so that he is not mailed again. The chain still verifies. The reason is recorded and
stays, so it must not name anybody. Backups, exports and the evidence are not touched.

Exit code: 0 erased, 1 nothing is recorded about the person.")]
pub(crate) struct LedgerErase {
    #[command(flatten)]
    pub(crate) file: ConfigFile,
    /// The address.
    #[arg(value_name = "ADDRESS", value_hint = ValueHint::EmailAddress)]
    #[arg(required_unless_present = "domain", conflicts_with = "domain")]
    pub(crate) address: Option<String>,
    /// Instead: the entries about everybody at this domain.
    #[arg(long, value_name = "DOMAIN")]
    pub(crate) domain: Option<String>,
    /// Why; without an address.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  optgate ledger rekey --reason \"yearly\"

New entries are hashed under a new key from then on; older ones are found under theirs, so the key
file holds all of them. Make a backup afterwards: an older copy of the key file no longer fits.")]
pub(crate) struct LedgerRekey {
    #[command(flatten)]
    pub(crate) file: ConfigFile,
    /// Why; recorded for ever, so without an address.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
}
