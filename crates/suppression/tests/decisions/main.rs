//! `docs/decisions.md` is written by this test: its tables and examples are worked out by the
//! decision itself, its exact rules are those above the code. So it cannot say anything that
//! the gate does not do.
//! `OPTGATE_WRITE_DOCS=1 cargo test -p suppression --test decisions` writes it anew.
#![expect(clippy::unwrap_used, reason = "a test")]

mod ask;
mod stories;
mod tables;

use std::fmt::Write;
use std::path::Path;

/// The tables above the code of the decision.
const CODE: &str = include_str!("../../src/decide.rs");

/// From "**Which objections" to "What became of": the text of the module, as it stands.
fn rules() -> String {
    let lines = CODE.lines().map_while(|line| line.strip_prefix("//!"));
    let text: Vec<&str> = lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
    let text = text.join("\n");
    let (_, rules) = text.split_once("**Which objections").unwrap();
    let (rules, _) = rules.split_once("What became of each single fact").unwrap();
    let rules = format!("**Which objections{}", rules.trim_end());
    rules.replace(" ([`Scope::names`])", "").replace(" ([`Scope::is_class`])", "")
}

fn page() -> String {
    let mut page = String::new();
    page.push_str(OPENING);
    writeln!(page, "## What is on record\n\n{}", tables::kinds()).unwrap();
    writeln!(page, "{ABOUT}\n{}", tables::scopes()).unwrap();
    writeln!(page, "{DOMAINS}\n{}", tables::domains()).unwrap();
    writeln!(page, "{ENDINGS}\n{}", tables::endings()).unwrap();
    writeln!(page, "{REOPENING}\n{}", tables::reopening()).unwrap();
    writeln!(page, "{PERMISSION}\n{}", tables::permission()).unwrap();
    writeln!(page, "{LAPSING}\n{}", tables::lapsing()).unwrap();
    writeln!(page, "{GRACE}\n{}", tables::grace()).unwrap();
    writeln!(page, "{STORIES}\n{}", stories::all()).unwrap();
    writeln!(page, "{RULES}\n{}", rules()).unwrap();
    page
}

/// With `OPTGATE_WRITE_DOCS` set, writes the page; otherwise compares it.
#[test]
fn the_page_says_what_the_code_does() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/decisions.md");
    let page = page();
    if std::env::var_os("OPTGATE_WRITE_DOCS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page,
        "docs/decisions.md is out of date: OPTGATE_WRITE_DOCS=1 cargo test -p suppression \
         --test decisions"
    );
}

const OPENING: &str = "\
# Decisions: who may be mailed, and why somebody may not

For the person who answers for it. optgate decides for each recipient of each message by what is
on record about the recipient, by the kind of mail the message is, and by the day, and by nothing
else: the same facts always give the same verdict, in whatever order they arrived. This page says
how. Its tables and examples were worked out by the program itself and are checked with every
change (`cargo test -p suppression --test decisions`). It is not legal advice.

Three sentences hold everywhere. Whatever is added to the record *against* mail never makes mail
possible. Only three things end what speaks against mail: a later consent of that very address, an
entry that takes the earlier one back, and, for a bounce, time. What is not known counts as no.

`optgate why ADDRESS` tells for one address what would happen now, and for each entry whether it
counted and why not.

";

const ABOUT: &str = "\
An entry says what part of the mail it is about, its *scope*: `all` means every message, also
receipts and password resets; `commercial` is every advertisement and what an opt-out means
unless it says otherwise; a name is one list, brand or line of business. A message belongs to a
*stream*, by the rules under `[[stream]]` in the configuration: commercial unless it was declared
transactional, and about the lists it was declared to be about. What was not declared may be
about any list, so an objection to one list stops it.

A name that is a keyword with a colon, such as `net.example:ADV`, is a *class of solicitation*
([NO-SOLICITING](solicitation.md)): it stops the messages that say of themselves that they are of
this class, on whatever stream, and of the streams only those that were declared to be about it.

The entries that speak against mail stop, as long as nothing ends them:
";

const DOMAINS: &str = "\
### Whole domains

An entry may be about everybody at a domain: that domain after the rules for addresses
([addresses](addresses.md)), not those below it. It never catches `postmaster` and `abuse`, whom
others must be able to reach. Nobody can consent for a whole domain.
";

const ENDINGS: &str = "\
## What ends an objection

An objection of 1 May about commercial mail, a commercial message of 1 June, and what else is on
record:
";

const REOPENING: &str = "\
Days are UTC days. On the same day nobody can say which came first, so the objection wins. A
consent counts from the earlier of the day it is said to have been given and the day it was
recorded; one said to lie in the future is refused as a bad row. Consents belong to the address as
it was written (`joe+shop@example.com` consents for that address alone), objections to the person
behind it.

## How far a consent reaches

A later express consent re-opens the streams that lie within its scope, whatever the width of the
objection. An objection of 1 May, a consent of 2 May, a message of 1 June:
";

const PERMISSION: &str = "\
## Streams that need consent

CAN-SPAM permits mail until somebody objects; CASL and GDPR ask for consent first. A stream with
`permission = \"opt-in\"` reaches only those on record as having agreed to all that it is about.
Nothing else on record:
";

const LAPSING: &str = "\
## What lapses

Opt-outs, complaints and blocks never do, whatever a list says. `undeliverable` does, after the
time set for its source: a mailbox may be repaired. Consent given in words stands until it is taken
back. Consent that follows from a business relationship lapses (CASL s10(10)): 24 months after
a purchase, 6 months after an inquiry, counted in calendar months; on the day itself it is gone.
It gives permission where nobody objected, and never ends an objection.
";

const GRACE: &str = "\
## How soon

At once, unless the configuration says otherwise: the next message is refused. CAN-SPAM allows ten
business days (15 U.S.C. 7704(a)(4)(A)); `grace = \"10 business days\"` uses them, for opt-outs
only. The day of the request is day 0. The law does not say what a business day is; without
holidays the deadline is the earlier one. With `calendar = \"us-federal\"` the eleven holidays of
5 U.S.C. 6103(a) do not count, on the days on which they are observed. Mail that went out within
the grace is on record as such; `optgate report deadlines` counts it for each opt-out, and with
`--all` names it.
";

const STORIES: &str = "\
## Examples

Each says what is on record in the order it was recorded, what became of each entry, and the
verdict.
";

const RULES: &str = "\
## The rules, exactly

These stand above the code that decides (`crates/suppression/src/decide.rs`).
";
