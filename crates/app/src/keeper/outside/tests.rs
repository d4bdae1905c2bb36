use std::sync::Arc;

use policy::Lookup;
use suppression::{Day, Hasher, Index, KeyId, Permission, Scope, SharedIndex, Stream, StreamClass};

use super::super::lists::LedgerLists;
use super::*;
use crate::keys::Keys;

fn named(name: &str) -> Scope {
    Scope::Named(name.to_owned())
}

fn list(name: &str, carries: &[(Kind, Scope)]) -> Outside {
    let origin = |(kind, scope): &(Kind, Scope)| Origin::new(name, *kind, scope.clone());
    Outside { name: name.to_owned(), carries: carries.iter().map(origin).collect() }
}

fn today() -> Day {
    Day::from_number(20_600)
}

fn stream(class: StreamClass, permission: Permission) -> Stream {
    Stream { permission, ..Stream::new("s", class) }
}

/// Which of the lists are asked about a stream, of somebody about whom the index has these.
fn asked(lists: &[Outside], known: &[Origin], stream: &Stream) -> String {
    let case = case(known);
    let terms = Terms { stream, today: today(), grace: None };
    let finding = case.decide(&terms);
    let names = concerned(lists, &case, &terms, &finding).map(|list| list.name.as_str());
    names.collect::<Vec<_>>().join(" ")
}

fn case(known: &[Origin]) -> Case<'_> {
    let fact = Fact { origin: OriginId(0), day: Day::from_number(20_000), position: 7 };
    let mut case = Case::default();
    for origin in known {
        let known = Known { fact, origin, withdrawn: false };
        match origin.kind {
            Kind::Consent => case.consents.push(known),
            _ => case.objections.push(known),
        }
    }
    case
}

fn lists() -> [Outside; 4] {
    [
        list("ads", &[(Kind::OptOut, Scope::Commercial)]),
        list("all", &[(Kind::Complaint, Scope::All)]),
        list("news", &[(Kind::OptOut, named("news"))]),
        list("yes", &[(Kind::Consent, Scope::Commercial)]),
    ]
}

#[test]
fn lists_are_asked_about_the_streams_that_they_could_stop() {
    let of = |class| asked(&lists(), &[], &stream(class, Permission::OptOut));
    assert_eq!(of(StreamClass::Commercial), "ads all news");
    assert_eq!(of(StreamClass::Transactional), "all");
    let offers = Stream {
        scopes: vec!["offers".to_owned()],
        ..stream(StreamClass::Commercial, Permission::OptOut)
    };
    assert_eq!(asked(&lists(), &[], &offers), "ads all");
}

#[test]
fn nobody_is_asked_about_who_is_out_unless_a_consent_could_change_it() {
    let objections = lists().into_iter().take(3).collect::<Vec<_>>();
    let commercial = stream(StreamClass::Commercial, Permission::OptOut);
    let out = |kind, scope| [Origin::new("crm", kind, scope)];
    assert_eq!(asked(&objections, &out(Kind::OptOut, Scope::Commercial), &commercial), "");
    // With a list of consents it could: and then what the others hold counts as well.
    let all = "ads all news yes";
    assert_eq!(asked(&lists(), &out(Kind::OptOut, Scope::Commercial), &commercial), all);
    // No consent ends a block, and one for commercial mail does not re-open anything else.
    assert_eq!(asked(&lists(), &out(Kind::Manual, Scope::Commercial), &commercial), "");
    let transactional = stream(StreamClass::Transactional, Permission::OptOut);
    assert_eq!(asked(&lists(), &out(Kind::OptOut, Scope::All), &transactional), "");
}

#[test]
fn a_missing_permission_is_looked_for_where_it_could_be() {
    let opt_in = stream(StreamClass::Commercial, Permission::OptIn);
    assert_eq!(asked(&lists(), &[], &opt_in), "ads all news yes");
    assert_eq!(asked(&lists()[..3], &[], &opt_in), "");
    let narrow = [list("yes", &[(Kind::Consent, named("news"))])];
    assert_eq!(asked(&narrow, &[], &opt_in), "");
    // Who agreed is asked about like anybody.
    let agreed = [Origin::new("crm", Kind::Consent, Scope::Commercial)];
    assert_eq!(asked(&lists(), &agreed, &opt_in), "ads all news");
}

#[test]
fn a_list_without_answer_makes_unknown_what_it_could_have_changed_and_no_more() {
    let hasher = Hasher::new(KeyId(1), &[1; 32]);
    let shared = Arc::new(SharedIndex::new(Index::empty()));
    let gate = LedgerLists::new(Keys::new(hasher), shared, Arc::default(), None);
    let lists = lists();
    let silent: Vec<_> = lists.iter().map(|list| (list, "it is away")).collect();
    let answer = |known: &[Origin], stream: &Stream, silent: &[(&Outside, &str)]| match gate
        .answer_despite(&case(known), stream, today(), silent)
    {
        Lookup::Clear => "clear".to_owned(),
        Lookup::Suppressed(entry) => entry.source,
        Lookup::NoConsent => "no consent".to_owned(),
        Lookup::Unknown(why) => why,
        Lookup::InGrace(..) => "in grace".to_owned(),
    };
    let commercial = stream(StreamClass::Commercial, Permission::OptOut);
    let transactional = stream(StreamClass::Transactional, Permission::OptOut);
    let opt_in = stream(StreamClass::Commercial, Permission::OptIn);
    let crm = [Origin::new("crm", Kind::OptOut, Scope::Commercial)];
    assert_eq!(answer(&[], &commercial, &silent), "list ads: it is away");
    assert_eq!(answer(&[], &commercial, &silent[3..]), "clear");
    assert_eq!(answer(&[], &transactional, &silent[..1]), "clear");
    assert_eq!(answer(&[], &transactional, &silent), "list all: it is away");
    // A known objection stays one: that is no reason to come again.
    assert_eq!(answer(&crm, &commercial, &silent), "crm");
    assert_eq!(answer(&[], &opt_in, &silent[..3]), "no consent");
    assert_eq!(answer(&[], &opt_in, &silent[3..]), "list yes: it is away");
    assert_eq!(answer(&[], &commercial, &[]), "clear");
}
