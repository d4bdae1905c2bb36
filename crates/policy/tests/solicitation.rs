//! Recipients that refuse classes of solicitation: at RCPT, and once the header tells.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::sync::Arc;

use address::{Canonical, ForwardPath, PersonRules};
use policy::{
    Action, Carried, ClassRefusal, Decision, GateName, Inquiry, Lists, LookUp, Lookup, OptOutGate,
    Reason, Ruling, Streams, Verdict, class_refused,
};
use suppression::{AddressKeys, Day, Digest, Kind, Scope, Subject, Suppression};

/// Clear for every stream, and refuses these classes; `?` in front: may.
struct Refuses(&'static [&'static str]);

impl Lists for Refuses {
    fn login_key(&self, _: &str) -> Digest {
        Digest([3; 32])
    }

    fn keys(&self, _: &Canonical) -> AddressKeys {
        AddressKeys { exact: Digest([1; 32]), person: Digest([2; 32]) }
    }

    fn look_up(&self, inquiry: &Inquiry<'_>) -> LookUp {
        if inquiry.written.starts_with("live") {
            return LookUp::Later;
        }
        LookUp::Now(inquiry.streams.iter().map(|_| Lookup::Clear).collect())
    }

    fn refused_classes(&self, _: &Inquiry<'_>) -> Vec<ClassRefusal> {
        self.0.iter().map(|class| refusal(class)).collect()
    }

    fn epoch(&self) -> u64 {
        1
    }
}

fn refusal(class: &str) -> ClassRefusal {
    let named = |class: &str| Scope::Named(class.to_owned());
    match class.strip_prefix('?') {
        Some(class) => ClassRefusal::Unknown(named(class), "crm was never read".to_owned()),
        None => ClassRefusal::Entry(Suppression {
            source: "crm.csv".to_owned(),
            kind: Kind::OptOut,
            scope: named(class),
            since: Day::from_number(20_514),
            subject: Subject::Address,
            position: 9,
        }),
    }
}

fn judge(
    refuses: &'static [&'static str],
    carried: Carried<'_>,
    action: Action,
    path: &str,
) -> Decision {
    let streams = Arc::new(Streams::default());
    let possible = streams.fallback();
    let own = vec!["corp.example".to_owned()];
    let gate = OptOutGate::new(Arc::new(Refuses(refuses)), PersonRules::default(), own, streams);
    let path = ForwardPath::parse(path).unwrap();
    match gate.judge(path, action, &possible, carried, Day::from_number(20_600)) {
        Ruling::Decided(decision) => decision,
        Ruling::Ask(asked) => asked.resolve([Lookup::Clear].into()),
    }
}

fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Permit(cleared, _) if cleared.is_shadowed() => "shadow",
        Verdict::Permit(..) => "permit",
        Verdict::Provisional(_) => "provisional",
        Verdict::Refuse(..) => "refuse",
        Verdict::Defer(..) => "defer",
        Verdict::Drop(..) => "drop",
    }
}

#[test]
fn every_case_at_rcpt() {
    use Carried::{Known, Unknown};
    let rows: [(&[&str], _, _, _, _); 7] = [
        (&["a:b"], Known("c:d,A:B"), "refuse", "drop", "shadow"),
        (&["a:b"], Known("a:b:c"), "permit", "permit", "permit"),
        (&["a:b"], Known(""), "permit", "permit", "permit"),
        (&["a:b"], Unknown, "provisional", "provisional", "permit"),
        (&["?a:b"], Known("a:b"), "defer", "defer", "shadow"),
        (&["?a:b", "c:d"], Known("a:b,c:d"), "refuse", "drop", "shadow"),
        (&[], Unknown, "permit", "permit", "permit"),
    ];
    for (refuses, carried, refuse, drop, shadow) in rows {
        for (action, expected) in
            [(Action::Refuse, refuse), (Action::Drop, drop), (Action::Shadow, shadow)]
        {
            for path in ["<bob@there.example>", "<live@there.example>"] {
                let decision = judge(refuses, carried, action, path);
                assert_eq!(word(&decision.verdict), expected, "{refuses:?} {carried:?} {action:?}");
            }
            let ours = judge(refuses, carried, action, "<postmaster@corp.example>");
            assert_eq!(word(&ours.verdict), "permit", "the postmaster hears everything");
        }
    }
}

#[test]
fn a_provisional_one_is_settled_by_the_header() {
    let settle = |carried| {
        let decision =
            judge(&["a:b", "?c:d"], Carried::Unknown, Action::Refuse, "<b@there.example>");
        let Verdict::Provisional(provisional) = decision.verdict else { panic!("not provisional") };
        let stream = Streams::default().fallback().only().unwrap();
        provisional.settle(stream, carried).map(|cleared| cleared.path().to_string())
    };
    for harmless in ["", "e:f", "a:b:c,a"] {
        assert_eq!(settle(harmless), Ok("<b@there.example>".to_owned()), "{harmless}");
    }
    let refused = settle("e:f,A:b").unwrap_err();
    assert!(refused.permanent && refused.reason.gate() == GateName::Solicitation);
    assert_eq!(refused.reason.to_string(), "SOLICIT=A:b refused since 2026-03-02 (list crm.csv)");
    let unknown = settle("e:f,c:d").unwrap_err();
    assert!(!unknown.permanent, "unknown is never yes");
    assert!(unknown.reason.to_string().contains("SOLICIT=c:d cannot"), "{}", unknown.reason);
}

#[test]
fn what_is_refused_comes_before_what_is_unknown() {
    let refusals = ["?a:b", "c:d"].map(refusal);
    assert!(
        matches!(class_refused(&refusals, "a:b,c:d"), Some(Reason::Class(class, _)) if class == "c:d")
    );
    let unknown = class_refused(&refusals, "e:f,A:b").unwrap();
    assert!(unknown.is_unknown() && unknown.gate() == GateName::Solicitation);
    assert_eq!(unknown.to_string(), "SOLICIT=A:b cannot be checked right now; try again later");
    assert!(unknown.in_full().starts_with("unknown: SOLICIT=A:b: "), "{}", unknown.in_full());
    assert_eq!(class_refused(&refusals, ""), None);
}
