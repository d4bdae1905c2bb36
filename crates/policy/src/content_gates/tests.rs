use std::sync::Arc;

use super::*;
use crate::AttachmentRules;
use crate::streams::{StreamRule, Streams};

fn gate(verdict: GateVerdict, streams: Option<Vec<StreamId>>) -> ContentGate {
    ContentGate {
        rule: GateRule {
            name: Arc::from("words"),
            streams,
            verdict,
            text: Some(Arc::from("See the intranet")),
        },
        check: ContentCheck::Text("falcon".parse().unwrap()),
        cap: Duration::from_secs(10),
        when_slow: ContentGate::when_slow_for(verdict),
        when_unreadable: ContentGate::when_unreadable_for(verdict),
    }
}

const BROKEN: &[u8] = b"Content-Transfer-Encoding: x-yenc\r\n\r\n=ybegin";

#[test]
fn what_is_found_has_the_verdict_of_the_rule() {
    let content = Content::decode(b"Subject: falcon\r\n\r\n");
    for verdict in
        [GateVerdict::Permit, GateVerdict::Refuse, GateVerdict::Defer, GateVerdict::Shadow]
    {
        let finding = gate(verdict, None).judge(&content).unwrap();
        assert_eq!(finding.verdict, verdict);
        assert_eq!(finding.text.as_deref(), Some("See the intranet"));
        assert_eq!(finding.found, "its Subject fits the expression");
        assert_eq!(gate(verdict, None).judge(&Content::decode(b"\r\neagle")), None);
    }
}

#[test]
fn what_cannot_be_read_or_takes_too_long_is_never_permitted() {
    use GateVerdict::{Defer, Permit, Refuse, Shadow};
    let content = Content::decode(BROKEN);
    for (verdict, unreadable, slow) in [
        (Refuse, Refuse, Defer),
        (Defer, Defer, Defer),
        (Shadow, Shadow, Shadow),
        (Permit, Shadow, Shadow),
    ] {
        let gate = gate(verdict, None);
        let finding = gate.judge(&content).unwrap();
        assert_eq!((finding.verdict, finding.text), (unreadable, None));
        assert_eq!(finding.found, "cannot be read whole: an unknown Content-Transfer-Encoding");
        assert_eq!(gate.too_slow().verdict, slow);
        assert_eq!(gate.too_slow().found, "not judged within 10 s");
        assert_eq!(gate.failed().verdict, slow);
    }
    let lax = ContentGate { when_slow: Permit, when_unreadable: Permit, ..gate(Refuse, None) };
    assert_eq!((lax.too_slow().verdict, lax.judge(&content).unwrap().verdict), (Shadow, Shadow));
}

#[test]
fn files_are_looked_at_too() {
    let rules = AttachmentRules { larger_than: Some(0), ..Default::default() };
    let gate =
        ContentGate { check: ContentCheck::Attachments(rules), ..gate(GateVerdict::Refuse, None) };
    let content = Content::decode(b"Content-Type: image/png\r\n\r\nx");
    assert_eq!(gate.judge(&content).unwrap().found, "an attachment of 1 octets, more than 0");
}

#[test]
fn streams_that_are_judged() {
    let rules = vec![StreamRule::default(), StreamRule::default()];
    let streams = Streams::new(rules);
    let ids: Vec<StreamId> = streams.iter().map(|(id, _)| id).collect();
    let some = |ids: &[StreamId]| gate(GateVerdict::Refuse, Some(ids.to_vec()));
    assert_eq!(ContentGates::default().streams(), Some(vec![]));
    let gates = ContentGates::new(vec![some(&ids[1..2]), some(&ids[..2])]);
    assert_eq!(gates.streams(), Some(ids[..2].to_vec()));
    assert_eq!(gates.asked(&streams.only(ids[0])), [1]);
    assert_eq!(gates.asked(&streams.only(ids[2])), [0_usize; 0]);
    let gates = ContentGates::new(vec![some(&ids[1..2]), gate(GateVerdict::Refuse, None)]);
    assert_eq!(gates.streams(), None);
}
