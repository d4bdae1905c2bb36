//! `optout`: what speaks against mail, and how it is taken back.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};
use suppression::Scope;

use super::file::{ConfigFile, ConfigOnly};

#[derive(Debug, Args)]
pub(crate) struct Optout {
    #[command(subcommand)]
    pub(crate) what: OptoutVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum OptoutVerb {
    /// Record that people opted out. In force when the command returns.
    Add(OptoutAdd),
    /// Record all addresses of a list file, once; or undo such an import.
    Import(Box<OptoutImport>),
    /// Every import with its id.
    Imports(ConfigOnly),
    /// Take back what was recorded by mistake.
    Withdraw(Withdraw),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  optgate optout add bob@example.com
  optgate optout add bob@example.com eve@example.org --scope all --reason \"letter of 2 March\" \\
      --date 2026-03-02
  optgate optout add bob@example.com --scope newsletter
  optgate optout add bob@example.com --class net.example:ADV
  optgate optout add --domain rival.example --kind manual --reason \"they asked, as a company\"
  optgate optout add bob@example.com --kind complaint --evidence message-id=123@corp.example
  optgate optout add old@example.com --kind undeliverable --expires 2026-12-31

With a gate running the command asks it, and it refuses the address from then on. Without one it
writes to the ledger itself. All addresses are recorded, or none.

Kinds: opt-out (the person asked), complaint (the person reported a message), manual (a block of
your own; no consent ends it), undeliverable (mail bounced). Only undeliverable may expire.

Scopes: `all` stops everything, password resets as well; `commercial` everything that is not
declared transactional; any other word is the name of a list or brand, as in [[stream]] scopes.
A keyword with a colon, such as net.example:ADV, is a class of solicitation (RFC 3865): it stops
the messages that say that they are of this class, and no others. --class insists that it is one.

Evidence is kept with the entry and covered by its hash. Names with a meaning: ip (where the
request came from), form or url (where it was made), text-version (of the text shown), message-id;
any other name is kept as well.")]
pub(crate) struct OptoutAdd {
    #[command(flatten)]
    pub(crate) file: ConfigFile,
    /// The addresses; with --domain, domains.
    #[arg(required = true, value_name = "ADDRESS", value_hint = ValueHint::EmailAddress)]
    pub(crate) addresses: Vec<String>,
    /// What is recorded: opt-out, complaint, manual or undeliverable.
    #[arg(long, default_value = "opt-out", value_parser = KINDS)]
    pub(crate) kind: String,
    /// What they forbid: commercial, all, or the name of a list.
    #[arg(long, default_value = "commercial", value_name = "NAME")]
    pub(crate) scope: String,
    /// A class of solicitation they refuse, in place of a scope: net.example:ADV
    #[arg(long, value_name = "CLASS", conflicts_with = "scope", value_parser = class)]
    pub(crate) class: Option<String>,
    /// The arguments are domains: everybody there, but postmaster and abuse.
    #[arg(long)]
    pub(crate) domain: bool,
    /// Why, in your words.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// Proof; may be given several times.
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    pub(crate) evidence: Vec<(String, String)>,
    /// When they asked: 2026-03-02, or 2026-03-02T10:15:00Z [default: now]
    #[arg(long, value_name = "DATE")]
    pub(crate) date: Option<String>,
    /// The day from which it no longer counts; only for undeliverable.
    #[arg(long, value_name = "DATE")]
    pub(crate) expires: Option<String>,
    /// The list it is recorded under; part of the refusal: "(list manual)".
    #[arg(long, default_value = "manual", value_name = "NAME")]
    pub(crate) source: String,
}

const KINDS: [&str; 4] = ["opt-out", "complaint", "manual", "undeliverable"];

/// A class of solicitation (RFC 3865 s2.2).
fn class(text: &str) -> Result<String, String> {
    let scope = text.parse::<Scope>().map_err(|error| error.to_string())?;
    scope.is_class().then(|| text.to_owned()).ok_or_else(|| {
        "a class is a letter, then letters, digits and .-_: with a colon in it, as in \
         net.example:ADV"
            .to_owned()
    })
}

/// A field of evidence.
pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("name=value is wanted, such as ip=192.0.2.1")?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    if name.is_empty() || name.len() > 64 || !name.bytes().all(plain) {
        return Err("a name is 1 to 64 letters, digits, `-`, `_` and `.`".to_owned());
    }
    if value.trim().is_empty() {
        return Err(format!("{name} has no value"));
    }
    Ok((name.to_owned(), value.to_owned()))
}

const FORMATS: [&str; 6] = ["csv", "xml", "json", "text", "xlsx", "access-map"];
const ALGORITHMS: [&str; 4] = ["md5", "sha1", "sha256", "sha512"];
const NORMALISE: [&str; 3] = ["lower", "lower-domain", "as-is"];

/// A list file, and how it is read.
#[derive(Debug, Args)]
pub(crate) struct ListFile {
    /// The file, a folder of files, or a pattern such as "lists/*.csv".
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath, required_unless_present = "undo")]
    pub(crate) path: Option<PathBuf>,
    /// The list it is recorded under [default: the name of the file or folder]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// What it is: csv, xml, json, text, xlsx or access-map [default: found out by its content]
    #[arg(long, value_name = "WORD", value_parser = FORMATS)]
    pub(crate) format: Option<String>,
    /// Where the address stands: name or number of a column, path in the record (XML, JSON).
    #[arg(long, value_name = "COLUMN")]
    pub(crate) email: Option<String>,
    /// Where the date stands.
    #[arg(long, value_name = "COLUMN")]
    pub(crate) date: Option<String>,
    /// Where the reason stands; with --undo, why, in your words.
    #[arg(long, value_name = "COLUMN")]
    pub(crate) reason: Option<String>,
    /// Where the kind of a row stands, such as "unsubscribed" or "bounced".
    #[arg(long, value_name = "COLUMN")]
    pub(crate) kind_column: Option<String>,
    /// Where the part of the mail stands that a row is about.
    #[arg(long, value_name = "COLUMN")]
    pub(crate) scope_column: Option<String>,
    /// Where the time stands at which a row lapses; opt-outs never do.
    #[arg(long, value_name = "COLUMN")]
    pub(crate) until: Option<String>,
    /// Which elements are records (XML).
    #[arg(long, value_name = "PATH")]
    pub(crate) record: Option<String>,
    /// Where the records are (JSON), such as data.items.
    #[arg(long, value_name = "PATH")]
    pub(crate) records: Option<String>,
    /// Which sheet of a workbook [default: the first]
    #[arg(long, value_name = "NAME")]
    pub(crate) sheet: Option<String>,
    /// What parts two fields (CSV): one character, or "tab".
    #[arg(long, value_name = "CHARACTER")]
    pub(crate) delimiter: Option<String>,
    /// The character set, such as utf-8, utf-16le, latin-1.
    #[arg(long, value_name = "NAME")]
    pub(crate) encoding: Option<String>,
    /// Whether the first line names the columns (CSV).
    #[arg(long, value_name = "YES")]
    pub(crate) header: Option<bool>,
    /// It holds digests instead of addresses: md5, sha1, sha256 or sha512.
    #[arg(long, value_name = "ALGORITHM", value_parser = ALGORITHMS)]
    pub(crate) hashed: Option<String>,
    /// What was done to an address before it was hashed [default: lower]
    #[arg(long, value_name = "HOW", value_parser = NORMALISE)]
    pub(crate) normalise: Option<String>,
    /// The file with what was hashed together with the address.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) salt_file: Option<PathBuf>,
    /// Where the salt stood: before the address, or behind it [default: before]
    #[arg(long, value_name = "PLACE", value_parser = ["before", "behind"])]
    pub(crate) salt_place: Option<String>,
    /// What part of the mail it is about, where rows do not say it: commercial, all, or the name
    /// of a list.
    #[arg(long, default_value = "commercial", value_name = "NAME")]
    pub(crate) scope: String,
    /// Proof, of every row; may be given several times.
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    pub(crate) evidence: Vec<(String, String)>,
    /// Import although more rows than this are bad, in percent.
    #[arg(long, default_value_t = 10.0, value_name = "PERCENT")]
    pub(crate) bad_rows: f64,
    /// Import even a file that looks like a list of people who may be mailed.
    #[arg(long)]
    pub(crate) allow_subscribed: bool,
    /// Record nothing: say what the list is recognised as, what its rows mean, what is wrong with
    /// it, and what would be added.
    #[arg(long, conflicts_with = "undo")]
    pub(crate) dry_run: bool,
    /// Take a whole import back, by the id it reported; needs --reason.
    #[arg(long, value_name = "ID", conflicts_with = "path")]
    pub(crate) undo: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  optgate optout import --dry-run suppression_bounces.csv
  optgate optout import unsubscribed.csv
  optgate optout import optouts.csv --email \"Email Address\" --date \"Opted out\" --name crm-2025
  optgate optout import shop.xml --record \"/customers/customer[@optout='1']\" --email contact/email
  optgate optout import bounces.csv --kind undeliverable --expire-after 90
  optgate optout import partner.txt --hashed md5
  optgate optout import --undo 20260302-1t6k9qz --reason \"that was the customer file\"

