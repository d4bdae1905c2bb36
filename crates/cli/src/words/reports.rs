//! What can be typed behind `optgate report`.

use clap::{Args, Subcommand};
use suppression::Day;

use super::file::ConfigFile;

#[derive(Debug, Args)]
pub(crate) struct Report {
    #[command(subcommand)]
    pub(crate) what: ReportVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ReportVerb {
    /// What listeners that only watch would have refused, by application and list.
    Shadow(ReportSpan),
    /// What kind of mail each application declares its mail to be.
    Streams(ReportSpan),
    /// What gates over messages and milters have found, by gate, verdict and stream.
    Findings(ReportSpan),
    /// Every opt-out with its deadline, and the mail let through after it.
    Deadlines(ReportDeadlines),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  optgate report shadow                 all that the evidence holds
  optgate report shadow --since 2026-03-01 --until 2026-03-31
  optgate report streams                an application whose mail is ALL TRANSACTIONAL is marked
  optgate report findings --since 2026-03-01       what gates found, those that only watch too
  optgate -o json report streams | jq '.applications[] | select(.all_transactional)'

An application is known by the name it logged in with, else by its address. Read from the evidence
files, rotated ones too, and beside a running gate.

`report shadow` counts recipients at listeners with action = \"shadow\": how many were named, how
many of them would have been refused, because of which list, on which stream.

`report streams` counts messages and recipients by stream and class, as they were when they were
sent. Transactional mail passes opt-outs, so an application that declares everything transactional
is worth a look.

`report findings` counts what each [[gate]] and [[milter]] found, and what was done about it, by
stream, with the last one and its reference for `optgate why`. A gate with verdict = \"shadow\"
refuses nothing; its findings are what it would have done. It names the gates that found nothing.

Exit code: 0; `streams` gives 1 if an application is marked.")]
pub(crate) struct ReportSpan {
    #[command(flatten)]
    pub(crate) file: ConfigFile,
    /// From this day on (UTC) [default: all there is]
    #[arg(long, value_name = "DAY")]
    pub(crate) since: Option<Day>,
    /// Up to this day, which is included [default: today]
    #[arg(long, value_name = "DAY")]
    pub(crate) until: Option<Day>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  optgate report deadlines              the figures, and every opt-out that was not honoured in time
  optgate report deadlines --all        every opt-out
  optgate report deadlines --since 2026-01-01 --until 2026-03-31
  optgate -o json report deadlines | jq 'select(.mails_after > 0)'

For each opt-out: when the person asked, the last day on which mail may be sent (ten business days
by [enforcement] calendar, 15 U.S.C. 7704(a)(4)), since when the gate enforced it, when mail was
first refused, and the mail that was let through after the deadline: by a listener that only
watches, or before a list that was away came back. Mail let through between the request and the
deadline, as [enforcement] grace allows, is counted apart (`within`), and named with --all. Only
mail counts that the smarthost took, or may have taken. Each such mail is held against the ledger as of
its day: consents of the time before it count, opt-outs taken back since do not, transactional mail
is no offence. An entry about a whole domain is told by the decisions that name it.

Works beside a running gate, in at most about 350 MB however many opt-outs there are: for each
further four million the evidence is read once more. After `ledger rekey` mail recorded under the old key is matched with entries
under that key.

With -o json one line for each opt-out and a last one, {\"summary\": ...}.
Exit code: 0 none, 1 mail was let through after a deadline.")]
pub(crate) struct ReportDeadlines {
    #[command(flatten)]
    pub(crate) file: ConfigFile,
    /// Opt-outs requested from this day on (UTC) [default: all there are]
    #[arg(long, value_name = "DAY")]
    pub(crate) since: Option<Day>,
    /// Opt-outs requested up to this day, which is included [default: today]
    #[arg(long, value_name = "DAY")]
    pub(crate) until: Option<Day>,
    /// Show every opt-out, not only those that were not honoured in time.
    #[arg(long)]
    pub(crate) all: bool,
}
