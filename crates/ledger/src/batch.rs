//! How many rows go into one commit. A commit holds the write lock, so an import that took
//! long ones would keep an `optout add` waiting (DESIGN s7: at most 50 ms); one that took tiny
//! ones would spend its time in fsync. The caller owns the clock and reports what a commit took.

use std::time::Duration;

/// What one commit should take.
const TARGET: Duration = Duration::from_millis(50);
const SMALLEST: usize = 64;
const LARGEST: usize = 20_000;

/// The size of the next batch of an import.
#[derive(Debug, Clone)]
pub struct BatchSize {
    rows: usize,
}

impl BatchSize {
    /// Begins small: nothing is known of the disk yet.
    #[must_use]
    pub fn new() -> Self {
        Self { rows: 1000 }
    }

    /// Rows for the next batch.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Learns from a commit of `rows` rows that took `elapsed`. At most doubles or halves, so
    /// that one slow fsync does not throw it off.
    pub fn learn(&mut self, rows: usize, elapsed: Duration) {
        if rows == 0 {
            return;
        }
        let micros = elapsed.as_micros().max(1);
        let fitting = (rows as u128).saturating_mul(TARGET.as_micros()) / micros;
        let fitting = usize::try_from(fitting).unwrap_or(LARGEST);
        self.rows = fitting.clamp(self.rows / 2, self.rows * 2).clamp(SMALLEST, LARGEST);
    }
}

impl Default for BatchSize {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settles_where_a_commit_takes_fifty_milliseconds() {
        for micros_a_row in [4_u64, 10, 300] {
            let mut batch = BatchSize::new();
            for _ in 0..12 {
                let rows = batch.rows();
                batch.learn(rows, Duration::from_micros(2000 + micros_a_row * rows as u64));
            }
            let took = Duration::from_micros(2000 + micros_a_row * batch.rows() as u64);
            assert!(took <= TARGET + Duration::from_millis(2), "{micros_a_row}: {took:?}");
            assert!(took >= TARGET / 2 || batch.rows() == LARGEST, "{micros_a_row}: {took:?}");
        }
    }

    #[test]
    fn one_slow_commit_only_halves_it() {
        let mut batch = BatchSize::new();
        batch.learn(1000, Duration::from_secs(20));
        assert_eq!(batch.rows(), 500);
        for _ in 0..20 {
            batch.learn(500, Duration::from_secs(20));
        }
        assert_eq!(batch.rows(), SMALLEST);
        batch.learn(0, Duration::ZERO);
        assert_eq!(batch.rows(), SMALLEST);
        for _ in 0..20 {
            batch.learn(batch.rows(), Duration::ZERO);
        }
        assert_eq!(batch.rows(), LARGEST);
    }
}