What the file is, and its delimiter, header, encoding and columns, are found by looking at it. The
exports of the usual providers are recognised, and each row is recorded as what it says: a bounce
is no opt-out. Look at it first: --dry-run records nothing. Bad rows are
counted and told with their lines. Rows that stand in the ledger already add nothing, so that an
import can be repeated. A list that changes belongs into the configuration, as a [[source]].

The last line of an import is its id. With --undo all its rows are taken back at once: who was not
on another list as well may be mailed again. Nothing is deleted, the undo is an entry of its own.")]
pub(crate) struct OptoutImport {
    #[command(flatten)]
    pub(crate) file: ConfigFile,
    #[command(flatten)]
    pub(crate) list: ListFile,
    /// What is recorded: opt-out, complaint, manual or undeliverable [default: as the list is
    /// recognised, else opt-out]
    #[arg(long, value_parser = KINDS)]
    pub(crate) kind: Option<String>,
    /// Days after which bounces lapse [default: 90 for those that are recognised; with --kind
    /// undeliverable never]
    #[arg(long, value_name = "DAYS")]
    pub(crate) expire_after: Option<u16>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  optgate optout withdraw bob@example.com --reason \"typed by mistake, ticket 311\"
  optgate optout withdraw --entry 4711 --reason \"two people had the same address\"
  optgate optout withdraw --domain rival.example --reason \"their letter of 3 May\"
  optgate optout withdraw bob@example.com --class net.example:ADV --reason \"he asked for it\"

Takes back every opt-out, complaint, block and bounce about the address that still stands, refusals
of classes among them; with --class those of one class alone; or one entry by its number (optgate
why ADDRESS shows them). Nothing is deleted: that it was taken back, by
whom and why, is an entry of its own. To record that a person agreed to be mailed again, use
optgate consent add; that keeps the opt-out and says what came later.")]
pub(crate) struct Withdraw {
    #[command(flatten)]
    pub(crate) file: ConfigFile,
    /// The address; with --domain, a domain.
    #[arg(value_name = "ADDRESS", required_unless_present = "entry", conflicts_with = "entry", value_hint = ValueHint::EmailAddress)]
    pub(crate) address: Option<String>,
    /// One entry, by its number.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) entry: Option<u64>,
    /// The argument is a domain: what was recorded about everybody there.
    #[arg(long, conflicts_with = "entry")]
    pub(crate) domain: bool,
    /// Only what was recorded about this class of solicitation: net.example:ADV
    #[arg(long, value_name = "CLASS", conflicts_with = "entry", value_parser = class)]
    pub(crate) class: Option<String>,
    /// Why, in your words.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
}
