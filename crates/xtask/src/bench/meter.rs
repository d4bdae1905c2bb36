//! CPU time and memory of a process and everything below it, from `/proc`.
//!
//! CPU time comes from the scheduler's own account of every thread (`schedstat`,
//! nanoseconds). It forgets threads that have ended, so the clock ticks of `stat` are
//! taken where they say more; those of children that ended are added. Memory is the
//! proportional set size: what several processes share is counted once.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// The kernel's unit in `/proc/PID/stat`, fixed at 100 a second (proc(5), USER_HZ).
const TICK: Duration = Duration::from_millis(10);

/// A process with all its descendants.
#[derive(Clone, Copy, Debug)]
pub(super) struct Meter {
    root: u32,
}

impl Meter {
    pub(super) fn new(root: u32) -> Self {
        Self { root }
    }

    /// The accounts at this moment.
    pub(super) fn usage(&self) -> Usage {
        let processes = self.tree();
        Usage {
            ended: processes.iter().map(|&pid| ended_children(pid)).sum(),
            own: processes.into_iter().map(|pid| (pid, Account::of(pid))).collect(),
        }
    }

    /// CPU time used so far, that of ended children included.
    pub(super) fn cpu(&self) -> Duration {
        self.usage().since(&Usage::default())
    }

    /// Waits until the process does nothing any more: after a start it may still be
    /// reading lists or merging. Gives up after two minutes.
    pub(super) fn wait_until_quiet(&self) {
        const STEP: Duration = Duration::from_millis(250);
        const QUIET: Duration = Duration::from_millis(5);
        let mut quiet = 0;
        for _ in 0..480 {
            let before = self.cpu();
            std::thread::sleep(STEP);
            quiet = if self.cpu().saturating_sub(before) < QUIET { quiet + 1 } else { 0 };
            if quiet == 4 {
                return;
            }
        }
        eprintln!("warning: process {} does not come to rest", self.root);
    }

    /// Proportional set size in KiB.
    pub(super) fn pss(&self) -> u64 {
        self.sum("smaps_rollup", "Pss:")
    }

    /// Resident set size in KiB. Of several processes the sum, so shared pages count often.
    pub(super) fn rss(&self) -> u64 {
        self.sum("status", "VmRSS:")
    }

    /// The largest resident set size since `reset_peak`, in KiB.
    pub(super) fn peak(&self) -> u64 {
        self.sum("status", "VmHWM:")
    }

    /// Forgets the largest resident set size seen so far.
    pub(super) fn reset_peak(&self) {
        for pid in self.tree() {
            // A process that ended meanwhile has no peak.
            let _ = fs::write(format!("/proc/{pid}/clear_refs"), "5");
        }
    }

    fn sum(&self, file: &str, field: &str) -> u64 {
        self.tree().into_iter().filter_map(|pid| kibibytes(pid, file, field)).sum()
    }

    /// The process and all below it, parents first.
    fn tree(&self) -> Vec<u32> {
        let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
        for pid in numbers(Path::new("/proc")) {
            if let Some(parent) = stat_field(pid, 1) {
                children.entry(u32::try_from(parent).unwrap_or(0)).or_default().push(pid);
            }
        }
        let mut found = vec![self.root];
        let mut next = 0;
        while let Some(pid) = found.get(next) {
            found.extend(children.remove(pid).unwrap_or_default());
            next += 1;
        }
        found
    }
}

/// CPU time of a tree of processes, in its parts.
#[derive(Debug, Default)]
pub(super) struct Usage {
    own: HashMap<u32, Account>,
    /// Of children that ended and were waited for.
    ended: Duration,
}

impl Usage {
    /// CPU time used between two moments.
    pub(super) fn since(&self, before: &Self) -> Duration {
        let nothing = Account::default();
        let alive = self
            .own
            .iter()
            .map(|(pid, account)| account.since(before.own.get(pid).unwrap_or(&nothing)));
        // What a child had used before is in its parent's account once it has ended.
        let gone = before.own.iter().filter(|(pid, _)| !self.own.contains_key(pid));
        let gone: Duration = gone.map(|(_, account)| account.since(&nothing)).sum();
        (alive.sum::<Duration>() + self.ended).saturating_sub(before.ended + gone)
    }
}

