//! What was told already: each trouble when it begins, then once in a while as long as it lasts,
//! and when it is over.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::trouble::{Event, Message, Trouble};

/// Troubles that are remembered at a time. There are a handful of lists and one smarthost; more
/// are reasons nobody foresaw, and of those the oldest is forgotten.
const REMEMBERED: usize = 256;

/// How long nobody must be deferred for a reason until the next one is the first again. Of a list
/// that is asked live nobody says when it is in order, so that quiet is all there is to go by.
const QUIET: Duration = Duration::from_secs(900);

/// Troubles that were told.
#[derive(Debug)]
pub(super) struct Memory {
    repeat: Duration,
    told: BTreeMap<(&'static str, String), Told>,
}

/// When a trouble was told, and when it was there last.
#[derive(Debug, Clone, Copy)]
struct Told {
    told: Instant,
    seen: Instant,
}

impl Memory {
    /// `repeat`: after how long a trouble that lasts is told again.
    pub(super) fn new(repeat: Duration) -> Self {
        Self { repeat, told: BTreeMap::new() }
    }

    /// From now on a trouble that lasts is told again after this.
    pub(super) fn repeat_after(&mut self, repeat: Duration) {
        self.repeat = repeat;
    }

    /// There is this trouble at `now`; what is to be told of it.
    pub(super) fn begins(&mut self, trouble: &Trouble, now: Instant) -> Option<Message> {
        let key = (trouble.event().as_str(), trouble.about().to_owned());
        let again = trouble.event() == Event::Deferring;
        if let Some(known) = self.told.get_mut(&key) {
            let seen = std::mem::replace(&mut known.seen, now);
            let anew = again && now.saturating_duration_since(seen) >= QUIET;
            if !anew && now.saturating_duration_since(known.told) < self.repeat {
                return None;
            }
        } else if self.told.len() >= REMEMBERED {
            let oldest = self.told.iter().min_by_key(|(_, known)| known.seen);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                self.told.remove(&oldest);
            }
        }
        self.told.insert(key, Told { told: now, seen: now });
        Some(trouble.message())
    }

    /// What is about this is in order again; what is to be told of it. That mail was deferred
    /// because of it is forgotten with it.
    pub(super) fn ends(&mut self, about: &str, events: &[Event]) -> Option<Message> {
        let over = |(event, of): &(&str, String)| {
            of == about && events.iter().any(|one| one.as_str() == *event)
        };
        let before = self.told.len();
        self.told.retain(|key, _| !over(key));
        (self.told.len() < before).then(|| Message {
            event: Event::Solved,
            about: about.to_owned(),
            text: match events {
                [Event::SmarthostDown] => format!("the smarthost {about} takes mail again"),
                [Event::MilterDown] => format!("the milter {about} answers again"),
                _ => format!("list {about} is in order again"),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn down() -> Trouble {
        Trouble::SmarthostDown {
            smarthost: "relay.corp.example:25".into(),
            others: false,
            no_login: false,
        }
    }

    fn deferring(why: &str) -> Trouble {
        Trouble::Deferring { why: why.into() }
    }

    #[expect(clippy::disallowed_methods, reason = "any instant will do")]
    fn start() -> Instant {
        Instant::now()
    }

    #[test]
    fn a_trouble_is_told_once_and_again_when_it_lasts() {
        let (mut memory, now) = (Memory::new(DAY), start());
        assert!(memory.begins(&down(), now).is_some());
        assert!(memory.begins(&down(), now + Duration::from_secs(1)).is_none());
        assert!(memory.begins(&down(), now + DAY).is_some());
        assert!(memory.begins(&down(), now + DAY + Duration::from_secs(1)).is_none());
    }

    #[test]
    fn the_end_is_told_only_of_what_was_told() {
        let (mut memory, now) = (Memory::new(DAY), start());
        let events = [Event::SmarthostDown];
        assert_eq!(memory.ends("relay.corp.example:25", &events), None);
        memory.begins(&down(), now);
        let solved = memory.ends("relay.corp.example:25", &events).unwrap();
        assert_eq!(solved.event, Event::Solved);
        assert_eq!(memory.ends("relay.corp.example:25", &events), None);
        assert!(memory.begins(&down(), now).is_some(), "the next time is news");
    }

    #[test]
    fn a_milter_that_is_down_is_told_with_what_becomes_of_mail_and_so_is_its_end() {
        let (mut memory, now) = (Memory::new(DAY), start());
        for (passed, then) in [(false, "mail is answered 451"), (true, "mail goes on without it")] {
            let why = "no verdict within 60s".to_owned();
            let trouble = Trouble::MilterDown { milter: "rspamd".into(), why, passed };
            let told = memory.begins(&trouble, now).unwrap();
            assert_eq!((told.event.as_str(), &*told.about), ("milter-down", "rspamd"));
            let text = format!("the milter rspamd fails: no verdict within 60s; {then}");
            assert_eq!(told.text, text);
            let solved = memory.ends("rspamd", &[Event::MilterDown]).unwrap();
            assert_eq!(solved.text, "the milter rspamd answers again");
        }
    }

    #[test]
    fn one_reason_is_told_once_whatever_times_its_words_hold() {
        let (mut memory, now) = (Memory::new(DAY), start());
        assert!(memory.begins(&deferring("list crm: it is of 10:00, too old"), now).is_some());
        assert!(memory.begins(&deferring("list crm: it is of 10:05, too old"), now).is_none());
        assert!(memory.begins(&deferring("list shop: it was never loaded"), now).is_some());
    }

    #[test]
    fn whoever_is_deferred_after_a_quiet_time_is_the_first_again() {
        let (mut memory, now) = (Memory::new(DAY), start());
        let live = deferring("list crm: no answer within 2s");
        assert!(memory.begins(&live, now).is_some());
        // As long as it goes on it is one trouble.
        let mut later = now;
        for _ in 0..10 {
            later += QUIET - Duration::from_secs(1);
            assert!(memory.begins(&live, later).is_none());
        }
        assert!(memory.begins(&live, later + QUIET).is_some());
        // Of others somebody says when they are over.
        assert!(memory.begins(&down(), now).is_some());
        assert!(memory.begins(&down(), now + QUIET).is_none());
    }

    #[test]
    fn what_is_remembered_is_bounded_and_the_oldest_goes_first() {
        let (mut memory, now) = (Memory::new(DAY), start());
        for number in 0..=REMEMBERED {
            let at = now + Duration::from_secs(number as u64);
            assert!(memory.begins(&deferring(&format!("list {number}: x")), at).is_some());
        }
        assert_eq!(memory.told.len(), REMEMBERED);
        let later = now + Duration::from_secs(300);
        assert!(memory.begins(&deferring("list 0: x"), later).is_some());
        assert!(memory.begins(&deferring("list 9: x"), later).is_none());
    }
}
