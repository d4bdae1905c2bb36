//! `consent`: what a company must be able to prove before it mails again.

use clap::{Args, Subcommand, ValueHint};

use super::file::ConfigFile;
use super::optout::{ListFile, pair};

#[derive(Debug, Args)]
pub(crate) struct Consent {
    #[command(subcommand)]
    pub(crate) what: ConsentVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConsentVerb {
    /// Record that people agreed, and what proves it.
    Add(ConsentAdd),
    /// Record the consents of a list file, once; or undo such an import.
    Import(Box<ConsentImport>),
    /// Take back consents that were recorded by mistake.
    Withdraw(ConsentWithdraw),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  optgate consent add bob@example.com --date 2026-05-04 --evidence form=https://corp.example/join \\
      --evidence ip=192.0.2.7 --evidence text-version=2026-04
  optgate consent add bob@example.com --scope newsletter --reason \"signed at the fair, form 311\"
  optgate consent add bob@example.com --basis purchase --date 2026-02-28 --evidence order=4711

A consent that is later than an opt-out re-opens what lies within its scope, for exactly this
address; the same day is not later. Transactional mail is re-opened only by --scope all, a manual
block by no consent at all. A consent needs a --reason or --evidence, and one in the future is
refused. By --basis purchase it lapses after 24 months, by inquiry after 6.

Who asks not to be mailed any more is recorded by optgate optout add.")]
pub(crate) struct ConsentAdd {
    #[command(flatten)]
    pub(crate) file: ConfigFile,
    /// The addresses.
    #[arg(required = true, value_name = "ADDRESS", value_hint = ValueHint::EmailAddress)]
    pub(crate) addresses: Vec<String>,
    /// What they agreed to: commercial, all, or the name of a list.
    #[arg(long, default_value = "commercial", value_name = "NAME")]
    pub(crate) scope: String,
    /// What it rests on: what the person said, bought, or asked.
    #[arg(long, default_value = "express", value_parser = BASES)]
    pub(crate) basis: String,
    /// When it was given: 2026-03-02, or 2026-03-02T10:15:00Z [default: now]
    #[arg(long, value_name = "DATE")]
    pub(crate) date: Option<String>,
    /// Where and how, in your words.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// Proof; may be given several times.
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    pub(crate) evidence: Vec<(String, String)>,
    /// The list it is recorded under.
    #[arg(long, default_value = "manual", value_name = "NAME")]
    pub(crate) source: String,
}

const BASES: [&str; 3] = ["express", "purchase", "inquiry"];

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  optgate consent import confirmed.csv --evidence form=https://corp.example/join
  optgate consent import buyers.csv --basis purchase --date \"Last order\" --reason \"Order\"
  optgate consent import --undo 20260302-1t6k9qz --reason \"the wrong file\"

Every row needs the time the consent was given; rows without one, or with one in the future, are
bad rows. What proves the consents is said by --evidence or stands in the column --reason.")]
pub(crate) struct ConsentImport {
    #[command(flatten)]
    pub(crate) file: ConfigFile,
    #[command(flatten)]
    pub(crate) list: ListFile,
    /// What they rest on: what the person said, bought, or asked.
    #[arg(long, default_value = "express", value_parser = BASES)]
    pub(crate) basis: String,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  optgate consent withdraw bob@example.com --reason \"recorded for the wrong customer\"
  optgate consent withdraw --entry 4711 --reason \"the form was never sent\"

Takes back every consent of exactly this address that still stands, or one entry by its number.
Who no longer wants mail has opted out: optgate optout add.")]
pub(crate) struct ConsentWithdraw {
    #[command(flatten)]
    pub(crate) file: ConfigFile,
    /// The address.
    #[arg(value_name = "ADDRESS", required_unless_present = "entry", conflicts_with = "entry", value_hint = ValueHint::EmailAddress)]
    pub(crate) address: Option<String>,
    /// One entry, by its number.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) entry: Option<u64>,
    /// Why, in your words.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
}
