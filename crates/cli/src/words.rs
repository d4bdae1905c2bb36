//! What can be typed. The help is the manual, so every verb has examples.

mod questions;
mod relay_test;
mod reports;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
pub(crate) use questions::{Replay, ReplayFormat, Why};
pub(crate) use relay_test::{RelayTestWords, TlsWord};
pub(crate) use reports::{Report, ReportDeadlines, ReportSpan, ReportVerb};

mod backup;
mod consent;
mod dkim;
mod evidence;
mod file;
mod ledger;
mod optout;
mod source;
mod user;

pub(crate) use backup::{Backup, Restore};
pub(crate) use consent::{Consent, ConsentAdd, ConsentImport, ConsentVerb, ConsentWithdraw};
pub(crate) use dkim::Dkim;
pub(crate) use evidence::{Evidence, EvidenceVerb, EvidenceVerify};
pub(crate) use file::{ConfigFile, ConfigOnly};
pub(crate) use ledger::{
    ExportForm, Ledger, LedgerCheckpoint, LedgerErase, LedgerExport, LedgerRekey, LedgerVerb,
    LedgerVerify,
};
pub(crate) use optout::{ListFile, Optout, OptoutAdd, OptoutImport, OptoutVerb, Withdraw};
pub(crate) use source::{Metrics, Source, SourceList, SourceSync, SourceTest, SourceVerb};
pub(crate) use user::{User, UserAdd, UserList, UserRemove, UserVerb};

/// An SMTP proxy that refuses recipients who opted out, whatever program sends.
#[derive(Debug, Parser)]
#[command(
    name = "optgate",
    version,
    max_term_width = 100,
    arg_required_else_help = true,
    after_help = "\
First steps:
  optgate demo                          see it work, on this machine alone
  optgate init                          write a commented optgate.toml
  optgate check                         tell every mistake in it at once
  optgate serve                         run the gate

Every day:
  optgate optout add bob@example.com    from now on nobody mails Bob
  optgate optout import list.csv        nor anybody on this list
  optgate why bob@example.com           may Bob be mailed, and why not?
  optgate why 01JD7F3K9Q2M8             what was decided, for a reference from a refusal
  optgate status                        how the gate and its lists are

