//! What can be typed behind `optgate source`, and `optgate metrics`.

use clap::{Args, Subcommand};

use super::file::ConfigFile;

#[derive(Debug, Args)]
pub(crate) struct Source {
    #[command(subcommand)]
    pub(crate) what: SourceVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SourceVerb {
    /// Where each list is, how old it is, how many rows it has, and what was wrong last.
    List(SourceList),
    /// Read a list now, and tell what is new.
    Sync(SourceSync),
    /// Connect to a list and show how it is understood; nothing of it counts.
    Test(SourceTest),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  optgate source list
  optgate -o json source list | jq '.[] | select(.unknown)'

Exit code: 0 all are known, 75 mail is deferred because of one.")]
pub(crate) struct SourceList {
    #[command(flatten)]
    pub(crate) file: ConfigFile,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  optgate source sync crm               what is new in it, by its watermark if it has one
  optgate source sync crm --all         all of it, even if it has not changed

The running gate reads it, between its own times; without a gate it is read here. The guards hold as
always: a list that is empty, has shrunk or is mostly rubbish is refused, and the last good reading
stays in force.

Exit code: 0 read, or as it was; 64 no such list; 65 not believed or not read, and why.")]
pub(crate) struct SourceSync {
    #[command(flatten)]
    pub(crate) file: ConfigFile,
    /// The `name` of a `[[source]]`.
    pub(crate) name: String,
    /// Read all of it, even if nothing has changed.
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  optgate source test crm               before the gate runs, or while it does

Connects with the settings of the list, reads all of it, and shows what it was recognised as, which
column is taken for what, how many rows say what, the first ten with every letter as x and every
digit as 9, and how long it took. A list that is asked live is asked about one address that nobody
has, and must not find it. Nothing is recorded.

Exit code: 0 as it should be; 1 it would not be believed; 64 no such list; 65 not understood; 69 not
reached.")]
pub(crate) struct SourceTest {
    #[command(flatten)]
    pub(crate) file: ConfigFile,
    /// The `name` of a `[[source]]`.
    pub(crate) name: String,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  optgate metrics > /var/lib/prometheus/node-exporter/optgate.prom.$$ &&
      mv /var/lib/prometheus/node-exporter/optgate.prom.$$ \\
         /var/lib/prometheus/node-exporter/optgate.prom

Each minute from cron or a timer, for the textfile collector of node_exporter. With -o json it is
what `status` prints. Worth an alert:
  optgate_source_unknown == 1           mail is deferred because of this list
  optgate_source_age_seconds > 0.8 * optgate_source_max_age_seconds
  optgate_up == 0                       no gate is running
  optgate_smarthost_up == 0             mail does not get through")]
pub(crate) struct Metrics {
    #[command(flatten)]
    pub(crate) file: ConfigFile,
}
