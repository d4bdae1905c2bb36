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
use relay::FilterVerdict;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::workers;

/// Asks the gates that look at a message which may be on these streams. The content comes back
/// as it was; what was found is added to `findings`, what ends the search included.
pub(super) async fn judge(
    gates: &Arc<ContentGates>,
    possible: &Possible,
    content: Vec<u8>,
    findings: &mut Vec<Finding>,
) -> (Vec<u8>, FilterVerdict) {
    let asked = gates.asked(possible);
    if asked.is_empty() {
        return (content, FilterVerdict::Permit);
    }
    let content = Arc::new(content);
    let verdict = each(gates, &asked, &content, findings).await;
    // Somebody who was left alone may still be reading it.
    (Arc::unwrap_or_clone(content), verdict)
}

async fn each(
    gates: &Arc<ContentGates>,
    asked: &[usize],
    content: &Arc<Vec<u8>>,
    findings: &mut Vec<Finding>,
) -> FilterVerdict {
    let mut decoding = Decoding::begin(content);
    for &at in asked {
        let Some(gate) = gates.get(at) else { continue };
        let judging = async {
            let decoded = decoding.decoded().await?;
            let gates = Arc::clone(gates);
            workers::run(move || gates.get(at).and_then(|gate| gate.judge(&decoded))).await
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

/// The message decoded, once for all gates. Whoever has not the time to wait leaves it running.
struct Decoding {
    running: JoinSet<Option<Arc<Content>>>,
    done: Option<Option<Arc<Content>>>,
}

impl Decoding {
    fn begin(content: &Arc<Vec<u8>>) -> Self {
        let content = Arc::clone(content);
        let mut running = JoinSet::new();
        running.spawn(workers::run(move || Arc::new(Content::decode(&content))));
        Self { running, done: None }
    }

    /// `None`: it failed.
    async fn decoded(&mut self) -> Option<Arc<Content>> {
        if self.done.is_none() {
            let ended = self.running.join_next().await;
            self.done = Some(ended.and_then(Result::ok).flatten());
        }
        self.done.clone().flatten()
    }
}

#[cfg(test)]
mod tests;
