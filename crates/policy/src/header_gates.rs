//! The gates over headers, in the order of their rules.

use message::Header;

use crate::finding::{Finding, GateVerdict};
use crate::gate_rule::GateRule;
use crate::header_check::HeaderCheck;
use crate::streams::Possible;

/// One gate.
#[derive(Debug, Clone)]
pub struct HeaderGate {
    /// Its name, whom it looks at, and what follows.
    pub rule: GateRule,
    /// What it looks for.
    pub check: HeaderCheck,
}

/// All of a listener.
#[derive(Debug, Clone, Default)]
pub struct HeaderGates {
    gates: Vec<HeaderGate>,
}

/// What they have found in one header.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeaderFindings {
    /// Of gates that only watch, in their order.
    pub watched: Vec<Finding>,
    /// The one that ended the search: it refuses, defers or permits.
    pub last: Option<Finding>,
}

impl HeaderGates {
    /// The gates in their order.
    pub fn new(gates: Vec<HeaderGate>) -> Self {
        Self { gates }
    }

    /// Whether one of them looks at a message that may be on any of these streams, so that its
    /// header has to be kept.
    pub fn want(&self, possible: &Possible) -> bool {
        self.gates.iter().any(|gate| gate.rule.is_for(possible))
    }

    /// Judges a header. `possible`: the stream it is on, once that is decided; until then, those
    /// that it may be on.
    pub fn judge(&self, header: &Header, possible: &Possible) -> HeaderFindings {
        let mut findings = HeaderFindings::default();
        for gate in self.gates.iter().filter(|gate| gate.rule.judges(possible)) {
            let Some(found) = gate.check.find(header) else { continue };
            let finding = gate.rule.finding(found);
            if finding.verdict != GateVerdict::Shadow {
                findings.last = Some(finding);
                break;
            }
            findings.watched.push(finding);
        }
        findings
    }
}
