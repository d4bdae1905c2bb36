//! Which program runs on which CPU. Left to itself the scheduler puts two programs
//! that talk to each other now on one CPU and now on two, and in a virtual machine
//! waking a program on another CPU costs several times what a small message costs: the
//! same proxy then shows 20 µs in one run and 100 in the next. So the place is part of
//! the measurement, and a subject is compared with another in the same one.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// A way to lay the programs out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Layout {
    /// The proxy on one CPU, load generator and sink on another: every hand-over
    /// wakes a CPU, as between machines.
    Apart,
    /// All on one CPU: hand-overs are cheap, and the work itself is what remains.
    Together,
    /// As the scheduler likes.
    Free,
}

impl Layout {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Apart => "apart",
            Self::Together => "together",
            Self::Free => "free",
        }
    }
}

/// The CPUs of this run, as `taskset` takes them.
#[derive(Clone, Debug)]
pub(super) struct Cpus {
    all: String,
    first: String,
    second: String,
    free: bool,
}

impl Cpus {
    /// The CPUs that this process may use.
    pub(super) fn allowed(layouts: &[Layout]) -> Result<Self> {
        let status = fs::read_to_string("/proc/self/status")?;
        let line = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
        let all = line.context("the kernel does not tell which CPUs there are")?.trim().to_owned();
        let numbers = expand(&all);
        let free = layouts.contains(&Layout::Free);
        ensure!(!free || layouts.len() == 1, "the layout free can only be measured alone");
        let first = *numbers.first().context("no CPU")?;
        let second = *numbers.get(1).unwrap_or(&first);
        ensure!(
            second != first || !layouts.contains(&Layout::Apart),
            "the layout apart needs two CPUs; there is --layout together"
        );
        Ok(Self { all, first: first.to_string(), second: second.to_string(), free })
    }

    /// Where proxies run, in every layout of a run: they choose their number of
    /// threads by it when they start.
    pub(super) fn of_proxies(&self) -> &str {
        if self.free { &self.all } else { &self.first }
    }

    /// Where load generator and sink run.
    pub(super) fn of_peers(&self, layout: Layout) -> &str {
        match layout {
            Layout::Apart => &self.second,
            Layout::Together => &self.first,
            Layout::Free => &self.all,
        }
    }
}

/// The same command, on these CPUs alone.
pub(super) fn pinned(command: &Command, cpus: &str) -> Command {
    let mut whole = Command::new("taskset");
    whole.args(["-c", cpus]).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            whole.env(name, value);
        }
    }
    if let Some(folder) = command.get_current_dir() {
        whole.current_dir(folder);
    }
    whole
}

/// Moves a running process with all its threads.
pub(super) fn pin(process: u32, cpus: &str) -> Result<()> {
    let output = Command::new("taskset")
        .args(["-acp", cpus, &process.to_string()])
        .output()
        .context("cannot run taskset")?;
    ensure!(output.status.success(), "taskset: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(())
}

/// `0-2,5` → 0, 1, 2, 5.
fn expand(list: &str) -> Vec<u32> {
    let parts = list.split(',').filter_map(|part| {
        let (low, high) = part.split_once('-').unwrap_or((part, part));
        Some(low.parse().ok()?..=high.parse().ok()?)
    });
    parts.flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_cpus_are_read() {
        assert_eq!(expand("0-2,5"), [0, 1, 2, 5]);
        assert_eq!(expand("3"), [3]);
        assert_eq!(expand(""), Vec::<u32>::new());
    }

    #[test]
    fn proxies_stay_while_their_peers_move() {
        let cpus = Cpus { all: "2-5".into(), first: "2".into(), second: "3".into(), free: false };
        assert_eq!((cpus.of_proxies(), cpus.of_peers(Layout::Apart)), ("2", "3"));
        assert_eq!(cpus.of_peers(Layout::Together), "2");
    }
}
