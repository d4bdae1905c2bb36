//! Gates over headers in a dialogue, and messages of which nobody knows what became.

use std::sync::{Arc, Mutex};

use policy::{GateRule, GateVerdict, HeaderCheck, HeaderGate, HeaderGates, Streams, Unsettled};

/// `one-click refuse one-click`, `own defer from corp.example`, `news:id shadow required List-Id`.
pub(crate) fn gate(value: &str, streams: &Streams) -> HeaderGate {
    let words: Vec<&str> = value.split(' ').collect();
    let [name, verdict, check, rest @ ..] = words.as_slice() else { panic!("{value}") };
    let (stream, name) = match name.split_once(':') {
        Some((stream, name)) => (Some(stream), name),
        None => (None, *name),
    };
    let fields = || rest.iter().map(|name| name.parse().unwrap()).collect();
    let check = match *check {
        "from" => {
            let domains: Vec<_> = rest.iter().map(|domain| domain.parse().unwrap()).collect();
            HeaderCheck::From(domains.into())
        }
        "required" => HeaderCheck::Required(fields()),
        "forbidden" => HeaderCheck::Forbidden(fields()),
        "field" => HeaderCheck::Field(rest[0].parse().unwrap(), rest[1].parse().unwrap()),
        "one-click" => HeaderCheck::OneClick(Vec::new()),
        "received" => HeaderCheck::Received(rest[0].parse().unwrap()),
        "subject" => HeaderCheck::Subject,
        "advertisement" => {
            HeaderCheck::Advertisement(rest.iter().map(|&mark| mark.to_owned()).collect())
        }
        other => panic!("no check `{other}`"),
    };
    let verdict = match *verdict {
        "permit" => GateVerdict::Permit,
        "refuse" => GateVerdict::Refuse,
        "defer" => GateVerdict::Defer,
        "shadow" => GateVerdict::Shadow,
        other => panic!("no verdict `{other}`"),
    };
    let streams = stream.map(|stream| streams.named(stream).unwrap().iter().collect());
    HeaderGate { rule: GateRule { name: name.into(), streams, verdict, text: None }, check }
}

pub(crate) fn gates(values: &[String], streams: &Streams) -> Option<Arc<HeaderGates>> {
    let gates = values.iter().map(|value| gate(value, streams)).collect();
    (!values.is_empty()).then(|| Arc::new(HeaderGates::new(gates)))
}

/// Remembers for ever.
#[derive(Debug, Default)]
pub(crate) struct Remembered(Mutex<Vec<(String, String)>>);

impl Unsettled for Remembered {
    fn earlier(&self, message_id: &str, _: i64) -> Option<String> {
        let all = self.0.lock().unwrap();
        all.iter().find(|(id, _)| id == message_id).map(|(_, transaction)| transaction.clone())
    }

    fn note(&self, message_id: &str, transaction: String, _: i64) {
        self.0.lock().unwrap().push((message_id.to_owned(), transaction));
    }
}