/// What one process has used: by thread, exactly, and as a whole, in ticks.
#[derive(Debug, Default)]
struct Account {
    threads: HashMap<u32, u64>,
    ticks: Duration,
}

impl Account {
    fn of(pid: u32) -> Self {
        let folder = format!("/proc/{pid}/task");
        let nanoseconds = |thread: u32| {
            let text = fs::read_to_string(format!("{folder}/{thread}/schedstat")).ok()?;
            text.split_ascii_whitespace().next()?.parse::<u64>().ok()
        };
        let threads = numbers(Path::new(&folder)).into_iter();
        Self {
            threads: threads.filter_map(|thread| Some((thread, nanoseconds(thread)?))).collect(),
            ticks: ticks(pid, 11) + ticks(pid, 12),
        }
    }

    fn since(&self, before: &Self) -> Duration {
        let thread = |(number, now): (&u32, &u64)| {
            now.saturating_sub(before.threads.get(number).copied().unwrap_or(0))
        };
        let exact = Duration::from_nanos(self.threads.iter().map(thread).sum());
        let coarse = self.ticks.saturating_sub(before.ticks);
        // More than rounding: threads have ended, and took their account with them.
        if coarse > exact + 3 * TICK { coarse } else { exact }
    }
}

fn ended_children(pid: u32) -> Duration {
    ticks(pid, 13) + ticks(pid, 14)
}

fn ticks(pid: u32, field: usize) -> Duration {
    TICK * u32::try_from(stat_field(pid, field).unwrap_or(0)).unwrap_or(0)
}

/// A field of `/proc/PID/stat`, counted from the one behind the name: 1 is the
/// parent, 11 and 12 the CPU time, 13 and 14 that of ended children.
fn stat_field(pid: u32, index: usize) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in parentheses and may hold spaces and parentheses itself.
    let (_, fields) = text.rsplit_once(')')?;
    fields.split_ascii_whitespace().nth(index)?.parse().ok()
}

fn kibibytes(pid: u32, file: &str, field: &str) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/{file}")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(field))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

fn numbers(folder: &Path) -> Vec<u32> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;
    use std::time::Instant;

    #[test]
    fn own_and_ended_childrens_time_is_counted() {
        let meter = Meter::new(std::process::id());
        let before = meter.cpu();
        let began = Instant::now();
        let own = loop {
            let own = meter.cpu() - before;
            if own >= Duration::from_millis(5) {
                break own;
            }
            assert!(began.elapsed() < Duration::from_secs(60), "{own:?}");
        };
        let script = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
        Command::new("sh").args(["-c", script]).status().unwrap();
        let with_child = meter.cpu() - before;
        assert!(with_child >= own + Duration::from_millis(20), "{with_child:?} after {own:?}");
    }

    #[test]
    fn ended_threads_are_in_the_ticks_and_do_not_make_the_rest_coarse() {
        let ms = Duration::from_millis;
        let account = |thread: u64, ticks| Account { threads: [(1, thread)].into(), ticks };
        let before = account(1_000_000, ms(500));
        assert_eq!(account(4_200_000, ms(510)).since(&before), Duration::from_micros(3200));
        assert_eq!(account(4_200_000, ms(700)).since(&before), ms(200));
    }

    #[test]
    fn a_child_that_ended_is_counted_once() {
        let ms = Duration::from_millis;
        let account = |ticks| Account { threads: HashMap::new(), ticks };
        let before =
            Usage { own: [(1, account(ms(100))), (2, account(ms(50)))].into(), ended: ms(0) };
        let after = Usage { own: [(1, account(ms(100)))].into(), ended: ms(120) };
        assert_eq!(after.since(&before), ms(70));
    }

    #[test]
    fn the_peak_stays_until_it_is_reset() {
        let meter = Meter::new(std::process::id());
        drop(std::hint::black_box(vec![1_u8; 64 << 20]));
        assert!(meter.peak() > meter.rss() + (32 << 10));
        meter.reset_peak();
        assert!(meter.peak() < meter.rss() + (32 << 10));
        assert!(meter.pss() > 0);
    }
}
