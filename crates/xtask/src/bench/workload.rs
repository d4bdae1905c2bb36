//! The workloads, as one table. Every figure of the report is one of these rows
//! driven through one of the subjects.

/// One kind of traffic.
#[derive(Clone, Copy, Debug)]
pub(super) struct Workload {
    /// The word for `--workload`.
    pub(super) name: &'static str,
    /// What the report calls it.
    pub(super) title: &'static str,
    /// Bytes of a message, roughly.
    pub(super) size: usize,
    pub(super) per_connection: u32,
    /// Recipients of a message, the suppressed ones included.
    pub(super) recipients: u32,
    pub(super) suppressed: u32,
    /// Sessions open at the same time.
    pub(super) sessions: u32,
    /// Messages in one round.
    pub(super) messages: u32,
    /// The client waits for every reply, as programs do that know no PIPELINING.
    pub(super) lockstep: bool,
    pub(super) measures: Measures,
}

/// What a workload is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Measures {
    /// CPU time for a message, messages a second.
    Cost,
    /// Time for a message at one session.
    Latency,
}

const BASE: Workload = Workload {
    name: "",
    title: "",
    size: 2048,
    per_connection: 20,
    recipients: 1,
    suppressed: 0,
    sessions: 8,
    messages: 4000,
    lockstep: false,
    measures: Measures::Cost,
};

/// All workloads, in the order of the report.
pub(super) const WORKLOADS: [Workload; 10] = [
    Workload {
        name: "one",
        title: "2 KB, 1 message a connection",
        per_connection: 1,
        messages: 3000,
        ..BASE
    },
    Workload { name: "twenty", title: "2 KB, 20 messages a connection", ..BASE },
    Workload {
        name: "50k",
        title: "50 KB, 20 messages a connection",
        size: 50 << 10,
        messages: 2400,
        ..BASE
    },
    Workload {
        name: "50rcpt",
        title: "50 recipients, 5 suppressed, 20 messages a connection",
        recipients: 50,
        suppressed: 5,
        messages: 1440,
        ..BASE
    },
    Workload {
        name: "5m",
        title: "5 MB, 4 messages a connection",
        size: 5 << 20,
        per_connection: 4,
        messages: 96,
        ..BASE
    },
    // The same without pipelining: what smtplib, nodemailer and smtp-source do.
    Workload {
        name: "one-lockstep",
        title: "2 KB, 1 message a connection, client without pipelining",
        per_connection: 1,
        messages: 2000,
        lockstep: true,
        ..BASE
    },
    Workload {
        name: "twenty-lockstep",
        title: "2 KB, 20 messages a connection, client without pipelining",
        messages: 2400,
        lockstep: true,
        ..BASE
    },
    Workload {
        name: "50rcpt-lockstep",
        title: "50 recipients, 5 suppressed, client without pipelining",
        recipients: 50,
        suppressed: 5,
        messages: 640,
        lockstep: true,
        ..BASE
    },
    Workload {
        name: "latency-first",
        title: "One session: connect, one message, QUIT",
        per_connection: 1,
        sessions: 1,
        messages: 400,
        measures: Measures::Latency,
        ..BASE
    },
    Workload {
        name: "latency",
        title: "One session: a message, 20 a connection",
        sessions: 1,
        messages: 1000,
        measures: Measures::Latency,
        ..BASE
    },
];

impl Workload {
    /// The row of this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        WORKLOADS.into_iter().find(|workload| workload.name == name)
    }

    /// A round with only a share of the messages, for a smoke test or a slow subject.
    /// Whole connections, and at least one for every session.
    pub(super) fn reduced(self, divisor: u32) -> Self {
        let group = self.per_connection * self.sessions;
        let messages = (self.messages / divisor.max(1)).div_ceil(group) * group;
        Self { messages, ..self }
    }

    /// Whether the `index`-th of the recipients is a suppressed one: they are spread
    /// evenly, and the first recipient is not one of them.
    pub(super) fn is_suppressed(&self, index: u32) -> bool {
        self.recipients.checked_div(self.suppressed).is_some_and(|each| index % each == each / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_the_suppressed_count_is_kept() {
        for workload in WORKLOADS {
            assert_eq!(WORKLOADS.iter().filter(|w| w.name == workload.name).count(), 1);
            let marked = (0..workload.recipients).filter(|&i| workload.is_suppressed(i)).count();
            assert_eq!(marked as u32, workload.suppressed, "{}", workload.name);
        }
    }

    #[test]
    fn a_reduced_round_keeps_whole_connections() {
        let round = WORKLOADS[1].reduced(1000);
        assert_eq!(round.messages, 160);
    }
}
