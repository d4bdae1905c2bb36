//! The table of the opt-out gate, row by row.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

use std::sync::Arc;

use address::{Canonical, ForwardPath, PersonRules};
use policy::{
    Action, Carried, Decision, Inquiry, Lists, LookUp, Lookup, OptOutGate, Reason, Ruling, Streams,
    Verdict,
};
use suppression::{AddressKeys, Day, Digest, Kind, Scope, Subject, Suppression};

struct Says(LookUp);

impl Lists for Says {
    fn login_key(&self, _: &str) -> Digest {
        Digest([3; 32])
    }

    fn keys(&self, _: &Canonical) -> AddressKeys {
        AddressKeys { exact: Digest([1; 32]), person: Digest([2; 32]) }
    }

    fn look_up(&self, _: &Inquiry<'_>) -> LookUp {
        self.0.clone()
    }

    fn epoch(&self) -> u64 {
        42
    }
}

fn listed(kind: Kind) -> Lookup {
    Lookup::Suppressed(Suppression {
        source: "crm.csv".to_owned(),
        kind,
        scope: Scope::All,
        since: Day::from_number(20_514),
        subject: Subject::Address,
        position: 9,
    })
}

fn judge(answer: LookUp, action: Action, path: &str) -> Ruling {
    let own = vec!["example.com".to_owned()];
    let streams = Arc::new(Streams::default());
    let possible = streams.fallback();
    let gate = OptOutGate::new(Arc::new(Says(answer)), PersonRules::default(), own, streams);
    let today = Day::from_number(20_600);
    gate.judge(ForwardPath::parse(path).unwrap(), action, &possible, Carried::Known(""), today)
}

fn decided(ruling: Ruling) -> Decision {
    match ruling {
        Ruling::Decided(decision) => decision,
        Ruling::Ask(asked) => panic!("asked: {asked:?}"),
    }
}

fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Permit(cleared, None) if !cleared.is_shadowed() => "permit",
        Verdict::Permit(cleared, Some(_)) if cleared.is_shadowed() => "shadow",
        Verdict::Permit(..) => "permit, and it cannot be told why",
        Verdict::Provisional(_) => "provisional",
        Verdict::Refuse(..) => "refuse",
        Verdict::Defer(..) => "defer",
        Verdict::Drop(..) => "drop",
    }
}

#[test]
fn every_row_of_the_table() {
    let unknown = || Lookup::Unknown("crm".to_owned());
    let rows = [
        (Lookup::Clear, "permit", "permit", "permit"),
        (listed(Kind::OptOut), "refuse", "drop", "shadow"),
        (listed(Kind::Complaint), "refuse", "drop", "shadow"),
        (listed(Kind::Manual), "refuse", "drop", "shadow"),
        (unknown(), "defer", "defer", "shadow"),
    ];
    for (answer, refuse, drop, shadow) in rows {
        let columns = [(Action::Refuse, refuse), (Action::Drop, drop), (Action::Shadow, shadow)];
        for (action, expected) in columns {
            let now =
                decided(judge(LookUp::Now([answer.clone()].into()), action, "<bob@there.example>"));
            assert_eq!(word(&now.verdict), expected, "{answer:?} {action:?}");
            assert_eq!(now.facts.epoch, 42);
            assert_eq!(now.facts.keys.unwrap().exact, Digest([1; 32]));
            // A live source that answers later comes to the same.
            let Ruling::Ask(asked) = judge(LookUp::Later, action, "<bob@there.example>") else {
                panic!("not asked");
            };
            assert_eq!(asked.address().exact(), "bob@there.example");
            assert_eq!(word(&asked.resolve([answer.clone()].into()).verdict), expected);
        }
    }
}

#[test]
fn postmaster_always_passes_and_only_where_it_is_ours() {
    for (path, expected) in [
        ("<postmaster>", "permit"),
        ("<POSTMASTER@example.com>", "permit"),
        ("<postmaster@there.example>", "refuse"),
        ("<abuse@example.com>", "refuse"),
    ] {
        let now = decided(judge(LookUp::Now([listed(Kind::OptOut)].into()), Action::Refuse, path));
        assert_eq!(word(&now.verdict), expected, "{path}");
    }
}

#[test]
fn the_words_of_a_refusal() {
    let Lookup::Suppressed(entry) = listed(Kind::OptOut) else { unreachable!() };
    let reason = Reason::Suppressed(entry);
    assert_eq!(reason.to_string(), "opted out on 2026-03-02 (list crm.csv)");
    let reason = Reason::Unknown("crm was never read".to_owned());
    assert!(!reason.to_string().contains("crm"), "what is missing is not the client's business");
    assert!(reason.in_full().contains("crm was never read"));
}
