//! What is held of a message while the smarthost waits before DATA, kept alive by NOOP,
//! and how much of that all sessions together may hold.
//!
//! NOOP is legal there and touches no transaction (RFC 5321 s4.1.1.9); behind a 354
//! nothing but mail data is. Stock servers drop a client after about ten commands
//! that carry no mail, so the NOOPs of a transaction are few. All held bytes of the
//! process count against one budget.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use smtp_session::Moment;

/// How a transaction is held.
#[derive(Debug, Clone)]
pub struct HoldSettings {
    /// The largest content, or header, that is held, in octets; more is 552 5.3.4.
    pub limit: usize,
    /// The time between two NOOPs.
    pub noop_every: Duration,
    /// NOOPs in one transaction.
    pub noops_max: u32,
    /// What all transactions together may hold.
    pub budget: Arc<HoldBudget>,
}

impl HoldSettings {
    /// NOOP every 120 seconds, at most four in a transaction.
    pub fn new(limit: usize, budget: Arc<HoldBudget>) -> Self {
        Self { limit, noop_every: Duration::from_secs(120), noops_max: 4, budget }
    }
}

/// Octets that may be held by all sessions of the process together.
#[derive(Debug)]
pub struct HoldBudget {
    whole: AtomicUsize,
    held: AtomicUsize,
}

impl HoldBudget {
    /// A budget of `octets`.
    pub fn new(octets: usize) -> Self {
        Self { whole: AtomicUsize::new(octets), held: AtomicUsize::new(0) }
    }

    /// Another size. What is held already may be more than that; then nothing is added to it.
    pub fn resize(&self, octets: usize) {
        self.whole.store(octets, Ordering::Relaxed);
    }

    /// Octets nobody holds.
    pub fn left(&self) -> usize {
        let held = self.held.load(Ordering::Relaxed);
        self.whole.load(Ordering::Relaxed).saturating_sub(held)
    }

    /// Takes up room for so many octets; `None` when there is not that much.
    pub fn room(self: &Arc<Self>, octets: usize) -> Option<Room> {
        let taken = self.take(octets);
        taken.then(|| Room(Arc::new(Share { budget: Arc::clone(self), octets })))
    }

    fn take(&self, octets: usize) -> bool {
        let whole = self.whole.load(Ordering::Relaxed);
        let more = |held: usize| held.checked_add(octets).filter(|held| *held <= whole);
        self.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }

    fn give(&self, octets: usize) {
        self.held.fetch_sub(octets, Ordering::Relaxed);
    }
}

/// Room that content takes up in the budget. Whoever has the content, or a part of it, has a
/// clone of this as well: it is given back when the last of them is gone.
#[derive(Debug, Clone)]
pub struct Room(Arc<Share>);

#[derive(Debug)]
struct Share {
    budget: Arc<HoldBudget>,
    octets: usize,
}

impl Share {
    /// False when there is not that much room; then it is as before.
    fn resize(&mut self, octets: usize) -> bool {
        match octets.checked_sub(self.octets) {
            Some(more) if !self.budget.take(more) => return false,
            Some(_) => {}
            None => self.budget.give(self.octets - octets),
        }
        self.octets = octets;
        true
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.give(self.octets);
    }
}

/// Why no more could be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// This content is larger than the limit.
    Content,
    /// The process holds as much as it may.
    Budget,
}

/// The content of one transaction, counted against the budget as long as it lives, here or with
/// those to whom it was lent.
#[derive(Debug)]
pub(crate) struct Held {
    settings: HoldSettings,
    content: Vec<u8>,
    room: Room,
    /// Octets of it when it was lent.
    lent: usize,
    noops: u32,
    next_noop: Option<Moment>,
}

impl Held {
    /// `None` when the budget is used up.
    pub(crate) fn begin(settings: HoldSettings, now: Moment) -> Option<Self> {
        if settings.budget.left() == 0 {
            return None;
        }
        let room = settings.budget.room(0)?;
        let mut held =
            Self { settings, content: Vec::new(), room, lent: 0, noops: 0, next_noop: None };
        held.set_timer(now);
        Some(held)
    }

    pub(crate) fn push(&mut self, span: &[u8]) -> Result<(), Full> {
        if self.content.len().saturating_add(span.len()) > self.settings.limit {
            return Err(Full::Content);
        }
        self.take_room(self.content.len() + span.len())?;
        self.content.extend_from_slice(span);
        Ok(())
    }

    /// Puts octets of our own in front of it.
    pub(crate) fn put_in_front(&mut self, octets: &[u8]) -> Result<(), Full> {
        self.push(octets)?;
        self.content.rotate_right(octets.len());
        Ok(())
    }

    /// Gives the content to somebody who looks at it, with the room it takes up.
    pub(crate) fn lend(&mut self) -> (Vec<u8>, Room) {
        self.lent = self.content.len();
        (std::mem::take(&mut self.content), self.room.clone())
    }

