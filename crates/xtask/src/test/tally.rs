//! Counting what `cargo test` reports.
//!
//! Every test program ends with one line `test result: ok. 3 passed; 0 failed;
//! 1 ignored; 0 measured; 2 filtered out; ...`. The sums are the result of the
//! run; a program that dies without its line fails its stage by its exit code.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::processes;

/// The sums over all test programs so far.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    passed: u64,
    failed: u64,
    /// Ignored, or left out by name.
    skipped: u64,
    /// Stages that failed without a failed test: a build error, a crash.
    broken: u64,
}

impl Tally {
    /// Runs one `cargo test` and adds up its result lines.
    pub(super) fn stage(
        &mut self,
        name: &str,
        command: &mut Command,
        limit: Duration,
    ) -> Result<()> {
        let started = Instant::now();
        println!("Tests: {name}");
        let before = self.failed;
        let outcome = processes::run_lines(command, limit, |line| {
            println!("{line}");
            self.add(line);
        });
        match outcome {
            Ok(status) if !status.success() && self.failed == before => {
                eprintln!("error: tests of stage '{name}' did not end by themselves: {status}");
                self.broken += 1;
            }
            Ok(_) => {}
            // The other stages still run: more news for the one who reads.
            Err(error) => {
                eprintln!("error: {error:#}");
                self.broken += 1;
            }
        }
        println!("Tests: {name} took {} s.\n", started.elapsed().as_secs());
        Ok(())
    }

    /// Counts a failure that no test reported.
    pub(super) fn note_failure(&mut self) {
        self.broken += 1;
    }

    fn add(&mut self, line: &str) {
        let Some(counts) = line.strip_prefix("test result: ") else { return };
        let (_, counts) = counts.split_once(". ").unwrap_or(("", counts));
        for part in counts.split(';') {
            let Some((number, what)) = part.trim().split_once(' ') else { continue };
            let Ok(number) = number.parse::<u64>() else { continue };
            match what {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" | "filtered out" => self.skipped += number,
                _ => {}
            }
        }
    }

    /// Whether something ran and nothing failed.
    pub(super) fn good(&self) -> bool {
        self.passed > 0 && self.failed == 0 && self.broken == 0
    }

    /// The last line of the run.
    pub(super) fn summary(&self, without: &[String]) -> String {
        let failed = self.failed + self.broken;
        let mut line = format!("{} passed, {failed} failed", self.passed);
        if self.skipped > 0 {
            line += &format!(", {} skipped", self.skipped);
        }
        for name in without {
            line += &format!(" --without {name}");
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_lines_are_added_up_and_others_are_not() {
        let mut tally = Tally::default();
        tally.add("running 3 tests");
        tally.add("test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s");
        tally.add("test result: FAILED. 1 passed; 2 failed; 1 ignored; 0 measured; 4 filtered out; finished in 1s");
        assert_eq!(tally, Tally { passed: 4, failed: 2, skipped: 5, broken: 0 });
        assert!(!tally.good());
        assert_eq!(tally.summary(&[]), "4 passed, 2 failed, 5 skipped");
    }

    #[test]
    fn the_summary_repeats_what_was_left_out() {
        let mut tally = Tally::default();
        tally.add("test result: ok. 7 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0s");
        assert!(tally.good());
        let without = ["exim".to_owned(), "net-smtp".to_owned()];
        assert_eq!(tally.summary(&without), "7 passed, 0 failed --without exim --without net-smtp");
    }

    #[test]
    fn a_run_without_any_test_is_not_good() {
        assert!(!Tally::default().good());
    }

    #[test]
    fn a_stage_that_dies_counts_as_a_failure() {
        let mut tally = Tally::default();
        let mut command = Command::new("sh");
        command.args(["-c", "echo 'test result: ok. 1 passed; 0 failed'; exit 101"]);
        tally.stage("made up", &mut command, Duration::from_secs(20)).unwrap();
        assert!(!tally.good());
        assert_eq!(tally.summary(&[]), "1 passed, 1 failed");
    }
}
