//! The work that waits for the keeper, in two lanes: what somebody waits for, and the
//! batches of imports.
//!
//! The keeper takes from the first lane first, so that an `optout add` during an import
//! waits for the one batch that is at work (at most 50 ms) and for no other. Every ninth
//! piece comes from the second lane all the same, so that an import ends however many
//! questions are asked.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::desk::Desk;

/// A piece of work.
pub(super) type Work = Box<dyn FnOnce(&mut Desk) + Send>;

/// Pieces that may wait in a lane; whoever brings one more waits as well.
const LANE: usize = 64;
/// Pieces of the first lane after which one of the second has its turn.
const PATIENCE: u32 = 8;

/// Which lane a piece of work goes into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// Somebody waits for it.
    First,
    /// It is a part of something long.
    Second,
}

/// What is next.
pub(super) enum Next {
    /// This.
    Work(Work),
    /// Nothing for as long as was waited.
    Nothing,
    /// Nothing, and nothing more will come.
    Closed,
}

/// The queue.
pub(super) struct Queue {
    lanes: Mutex<Lanes>,
    changed: Condvar,
}

#[derive(Default)]
struct Lanes {
    first: VecDeque<Work>,
    second: VecDeque<Work>,
    /// Pieces taken from the first lane since the second had its turn.
    taken: u32,
    closed: bool,
}

impl Lanes {
    fn lane(&mut self, lane: Lane) -> &mut VecDeque<Work> {
        match lane {
            Lane::First => &mut self.first,
            Lane::Second => &mut self.second,
        }
    }

    fn take(&mut self) -> Option<Work> {
        let first = if self.taken < PATIENCE || self.second.is_empty() {
            self.first.pop_front()
        } else {
            None
        };
        match first {
            Some(work) => {
                self.taken = self.taken.saturating_add(1);
                Some(work)
            }
            None => {
                self.taken = 0;
                self.second.pop_front()
            }
        }
    }
}

impl Queue {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { lanes: Mutex::new(Lanes::default()), changed: Condvar::new() })
    }

    fn lanes(&self) -> MutexGuard<'_, Lanes> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a piece of work at the end of a lane. False: the queue is closed.
    pub(super) fn put(&self, lane: Lane, work: Work) -> bool {
        let full = |lanes: &mut Lanes| !lanes.closed && lanes.lane(lane).len() >= LANE;
        let waited = self.changed.wait_while(self.lanes(), full);
        let mut lanes = waited.unwrap_or_else(PoisonError::into_inner);
        if lanes.closed {
            return false;
        }
        lanes.lane(lane).push_back(work);
        drop(lanes);
        self.changed.notify_all();
        true
    }

    /// The next piece of work, waiting for at most `wait`. What waits when the queue is
    /// closed is handed out before the end is told.
    pub(super) fn next(&self, wait: Duration) -> Next {
        let empty =
            |lanes: &mut Lanes| !lanes.closed && lanes.first.is_empty() && lanes.second.is_empty();
        let waited = self.changed.wait_timeout_while(self.lanes(), wait, empty);
        let (mut lanes, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let next = match lanes.take() {
            Some(work) => Next::Work(work),
            None if lanes.closed => Next::Closed,
            None => return Next::Nothing,
        };
        drop(lanes);
        self.changed.notify_all();
        next
    }

    /// Takes nothing more.
    pub(super) fn close(&self) {
        self.lanes().closed = true;
        self.changed.notify_all();
    }

    /// Takes nothing more, and forgets what waits: whoever waits for an answer learns
    /// that there is none.
    pub(super) fn abandon(&self) {
        let mut lanes = self.lanes();
        lanes.closed = true;
        let forgotten = (std::mem::take(&mut lanes.first), std::mem::take(&mut lanes.second));
        drop(lanes);
        drop(forgotten);
        self.changed.notify_all();
    }
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    /// The names of the pieces in the order in which they are taken, until nothing is left.
    fn order(queue: &Queue, dropped: &std::sync::mpsc::Receiver<&'static str>) -> usize {
        let mut taken = 0;
        while let Next::Work(work) = queue.next(Duration::ZERO) {
            drop(work);
            taken += 1;
        }
        assert_eq!(dropped.try_iter().count(), taken);
        taken
    }

    #[test]
    fn the_first_lane_goes_first_and_the_second_is_not_forgotten() {
        let queue = Queue::new();
        let (tell, told) = channel();
        let named = |name: &'static str| {
            let tell = tell.clone();
            let last = Told(tell, name);
            Box::new(move |_: &mut Desk| drop(last)) as Work
        };
        for _ in 0..3 {
            assert!(queue.put(Lane::Second, named("import")));
        }
        for _ in 0..10 {
            assert!(queue.put(Lane::First, named("add")));
        }
        let mut taken = Vec::new();
        while let Next::Work(work) = queue.next(Duration::ZERO) {
            drop(work);
            taken.push(told.recv().unwrap());
        }
        let mut expected = vec!["add"; 8];
        expected.extend(["import", "add", "add", "import", "import"]);
        assert_eq!(taken, expected);
    }

    #[test]
    fn what_waits_at_the_end_is_done_or_told_to_be_given_up() {
        let (tell, told) = channel();
        let queue = Queue::new();
        let piece = || {
            let last = Told(tell.clone(), "piece");
            Box::new(move |_: &mut Desk| drop(last)) as Work
        };
        assert!(queue.put(Lane::First, piece()) && queue.put(Lane::Second, piece()));
        queue.close();
        assert!(!queue.put(Lane::First, piece()));
        assert_eq!(told.try_iter().count(), 1);
        assert_eq!(order(&queue, &told), 2);
        assert!(matches!(queue.next(Duration::ZERO), Next::Closed));

        let queue = Queue::new();
        assert!(queue.put(Lane::First, piece()));
        queue.abandon();
        assert_eq!(told.try_iter().count(), 1);
        assert!(!queue.put(Lane::Second, piece()));
    }

    /// Tells when it is dropped.
    struct Told(std::sync::mpsc::Sender<&'static str>, &'static str);

    impl Drop for Told {
        fn drop(&mut self) {
            self.0.send(self.1).unwrap();
        }
    }
}
