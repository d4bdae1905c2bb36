//! What issue and design promise, as one table, and whether this run keeps it.

use super::figures::{At, Figures};
use super::subject::Subject;
use super::workload::{Measures, WORKLOADS};

/// One promise.
#[derive(Debug)]
pub(super) struct Aim {
    pub(super) what: String,
    /// The figure must not exceed this.
    pub(super) limit: f64,
    /// Absent when this run did not measure it.
    pub(super) figure: Option<f64>,
    pub(super) unit: &'static str,
}

impl Aim {
    /// The word for the report.
    pub(super) fn verdict(&self) -> &'static str {
        if self.figure.is_some_and(|figure| figure <= self.limit) { "met" } else { "MISSED" }
    }
}

/// CPU time for a message, as a multiple of HAProxy's.
const CPU_OF_HAPROXY: f64 = 2.0;
/// CPU time for a message, as a share of Postfix's.
const CPU_OF_POSTFIX: f64 = 0.25;
/// Added median latency, as a multiple of HAProxy's.
const LATENCY_OF_HAPROXY: f64 = 1.5;
/// KiB for an idle session.
const IDLE_KIB: f64 = 20.0;
/// MiB resident with the whole list.
const LIST_MIB: f64 = 60.0;
/// MiB by which the largest resident set may grow from 2 KB to 5 MB messages. Eight of
/// them are under way, so a proxy that holds a tenth of each is over it.
const FLAT_MIB: f64 = 4.0;
/// Round trips for a message with 50 recipients: envelope, DATA, final dot, and one more.
const ROUND_TRIPS: f64 = 4.0;

/// All aims with the figures of this run.
pub(super) fn aims(figures: &Figures) -> Vec<Aim> {
    use Subject::{Haproxy, Optgate, Postfix};
    let layouts = &figures.layouts;
    let mut aims = Vec::new();
    for &layout in layouts {
        for workload in WORKLOADS.iter().filter(|w| w.measures == Measures::Cost) {
            for (other, limit) in [(Haproxy, CPU_OF_HAPROXY), (Postfix, CPU_OF_POSTFIX)] {
                let (workload, place) = (workload.name, layout.name());
                aims.push(Aim {
                    what: format!("CPU a message, {workload}, {place}: of {}", other.name()),
                    limit,
                    figure: figures.cpu_ratio(At(layout, workload), Optgate, other),
                    unit: "times",
                });
            }
        }
    }
    for &layout in layouts {
        let warm = |subject| figures.added(At(layout, "latency"), subject, |s| s.message_us);
        aims.push(Aim {
            what: format!("added latency of a message, {}: of haproxy", layout.name()),
            limit: LATENCY_OF_HAPROXY,
            figure: ratio(warm(Optgate), warm(Haproxy)),
            unit: "times",
        });
        let first =
            |subject| figures.added(At(layout, "latency-first"), subject, |s| s.connection_us);
        aims.push(Aim {
            what: format!("added latency of a connection, {}: of haproxy", layout.name()),
            limit: LATENCY_OF_HAPROXY,
            figure: ratio(first(Optgate), first(Haproxy)),
            unit: "times",
        });
    }
    aims.extend(memory_aims(figures));
    aims.push(Aim {
        what: "pipelining kept: round trips for 50 recipients".into(),
        limit: ROUND_TRIPS,
        figure: figures.round_trips.iter().find(|(s, _)| *s == Optgate).map(|(_, trips)| *trips),
        unit: "",
    });
    aims
}

fn memory_aims(figures: &Figures) -> Vec<Aim> {
    use Subject::Optgate;
    let mut aims = Vec::new();
    aims.push(Aim {
        what: "memory for an idle session".into(),
        limit: IDLE_KIB,
        figure: figures.memory(Optgate, |s| s.idle_kib),
        unit: "KiB",
    });
    aims.push(Aim {
        what: "resident memory with the list, after a restart".into(),
        limit: LIST_MIB,
        figure: figures.memory(Optgate, |s| s.rss_kib as f64 / 1024.0),
        unit: "MiB",
    });
    aims.push(Aim {
        what: "resident memory with the list, after its import".into(),
        limit: LIST_MIB,
        figure: figures.import.map(|(_, rss, _)| rss as f64 / 1024.0),
        unit: "MiB",
    });
    let grown = figures.layouts.first().and_then(|&layout| {
        figures.median_of_workloads(
            At(layout, "5m"),
            At(layout, "twenty"),
            Optgate,
            |big, small| (big.peak_kib as f64 - small.peak_kib as f64) / 1024.0,
        )
    });
    aims.push(Aim {
        what: "growth of the largest resident set, 2 KB to 5 MB messages".into(),
        limit: FLAT_MIB,
        figure: grown,
        unit: "MiB",
    });
    aims
}

fn ratio(of: Option<f64>, to: Option<f64>) -> Option<f64> {
    of.zip(to).map(|(of, to)| of / to)
}
