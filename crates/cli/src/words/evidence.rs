//! `evidence`: what was decided and what became of it, and the proof that it is unchanged.

use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{ArgGroup, Args, Subcommand, ValueHint};

use super::file::ConfigFile;

#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    group(ArgGroup::new("sought").required(true).args(["recipient", "message_id", "reference", "client"])),
    after_help = "\
Examples:
  optgate evidence --recipient bob@example.com
  optgate evidence --message-id \"<20260302.1@corp.example>\"
  optgate evidence --client 10.0.0.7 --since 2026-03-01 --until 2026-03-02
  optgate evidence --client 10.0.0.7 --limit all
  optgate evidence --ref 01JD7F3K9Q2M8 -o json | jq .reply
  optgate evidence verify

Looks through the closed files, packed or not, and the current one. A person is found in all
spellings, and under keys that are no longer used as long as the key file holds them. As text it
tells each message's story, the oldest first; as JSON it prints the records as they were written.

For a client it tells as well which greeting it was shown and when, which of the messages came after
that, what it said, and whether the chain of the evidence is intact (`optgate evidence verify`).

Exit code: 0 something was found, 1 nothing, or it is of a client and the chain is not intact."
)]
pub(crate) struct Evidence {
    #[command(subcommand)]
    pub(crate) what: Option<EvidenceVerb>,
    #[command(flatten)]
    pub(crate) file: ConfigFile,
    /// Mail to this person: an address in any of its spellings.
    #[arg(long, value_name = "ADDRESS", value_hint = ValueHint::EmailAddress)]
    pub(crate) recipient: Option<String>,
    /// The message with this Message-ID.
    #[arg(long, value_name = "ID")]
    pub(crate) message_id: Option<String>,
    /// The message with this reference, or of the decision with it; its beginning is enough.
    #[arg(long = "ref", value_name = "REF")]
    pub(crate) reference: Option<String>,
    /// All that this client has sent, and which greetings with which notice it was shown.
    #[arg(long, value_name = "IP")]
    pub(crate) client: Option<IpAddr>,
    /// Only from this day or time on.
    #[arg(long, value_name = "DAY")]
    pub(crate) since: Option<String>,
    /// Only up to the end of this day, or to before this time.
    #[arg(long, value_name = "DAY")]
    pub(crate) until: Option<String>,
    /// How many messages, and for a client how many sessions: the latest; or "all".
    #[arg(long, default_value = "100", value_name = "NUMBER")]
    pub(crate) limit: Limit,
}

/// How many are shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit(pub(crate) usize);

impl FromStr for Limit {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse() {
            _ if text == "all" => Ok(Self(usize::MAX)),
            Ok(number) if number > 0 => Ok(Self(number)),
            _ => Err("a number from 1 on, or \"all\""),
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum EvidenceVerb {
    /// Prove that nothing in the evidence was changed, and that no file is missing.
    Verify(EvidenceVerify),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  optgate evidence verify
  optgate evidence verify --head 5f1c…/12/88123/9a40…
  optgate evidence verify --evidence /mnt/archive/evidence.jsonl

Walks the chain through all files and names the first bytes that are not what was sealed, files that
are missing in between, and what is not sealed yet. Prints the head of the chain: keep it where
whoever can write to the evidence cannot, with a checkpoint of the ledger. With --head it proves that
nothing before that head was changed since. Only reads, and the gate may run.

Exit code: 0 intact, or nothing to prove yet, 1 not intact, or not proven: the head is not on the
chain, or more than the last seconds is not sealed.")]
pub(crate) struct EvidenceVerify {
    #[command(flatten)]
    pub(crate) file: ConfigFile,
    /// A head that was kept, which must lie on the chain.
    #[arg(long, value_name = "HEAD")]
    pub(crate) head: Option<String>,
    /// Another evidence file than the configured one; closed files are looked for beside it.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) evidence: Option<PathBuf>,
}
