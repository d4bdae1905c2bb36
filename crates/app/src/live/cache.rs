//! What live lists have answered a moment ago.
//!
//! A program that mails one person several times in a row, or comes again after a 451, need
//! not cost a question each time. Only answers are kept, "not found" among them; a failure
//! never is. Keys are keyed digests, so that no address lies about in memory. All answers are
//! kept for the same time, so they lapse in the order in which they came.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use suppression::IndexKey;

/// Answers kept at most; with keys and bookkeeping less than 20 MB of such as find nothing.
pub(super) const ANSWERS_MAX: usize = 100_000;

/// Answers that still hold.
#[derive(Debug)]
pub(super) struct Cache<T> {
    answers: HashMap<IndexKey, (Instant, T)>,
    /// Keys with the time until which they hold, the oldest first. A key that was answered
    /// again stands here twice; the time tells which is meant.
    order: VecDeque<(Instant, IndexKey)>,
    hold: Duration,
    most: usize,
}

impl<T: Clone> Cache<T> {
    /// Keeps at most so many answers for so long; for no time at all: none.
    pub(super) fn new(hold: Duration, most: usize) -> Self {
        Self { answers: HashMap::new(), order: VecDeque::new(), hold, most }
    }

    /// The answer, if it still holds.
    pub(super) fn get(&self, key: IndexKey, now: Instant) -> Option<T> {
        let (until, answer) = self.answers.get(&key)?;
        (now < *until).then(|| answer.clone())
    }

    /// Keeps an answer that was asked for at that time.
    pub(super) fn put(&mut self, key: IndexKey, answer: T, now: Instant) {
        if self.hold.is_zero() || self.most == 0 {
            return;
        }
        while let Some((until, oldest)) = self.order.front().copied()
            && (until <= now || self.order.len() >= self.most)
        {
            self.order.pop_front();
            if self.answers.get(&oldest).is_some_and(|(held, _)| *held == until) {
                self.answers.remove(&oldest);
            }
        }
        let until = now + self.hold;
        if self.answers.get(&key).is_some_and(|(held, _)| *held > until) {
            // That was asked for later and answered sooner.
            return;
        }
        self.order.push_back((until, key));
        self.answers.insert(key, (until, answer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn an_answer_holds_for_its_time_and_no_longer() {
        let now = crate::clock::instant();
        let mut cache = Cache::new(5 * SECOND, 10);
        cache.put(IndexKey(1), "found", now);
        assert_eq!(cache.get(IndexKey(1), now + 4 * SECOND), Some("found"));
        assert_eq!(cache.get(IndexKey(1), now + 5 * SECOND), None);
        assert_eq!(cache.get(IndexKey(2), now), None);
        // What has lapsed makes room.
        cache.put(IndexKey(2), "not found", now + 5 * SECOND);
        assert_eq!(cache.answers.len(), 1);
    }

    #[test]
    fn the_later_answer_counts_for_its_own_time() {
        let now = crate::clock::instant();
        let mut cache = Cache::new(5 * SECOND, 10);
        cache.put(IndexKey(1), "not found", now);
        cache.put(IndexKey(1), "found", now + 3 * SECOND);
        cache.put(IndexKey(2), "not found", now + 6 * SECOND);
        assert_eq!(cache.get(IndexKey(1), now + 7 * SECOND), Some("found"));
        assert_eq!(cache.get(IndexKey(1), now + 8 * SECOND), None);
    }

    #[test]
    fn an_answer_that_was_long_on_its_way_does_not_replace_a_newer_one() {
        let now = crate::clock::instant();
        let mut cache = Cache::new(5 * SECOND, 10);
        cache.put(IndexKey(1), "found", now + SECOND);
        cache.put(IndexKey(1), "not found", now);
        assert_eq!(cache.get(IndexKey(1), now + SECOND), Some("found"));
    }

    #[test]
    fn it_holds_no_more_than_it_may() {
        let now = crate::clock::instant();
        let mut cache = Cache::new(5 * SECOND, 10);
        for key in 0..100 {
            cache.put(IndexKey(key % 37), key, now);
            assert!(cache.answers.len() <= 10 && cache.order.len() <= 10);
        }
        assert_eq!(cache.get(IndexKey(99 % 37), now), Some(99));
        assert_eq!(cache.get(IndexKey(80 % 37), now), None);
    }

    #[test]
    fn without_time_nothing_is_kept() {
        let now = crate::clock::instant();
        let mut cache = Cache::new(Duration::ZERO, 10);
        cache.put(IndexKey(1), "found", now);
        assert_eq!((cache.get(IndexKey(1), now), cache.answers.len()), (None, 0));
    }
}
