//! Gates over headers in a dialogue, and messages of which nobody knows what became.

use std::sync::{Arc, Mutex};

use policy::{
    GateRule, GateVerdict, HeaderCheck, HeaderGate, HeaderGates, StreamRule, Streams, Unsettled,
};
use suppression::{Stream, StreamClass};

use crate::stage::{Scenery, Stage};

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

/// More than what is read of a header where only the stream is to be told.
const LONG: usize = 66_000;

fn of_long_header(fields: &str) -> String {
    let mut news = StreamRule {
        stream: Stream::new("news", StreamClass::Commercial),
        ..StreamRule::default()
    };
    news.header.push(("List-Id".parse().unwrap(), vec!["*news*".parse().unwrap()]));
    let mut stage = Stage::new(Scenery {
        streams: vec![news],
        gates: ["news:pass permit field X-Pass yes", "no refuse forbidden X-No"]
            .map(str::to_owned)
            .to_vec(),
        header_max: 200_000,
        ..Scenery::default()
    });
    stage.client_says(
        b"EHLO pc.example\r\nMAIL FROM:<a@corp.example>\r\nRCPT TO:<carol@there.example>\r\nDATA\r\n",
    );
    stage.smarthost_says(b"250 2.1.0 ok\r\n250 2.1.5 ok\r\n354 go\r\n");
    stage.to_client.clear();
    let filling = format!("X-A: {}\r\n", "y".repeat(90)).repeat(LONG / 97 + 1);
    let message = format!("X-Pass: yes\r\nX-No: 1\r\n{filling}{fields}\r\nhello\r\n.\r\n");
    stage.client_says(message.as_bytes());
    if stage.has_smarthost() {
        stage.smarthost_says(b"250 2.0.0 taken\r\n");
    }
    String::from_utf8_lossy(&stage.to_client).into_owned()
}

#[test]
fn a_long_header_is_judged_for_the_stream_it_is_of() {
    let other = of_long_header("");
    assert!(other.starts_with("550 5.7.1 the message has a field X-No"), "{other}");
    let own = of_long_header("List-Id: <news.corp.example>\r\n");
    assert!(own.starts_with("250 2.0.0"), "{own}");
}
