//! `[[sender]]`: which senders a login or a network may use.

use policy::{AuthorDomain, SenderRule};

use super::fault::{Fault, Severity};
use super::form::Form;
use super::network::Networks;
use super::pattern::{AuthorDomains, Logins, Senders};
use super::section::{KeyInfo, Maybe, Origin, Reader, Row, Rule, Section, SectionInfo, section};

section! {
    /// Which senders a client may use. The first rule of which every condition holds is the one for a client; a client that no rule is for may use none. Without any rule everybody may use any sender.
    Sender = "sender", many {
        /// Condition: the name the client has logged in with.
        login: Logins = without("[\"erp\", \"shop-*\"]", "any, or none"),
        /// Condition: the client's network.
        client: Networks = without("[\"10.1.0.0/16\"]", "any"),
        /// What it permits as the sender of the envelope: an address, a domain with its @, or "<>" for notifications. A star stands for any text.
        address: Senders = without("[\"@corp.example\", \"<>\"]", "any"),
        /// What it permits as the domain of the authors in the header: every address in every From. `*.corp.example` are the domains below that one. A message without an author is refused, and one whose authors cannot be told for certain.
        from: AuthorDomains = without("[\"corp.example\", \"*.corp.example\"]", "any"),
    }
}

pub(crate) fn settle(senders: &[Sender], faults: &mut Vec<Fault>) -> Vec<SenderRule> {
    let mut takes_all: Option<&Sender> = None;
    let mut rules = Vec::new();
    for sender in senders {
        if let Some(earlier) = takes_all {
            let mut fault = Fault::maybe_at(sender.heading(), "this rule is for nobody")
                .help("the first rule that fits is the one: put the one without conditions last");
            if let Some(heading) = earlier.heading() {
                fault = fault.related(heading, "this one has no conditions and is for everybody");
            }
            faults.push(fault);
        }
        // An empty list would read as no condition, and be for everybody.
        if let Some(said) = sender.client.said().filter(|said| said.value.0.is_empty()) {
            let fault = Fault::maybe_at(said.span(), "an empty list of networks: for nobody");
            faults.push(fault.help("leave the key out for any client"));
        }
        let anybody = matches!((&sender.login, &sender.client), (Maybe::Absent, Maybe::Absent));
        if anybody && takes_all.is_none() {
            takes_all = Some(sender);
        }
        let anything = matches!((&sender.address, &sender.from), (Maybe::Absent, Maybe::Absent));
        if anybody && anything && senders.len() == 1 {
            let message = "a single rule that permits everything to everybody";
            let fault = Fault::maybe_at(sender.heading(), message).severity(Severity::Warning);
            faults.push(fault.help("say what it permits: address = [\"@corp.example\", \"<>\"]"));
        }
        rules.extend(rule(sender));
    }
    rules
}

fn rule(sender: &Sender) -> Option<SenderRule> {
    fn list<T, U>(said: &Maybe<T>, items: impl FnOnce(&T) -> Vec<U>) -> Option<Vec<U>> {
        match said {
            Maybe::Bad => None,
            Maybe::Absent => Some(Vec::new()),
            Maybe::Said(said) => Some(items(&said.value)),
        }
    }
    let from: Vec<AuthorDomain> = list(&sender.from, |from| from.0.meant.clone())?;
    Some(SenderRule {
        login: list(&sender.login, |login| login.0.meant.clone())?,
        client: list(&sender.client, |client| client.0.iter().map(|(net, _)| *net).collect())?,
        address: list(&sender.address, |address| address.0.meant.clone())?,
        from: from.into(),
    })
}