    /// Octets of the content when it was lent.
    pub(crate) fn lent(&self) -> usize {
        self.lent
    }

    /// Takes the content back, perhaps another one.
    pub(crate) fn bring_back(&mut self, content: Vec<u8>) -> Result<(), Full> {
        self.take_room(content.len())?;
        self.content = content;
        Ok(())
    }

    /// Counts so many octets. What somebody else still looks at counts besides.
    fn take_room(&mut self, octets: usize) -> Result<(), Full> {
        if let Some(share) = Arc::get_mut(&mut self.room.0) {
            return if share.resize(octets) { Ok(()) } else { Err(Full::Budget) };
        }
        self.room = self.settings.budget.room(octets).ok_or(Full::Budget)?;
        Ok(())
    }

    pub(crate) fn content(&self) -> &[u8] {
        &self.content
    }

    /// Whether a NOOP is due; counts it.
    pub(crate) fn wants_noop(&mut self, now: Moment) -> bool {
        let due = self.next_noop.is_some_and(|at| now.reached(at));
        if due {
            self.noops += 1;
            self.set_timer(now);
        }
        due
    }

    fn set_timer(&mut self, now: Moment) {
        self.next_noop =
            (self.noops < self.settings.noops_max).then(|| now.plus(self.settings.noop_every));
    }

    pub(crate) fn poll_timeout(&self) -> Option<Moment> {
        self.next_noop
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_is_shared_and_given_back() {
        let now = Moment::new(Duration::ZERO, 0);
        let settings = HoldSettings::new(10, Arc::new(HoldBudget::new(12)));
        let mut a = Held::begin(settings.clone(), now).unwrap();
        let mut b = Held::begin(settings.clone(), now).unwrap();
        assert_eq!(a.push(&[0; 10]), Ok(()));
        assert_eq!(a.push(&[0; 1]), Err(Full::Content));
        assert_eq!(b.push(&[0; 3]), Err(Full::Budget));
        assert_eq!(b.push(&[0; 2]), Ok(()));
        assert!(Held::begin(settings.clone(), now).is_none());
        settings.budget.resize(11);
        assert_eq!((b.push(&[0; 1]), settings.budget.left()), (Err(Full::Budget), 0));
        drop(a);
        assert_eq!(settings.budget.left(), 9);
    }

    #[test]
    fn what_is_lent_counts_and_what_comes_back_counts_instead() {
        let now = Moment::new(Duration::ZERO, 0);
        let settings = HoldSettings::new(10, Arc::new(HoldBudget::new(12)));
        let mut held = Held::begin(settings.clone(), now).unwrap();
        assert_eq!(held.push(b"1234567890"), Ok(()));
        let (content, room) = held.lend();
        assert_eq!((content.len(), held.lent(), settings.budget.left()), (10, 10, 2));
        drop(room);
        assert_eq!(held.bring_back(vec![0; 13]), Err(Full::Budget));
        assert_eq!(held.bring_back(vec![0; 12]), Ok(()));
        assert_eq!((held.content().len(), settings.budget.left()), (12, 0));
        assert_eq!(held.bring_back(vec![0; 3]), Ok(()));
        assert_eq!(settings.budget.left(), 9);
        drop(held);
        assert_eq!(settings.budget.left(), 12);
    }

    #[test]
    fn what_somebody_still_looks_at_counts_beside_what_came_back_and_after_it_was_given_up() {
        let now = Moment::new(Duration::ZERO, 0);
        let settings = HoldSettings::new(10, Arc::new(HoldBudget::new(25)));
        let mut held = Held::begin(settings.clone(), now).unwrap();
        assert_eq!(held.push(b"1234567890"), Ok(()));
        let (_, room) = held.lend();
        let another = room.clone();
        assert_eq!(held.bring_back(vec![0; 16]), Err(Full::Budget));
        assert_eq!(held.bring_back(vec![0; 12]), Ok(()));
        assert_eq!(settings.budget.left(), 3);
        drop(held);
        assert_eq!(settings.budget.left(), 15);
        drop(room);
        assert_eq!(settings.budget.left(), 15);
        drop(another);
        assert_eq!(settings.budget.left(), 25);
    }

    #[test]
    fn noops_come_at_the_interval_and_end() {
        let mut now = Moment::new(Duration::ZERO, 0);
        let settings = HoldSettings::new(10, Arc::new(HoldBudget::new(12)));
        let mut held = Held::begin(settings.clone(), now).unwrap();
        assert!(!held.wants_noop(now));
        for _ in 0..4 {
            now = now.plus(settings.noop_every);
            assert!(held.wants_noop(now));
            assert!(!held.wants_noop(now));
        }
        assert_eq!(held.poll_timeout(), None);
    }
}
