//! The greeting with a notice: every client reads it, and the evidence tells who was shown which.

mod clients;
mod records;

use std::net::SocketAddr;
use std::time::Duration;

use e2e::{Gate, wait_until};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(60);

/// Both ready texts and one of one's own: more than a reply line has room for.
const LONG: &str = "notice = { ready = [\"no-uce\", \"california-17538.45\"], country = \"US\", \
                    state = \"CA\", provider = \"Example Corp\", policy = \
                    \"https://example.com/mail-policy\", text = \"Questions about this policy: \
                    postmaster@example.com, or in writing to Example Corp, 1 Example Street, \
                    Example City, CA 90000. Whoever \
                    has a question about one message may name the reference of its refusal; \
                    this is the last word\" }\nnotice_lines = \"wrap\"\n";

/// The records of this kind.
fn of_kind(gate: &Gate, kind: &str) -> Vec<Value> {
    let mut records = gate.evidence();
    records.retain(|record| record["record"] == kind);
    records
}

/// The notices of a listener that `such` is true of, once there is one.
#[track_caller]
fn shown(gate: &Gate, listener: SocketAddr, such: impl Fn(&Value) -> bool) -> Vec<Value> {
    let found = wait_until(PATIENCE, || {
        let mut records = of_kind(gate, "notice");
        records.retain(|record| record["listener"] == listener.to_string() && such(record));
        (!records.is_empty()).then_some(records)
    });
    found.unwrap_or_else(|| panic!("nothing shown at {listener}: {:#?}", gate.evidence()))
}