Exit codes: 0 yes, 1 no (opted out, a mistake was found), 64 wrong words, 65 bad data,
69 not available, 75 try again, 77 not permitted, 78 wrong configuration."
)]
pub(crate) struct Optgate {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// Options of every verb.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// How answers are printed.
    #[arg(short, long, global = true, value_enum, default_value_t, value_name = "FORM")]
    pub(crate) output: OutputForm,
    /// Print nothing but answers and errors.
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Log more; twice for still more.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

/// How answers are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputForm {
    /// For people.
    #[default]
    Text,
    /// For programs: one JSON value, or one a line where there are many.
    Json,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// See it work: gate, lists and a mail server that keeps everything, on this machine alone.
    Demo(Demo),
    /// Write a commented configuration file.
    Init(Init),
    /// Run the gate.
    Serve(ConfigOnly),
    /// Have the running gate go by its configuration file as it is now.
    Reload(Reload),
    /// Check the configuration: every mistake at once, and what would be right.
    Check(ConfigOnly),
    /// Look at the configuration.
    Config(Config),
    /// How the running gate and its lists are.
    Status(ConfigOnly),
    /// The outside lists: how they are, read one now, try one.
    Source(Source),
    /// Figures of the gate and its lists, for Prometheus.
    Metrics(Metrics),
    /// Record opt-outs, complaints, blocks and bounces, and take them back.
    Optout(Optout),
    /// Record that people agreed to be mailed.
    Consent(Consent),
    /// Who may log in to the gate.
    User(User),
    /// Verify, checkpoint, export, erase: what an auditor or a person may ask for.
    Ledger(Ledger),
    /// Copy the ledger and its key file while the gate runs.
    Backup(Backup),
    /// Put a backup in the place of the ledger.
    Restore(Restore),
    /// Why an address is refused or not, or what a reference from a refusal means.
    Why(Why),
    /// What was sent to whom and what became of it, and the proof that the record is unchanged.
    Evidence(Evidence),
    /// Which of these recipients would be refused?
    Replay(Replay),
    /// What was sent and refused, counted: by watching listeners, by streams, by deadlines.
    Report(Report),
    /// What must stand in DNS for the keys that sign (DKIM).
    Dkim(Dkim),
    /// Does a mail server relay for somebody who may not?
    RelayTest(RelayTestWords),
    /// A mail server that accepts everything and sends nothing on.
    Sink(Sink),
    /// Print completions for a shell.
    Completions(Completions),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  optgate demo                          until Ctrl-C; in another terminal:
  curl smtp://127.0.0.1:2525 --mail-from you@corp.example --mail-rcpt bob@example.com -T README.md
  optgate demo --once                   once through, for scripts; exit 0 if all went as it should

Needs no root, no network, and no port but the one of --listen. Everything it writes is in --dir,
and is made anew at each start.")]
pub(crate) struct Demo {
    /// Go through it once and end.
    #[arg(long)]
    pub(crate) once: bool,
    /// Where ledger, lists and configuration of the demo go.
    #[arg(long, default_value = "demo-data", value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub(crate) dir: PathBuf,
    /// Where the gate listens.
    #[arg(long, default_value = "127.0.0.1:2525", value_name = "ADDRESS")]
    pub(crate) listen: SocketAddr,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  optgate init --smarthost relay.corp.example:587
  optgate init gate.toml --smarthost 10.0.0.9:25 --listen 0.0.0.0:25 --allow 10.0.0.0/8 \\
      --csv /srv/lists/optouts.csv

An existing file is never overwritten.")]
pub(crate) struct Init {
    /// The file to write; - for standard output.
    #[arg(default_value = "optgate.toml", value_hint = ValueHint::FilePath)]
    pub(crate) path: PathBuf,
    /// The real mail server, host:port.
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) smarthost: Option<String>,
    /// Where the gate listens, address:port.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<String>,
    /// A network whose clients may relay; may be given several times.
    #[arg(long, value_name = "NETWORK")]
    pub(crate) allow: Vec<String>,
    /// A CSV file with opt-outs.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) csv: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  optgate reload
  optgate check && optgate reload       the same: nothing changes unless all of it can be done

What SIGHUP does too; this one waits and tells what came of it. New sessions go by the new
configuration, those that are open end with the one they began with. Listeners that stay are not
closed. A broken configuration is refused whole, with what `check` would say.

Exit code: 0 in force, or nothing changed; 69 no gate is running; 78 refused, and why.")]
pub(crate) struct Reload {
    #[command(flatten)]
    pub(crate) what: ConfigOnly,
}

#[derive(Debug, Args)]
pub(crate) struct Config {
    #[command(subcommand)]
    pub(crate) what: ConfigVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigVerb {
    /// Every effective value and where it comes from: default, line of the file, environment.
    Show(ConfigShow),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  optgate config show                   everything, as a file that means the same
  optgate config show --changed         only what differs from the defaults
  optgate -o json config show | jq '.[] | select(.origin.from == \"file\")'")]
pub(crate) struct ConfigShow {
    #[command(flatten)]
    pub(crate) file: ConfigFile,
    /// Only what is not the default.
    #[arg(long)]
    pub(crate) changed: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  optgate sink                          one line for each message, until Ctrl-C
  optgate sink --dir mail               and each as mail/000001.eml with its envelope beside it
  optgate sink --listen 127.0.0.1:0     on any free port, which is printed")]
pub(crate) struct Sink {
    /// Where it listens.
    #[arg(long, default_value = "127.0.0.1:2526", value_name = "ADDRESS")]
    pub(crate) listen: SocketAddr,
    /// Print the messages themselves.
    #[arg(long)]
    pub(crate) print: bool,
    /// Store each message here, byte for byte, with its envelope as JSON.
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub(crate) dir: Option<PathBuf>,
    /// The name it greets with.
    #[arg(long, default_value = "sink.optgate.example", value_name = "NAME")]
    pub(crate) hostname: String,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  optgate completions bash > /etc/bash_completion.d/optgate
  optgate completions zsh > ~/.zfunc/_optgate
  optgate completions fish > ~/.config/fish/completions/optgate.fish")]
pub(crate) struct Completions {
    /// The shell.
    pub(crate) shell: clap_complete::Shell,
}
