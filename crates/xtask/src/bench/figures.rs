//! Medians and ratios over the rounds. A ratio is made within a round and the median
//! taken of the ratios: both numbers then saw the same state of the machine.

use super::layout::Layout;
use super::run::{MemorySample, Sample};
use super::subject::Subject;

/// A layout and the name of a workload.
#[derive(Clone, Copy, Debug)]
pub(super) struct At<'a>(pub(super) Layout, pub(super) &'a str);

/// All samples of one run of the benchmark.
#[derive(Debug, Default)]
pub(super) struct Figures {
    /// The layouts of this run, in the order of the report.
    pub(super) layouts: Vec<Layout>,
    pub(super) samples: Vec<Sample>,
    pub(super) memory: Vec<MemorySample>,
    /// Round trips to the smarthost for a message with 50 recipients.
    pub(super) round_trips: Vec<(Subject, f64)>,
    /// The first start of the gate: seconds until the list was in force, resident set
    /// then, and largest resident set until then (KiB).
    pub(super) import: Option<(f64, u64, u64)>,
    /// Sessions held open in the memory measurement, for the subject.
    pub(super) idle_sessions: Vec<(Subject, u32)>,
}

impl Figures {
    /// The median of a figure over the rounds.
    pub(super) fn median(
        &self,
        at: At<'_>,
        subject: Subject,
        figure: impl Fn(&Sample) -> f64,
    ) -> Option<f64> {
        median(self.of(at, subject).map(figure).collect())
    }

    /// The median of `figure(subject, other)` over the rounds that have both.
    pub(super) fn median_of_pairs(
        &self,
        at: At<'_>,
        subject: Subject,
        other: Subject,
        figure: impl Fn(&Sample, &Sample) -> f64,
    ) -> Option<f64> {
        let pairs = self.of(at, subject).filter_map(|one| {
            let twin = self.of(at, other).find(|two| two.round == one.round)?;
            Some(figure(one, twin))
        });
        median(pairs.collect())
    }

    /// The median of `figure(first, second)` of one subject over the rounds that have
    /// both workloads.
    pub(super) fn median_of_workloads(
        &self,
        first: At<'_>,
        second: At<'_>,
        subject: Subject,
        figure: impl Fn(&Sample, &Sample) -> f64,
    ) -> Option<f64> {
        let pairs = self.of(first, subject).filter_map(|one| {
            let twin = self.of(second, subject).find(|two| two.round == one.round)?;
            Some(figure(one, twin))
        });
        median(pairs.collect())
    }

    /// CPU time for a message, as a multiple of another subject's.
    pub(super) fn cpu_ratio(&self, at: At<'_>, subject: Subject, other: Subject) -> Option<f64> {
        self.median_of_pairs(at, subject, other, |a, b| a.cpu_us / b.cpu_us)
    }

    /// Median time above direct delivery, microseconds.
    pub(super) fn added(
        &self,
        at: At<'_>,
        subject: Subject,
        time: impl Fn(&Sample) -> f64,
    ) -> Option<f64> {
        self.median_of_pairs(at, subject, Subject::Direct, |a, b| time(a) - time(b))
    }

    /// The median of a memory figure.
    pub(super) fn memory(
        &self,
        subject: Subject,
        figure: impl Fn(&MemorySample) -> f64,
    ) -> Option<f64> {
        median(self.memory.iter().filter(|s| s.subject == subject).map(figure).collect())
    }

    fn of(&self, at: At<'_>, subject: Subject) -> impl Iterator<Item = &Sample> {
        self.samples
            .iter()
            .filter(move |s| s.subject == subject && (s.layout, s.workload) == (at.0, at.1))
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    if values.len() % 2 == 1 {
        return Some(upper);
    }
    Some((values.get(middle.checked_sub(1)?)? + upper) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_of_odd_even_and_none() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(Vec::new()), None);
    }

    #[test]
    fn a_ratio_is_made_within_a_round() {
        let sample = |subject, round, cpu_us| Sample {
            subject,
            layout: Layout::Apart,
            workload: "one",
            round,
            cpu_us,
            per_second: 0.0,
            message_us: 0.0,
            connection_us: 0.0,
            peak_kib: 0,
        };
        let mut figures = Figures::default();
        for (round, ours, theirs) in [(0, 10.0, 5.0), (1, 200.0, 100.0), (2, 30.0, 10.0)] {
            figures.samples.push(sample(Subject::Optgate, round, ours));
            figures.samples.push(sample(Subject::Haproxy, round, theirs));
        }
        figures.samples.push(sample(Subject::Optgate, 3, 1.0));
        assert_eq!(
            figures.cpu_ratio(At(Layout::Apart, "one"), Subject::Optgate, Subject::Haproxy),
            Some(2.0)
        );
        assert_eq!(
            figures.cpu_ratio(At(Layout::Together, "one"), Subject::Optgate, Subject::Haproxy),
            None
        );
    }
}
