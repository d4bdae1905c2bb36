//! What can be typed behind `optgate why` and `optgate replay`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

use super::file::ConfigFile;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  optgate why bob@example.com           the verdict, every entry and what became of it, the past
  optgate why bob@example.com --stream receipts
  optgate why 01JD7F3K9Q2M8             the decision behind a reference; its beginning is enough

For an address: what would happen now on each stream of the configuration; every entry of the
ledger about the address, the person and the domain, with the reason why it counts or does not
(other mail, taken back and by whom, ended by a consent, lapsed, in grace); and what was sent to it
and refused for it before, from the evidence files.

Exit code: 0 may be mailed on every stream, 1 refused on one, 65 no address or no such reference,
75 not known now.")]
pub(crate) struct Why {
    #[command(flatten)]
    pub(crate) file: ConfigFile,
    /// An address, or the reference of a refusal.
    #[arg(value_name = "ADDRESS|REF")]
    pub(crate) what: String,
    /// Only for mail on this stream; `default` is mail that no `[[stream]]` takes.
    #[arg(long, value_name = "NAME")]
    pub(crate) stream: Option<String>,
}

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReplayFormat {
    /// One address a line.
    List,
    /// A table with a column of addresses.
    Csv,
    /// The log of Postfix.
    Postfix,
    /// The main log of Exim.
    Exim,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  optgate replay recipients.txt         one address a line; blank lines and # lines are skipped
  optgate replay campaign.csv --column \"Email Address\" --stream newsletter
  optgate replay /var/log/mail.log --refused
  zcat /var/log/exim4/mainlog.2.gz | optgate replay - --format exim --refused

The way to see the effect before switching on. Addresses of a list or a table are asked about on
each stream of the configuration, or on the one of --stream. In the log of a mail server each
recipient of each message counts once, on the stream that its sender, client and login belong to;
where a header would decide the stream, the verdict is `provisional` unless all of them agree. A
message whose sender the log does not tell is taken for mail that no [[stream]] takes. What the
format is, is found by looking.

With -o json one line for each verdict and a last one, {\"totals\": [...]}.
Exit code: 0 all may be mailed, 1 some would be refused, 65 lines that are no address, or a file in
which no address or no delivery was found, 75 some not known now.")]
pub(crate) struct Replay {
    #[command(flatten)]
    pub(crate) file: ConfigFile,
    /// The file; - for standard input.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) path: PathBuf,
    /// Print only those who would not be permitted.
    #[arg(long)]
    pub(crate) refused: bool,
    /// What the file holds [default: found by looking]
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) format: Option<ReplayFormat>,
    /// The column of a table, by its name or its number from 1.
    #[arg(long, value_name = "COLUMN")]
    pub(crate) column: Option<String>,
    /// Ask about this stream alone, whatever a log tells.
    #[arg(long, value_name = "NAME")]
    pub(crate) stream: Option<String>,
    /// Take the mail of a log for mail by this listener [default: the first that lets its client in]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listener: Option<SocketAddr>,
}
