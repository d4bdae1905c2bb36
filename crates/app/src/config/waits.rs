//! Warns where what is asked about a message may take longer than a client waits: it would hear
//! 451 while filters still work, and again each time it comes back.

use std::net::SocketAddr;
use std::time::Duration;

use policy::{StreamId, Streams};

use super::fault::{Fault, Severity};
use super::file::File;
use super::gate_settings::{GateCheck, GateSettings};
use super::section::Section;
use super::settings::{ListenerSettings, MilterSettings};

/// Whatever is asked about messages one behind the other, each with a cap.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) gates: &'a [GateSettings],
    pub(crate) milters: &'a [MilterSettings],
}

/// One warning, for the listener and stream with the longest caps.
pub(crate) fn check(
    file: &File,
    asked: Asked<'_>,
    streams: &Streams,
    listeners: &[ListenerSettings],
    faults: &mut Vec<Fault>,
) {
    let budget = file.limits.transaction_wait.value.0;
    let listener = listeners.iter().map(|one| one.address);
    let sums =
        listener.flat_map(|at| streams.iter().map(move |(stream, _)| (at, asked.caps(at, stream))));
    let Some((listener, caps)) = sums.max_by_key(|(_, caps)| caps.sum()) else { return };
    if caps.sum() <= budget {
        return;
    }
    let message = format!(
        "{} of {listener} may take {} s together, and a client waits {} s",
        caps.who(),
        caps.sum().as_secs(),
        budget.as_secs()
    );
    let gates = file.gates.iter().filter_map(|one| one.cap.said());
    let said = gates.map(|cap| (cap.value.0, cap.span()));
    let said = said.chain(file.milters.iter().map(|one| (one.cap.value.0, one.cap.span())));
    let said = said.filter_map(|(cap, span)| Some((cap, span?)));
    let longest = said.max_by_key(|(cap, _)| *cap).map(|(_, span)| span);
    let first = || file.milters.first().and_then(Section::heading);
    let heading = || first().or_else(|| file.gates.first().and_then(Section::heading));
    faults.push(
        Fault::maybe_at(longest.or_else(heading), message)
            .severity(Severity::Warning)
            .help("shorter caps; or a longer transaction_wait under [limits], below 10 minutes"),
    );
}

/// The caps of what is asked about a message, added up.
#[derive(Clone, Copy)]
struct Caps {
    gates: Duration,
    milters: Duration,
}

impl Asked<'_> {
    fn caps(&self, listener: SocketAddr, stream: StreamId) -> Caps {
        let gates = self.gates.iter().filter(|one| one.is_for(listener));
        let gates = gates.filter(|one| {
            one.rule.streams.as_ref().is_none_or(|streams| streams.contains(&stream))
        });
        let gates = gates.filter_map(|one| match &one.check {
            GateCheck::Content(_, judging) => Some(judging.cap),
            GateCheck::Header(_) => None,
        });
        let milters = self.milters.iter().filter(|one| one.is_for(listener));
        Caps {
            gates: gates.fold(Duration::ZERO, Duration::saturating_add),
            milters: milters
                .map(|one| one.milter.cap)
                .fold(Duration::ZERO, Duration::saturating_add),
        }
    }
}

impl Caps {
    fn sum(&self) -> Duration {
        self.gates.saturating_add(self.milters)
    }

    fn who(&self) -> &'static str {
        match (self.gates.is_zero(), self.milters.is_zero()) {
            (true, _) => "the milters",
            (false, true) => "the gates over content",
            (false, false) => "the gates over content and the milters",
        }
    }
}
