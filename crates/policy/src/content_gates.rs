//! The gates over decoded content, in the order of their rules.

use std::time::Duration;

use message::Content;

use crate::content_check::{ContentCheck, Judgement};
use crate::finding::{Finding, GateVerdict};
use crate::gate_rule::GateRule;
use crate::streams::{Possible, StreamId};

/// One gate.
#[derive(Debug, Clone)]
pub struct ContentGate {
    /// Its name, whom it looks at, and what follows.
    pub rule: GateRule,
    /// What it looks for.
    pub check: ContentCheck,
    /// How long it may take, decoding included where it is the first.
    pub cap: Duration,
    /// What is done when it takes longer; `Permit` and `Shadow`: the next gate is asked.
    pub when_slow: GateVerdict,
    /// What is done about a message that cannot be read whole, in what can be read of which it
    /// finds nothing; `Permit` and `Shadow`: the next gate is asked.
    pub when_unreadable: GateVerdict,
}

impl ContentGate {
    /// How long a gate may take unless it is said.
    pub const CAP: Duration = Duration::from_secs(10);

    /// What a gate with that verdict does when it takes too long, unless it is said: a message
    /// that nobody could judge is put off. A gate that only watches, or only lets pass, stops
    /// nothing then either.
    pub fn when_slow_for(verdict: GateVerdict) -> GateVerdict {
        match verdict {
            GateVerdict::Refuse | GateVerdict::Defer => GateVerdict::Defer,
            GateVerdict::Permit | GateVerdict::Shadow => GateVerdict::Shadow,
        }
    }

    /// The same for a message that cannot be read. Trying again does not make it readable.
    pub fn when_unreadable_for(verdict: GateVerdict) -> GateVerdict {
        match verdict {
            GateVerdict::Refuse | GateVerdict::Defer => verdict,
            GateVerdict::Permit | GateVerdict::Shadow => GateVerdict::Shadow,
        }
    }

    /// What it finds.
    pub fn judge(&self, content: &Content) -> Option<Finding> {
        match self.check.judge(content) {
            Judgement::Clear => None,
            Judgement::Found(found) => Some(self.rule.finding(found)),
            Judgement::Unreadable(why) => Some(self.otherwise(self.when_unreadable, why)),
        }
    }

    /// What is said when it took longer than its cap.
    pub fn too_slow(&self) -> Finding {
        let found = format!("not judged within {} s", self.cap.as_secs_f32());
        self.otherwise(self.when_slow, found)
    }

    /// What is said when it could not judge for a fault of our own: a message that nobody has
    /// judged is not taken.
    pub fn failed(&self) -> Finding {
        self.otherwise(ContentGate::when_slow_for(self.rule.verdict), "not judged".to_owned())
    }

    fn otherwise(&self, verdict: GateVerdict, found: String) -> Finding {
        // A permit ends the search, and this is none: the gates behind it are asked.
        let verdict = match verdict {
            GateVerdict::Permit => GateVerdict::Shadow,
            other => other,
        };
        // The rule's own text is about what it looks for.
        Finding { verdict, text: None, ..self.rule.finding(found) }
    }
}

/// All of a listener.
#[derive(Debug, Clone, Default)]
pub struct ContentGates {
    gates: Vec<ContentGate>,
}

impl ContentGates {
    /// The gates in their order.
    pub fn new(gates: Vec<ContentGate>) -> Self {
        Self { gates }
    }

    /// There is none.
    pub fn is_empty(&self) -> bool {
        self.gates.is_empty()
    }

    /// Each of them, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &ContentGate> {
        self.gates.iter()
    }

    /// The places of those that judge a message that may be on any of these streams.
    pub fn asked(&self, possible: &Possible) -> Vec<usize> {
        let gates = self.gates.iter().enumerate();
        gates.filter(|(_, gate)| gate.rule.judges(possible)).map(|(at, _)| at).collect()
    }

    /// The gate at a place.
    pub fn get(&self, at: usize) -> Option<&ContentGate> {
        self.gates.get(at)
    }

    /// The streams whose messages one of them looks at; `None`: every stream.
    pub fn streams(&self) -> Option<Vec<StreamId>> {
        let mut all = Vec::new();
        for gate in &self.gates {
            all.extend(gate.rule.streams.as_ref()?.iter().copied());
        }
        all.sort_unstable();
        all.dedup();
        Some(all)
    }
}

#[cfg(test)]
mod tests;
