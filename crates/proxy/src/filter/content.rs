//! Gates over the content of a message: decoded once, judged in the gates' order, off the
//! session's thread.
//!
//! Work on the blocking pool cannot be ended, only left alone; so each gate has its cap, from
//! when it is its turn, waiting for a place and for the decoded message included. A gate that is
//! over it is done with by its `when_slow`, and the next is asked with a cap of its own. What
//! was left alone keeps its place until it ends, so that nobody can pile up work.

use std::sync::Arc;
use std::time::Duration;

use message::Content;
use policy::{ContentGate, ContentGates, Finding, GateVerdict, Possible};
use relay::{FilterVerdict, Room};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::workers;

/// Asks the gates that look at a message which may be on these streams. The content comes back
/// as it was; what was found is added to `findings`, what ends the search included.
pub(super) async fn judge(
    gates: &Arc<ContentGates>,
    possible: &Possible,
    content: Vec<u8>,
    room: &Room,
    findings: &mut Vec<Finding>,
) -> (Vec<u8>, FilterVerdict) {
    let asked = gates.asked(possible);
    if asked.is_empty() {
        return (content, FilterVerdict::Permit);
    }
    let shared = Arc::new((content, room.clone()));
    let verdict = each(gates, &asked, &shared, findings).await;
    // Somebody who was left alone may still be reading it.
    let (content, _) = Arc::unwrap_or_clone(shared);
    (content, verdict)
}

async fn each(
    gates: &Arc<ContentGates>,
    asked: &[usize],
    shared: &Arc<(Vec<u8>, Room)>,
    findings: &mut Vec<Finding>,
) -> FilterVerdict {
    let mut decoding = Decoding::begin(shared);
    for &at in asked {
        let Some(gate) = gates.get(at) else { continue };
        let judging = async {
            let decoded = decoding.decoded().await?;
            let gates = Arc::clone(gates);
            workers::judge(move || gates.get(at).and_then(|gate| gate.judge(&decoded.0))).await
        };
        let found = within(gate.cap, judging, gate).await;
        let Some(finding) = found else { continue };
        findings.push(finding.clone());
        match finding.verdict {
            GateVerdict::Shadow => {}
            GateVerdict::Permit => return FilterVerdict::Permit,
            GateVerdict::Refuse | GateVerdict::Defer => {
                return FilterVerdict::Found(Box::new(finding));
            }
        }
    }
    FilterVerdict::Permit
}

/// The finding of a gate within its cap, or what is said when there is none in time.
async fn within(
    cap: Duration,
    judging: impl Future<Output = Option<Option<Finding>>>,
    gate: &ContentGate,
) -> Option<Finding> {
    match timeout(cap, judging).await {
        Ok(Some(found)) => found,
        Ok(None) => {
            tracing::error!(gate = %gate.rule.name, "a gate ended by a fault of its own");
            Some(gate.failed())
        }
        Err(_) => {
            let cap = gate.cap.as_secs_f32();
            tracing::warn!(gate = %gate.rule.name, seconds = cap, "a gate took too long");
            Some(gate.too_slow())
        }
    }
}

/// The message decoded, and the room of what it was decoded from, which is about as large.
type Decoded = Arc<(Content, Room)>;

/// The message decoded, once for all gates. Whoever has not the time to wait leaves it running.
struct Decoding {
    running: JoinSet<Option<Decoded>>,
    done: Option<Option<Decoded>>,
}

impl Decoding {
    fn begin(shared: &Arc<(Vec<u8>, Room)>) -> Self {
        let shared = Arc::clone(shared);
        let mut running = JoinSet::new();
        running.spawn(workers::judge(move || {
            let (content, room) = &*shared;
            Arc::new((Content::decode(content), room.clone()))
        }));
        Self { running, done: None }
    }

    /// `None`: it failed.
    async fn decoded(&mut self) -> Option<Decoded> {
        if self.done.is_none() {
            let ended = self.running.join_next().await;
            self.done = Some(ended.and_then(Result::ok).flatten());
        }
        self.done.clone().flatten()
    }
}

#[cfg(test)]
mod tests;
