//! A number that many sessions add to.
//!
//! Relaxed atomics: nothing is ordered by them, and nobody waits. What is counted,
//! and under which name, is said by the module that counts; this room knows no
//! labels.

use std::sync::atomic::{AtomicU64, Ordering};

/// A number that grows, or, as a gauge, is set.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub fn count(&self) {
        self.add(1);
    }

    /// `more` more; wraps at 2^64.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// Replaces the number: a gauge.
    pub fn set(&self, now: u64) {
        self.0.store(now, Ordering::Relaxed);
    }

    /// The number now.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_between_threads() {
        let counter = Counter::default();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..1000).for_each(|_| counter.count()));
            }
        });
        counter.add(5);
        assert_eq!(counter.get(), 4005);
        counter.set(7);
        assert_eq!(counter.get(), 7);
    }
}
