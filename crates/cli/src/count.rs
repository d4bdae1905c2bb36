//! Numbers of entries and events, in words: one entry, two entries.

use crate::shown::counted;

/// So many entries.
pub(crate) fn entries(number: u64) -> String {
    counted(number, "entry", "entries")
}

/// So many events.
pub(crate) fn events(number: u64) -> String {
    counted(number, "event", "events")
}

#[cfg(test)]
mod tests {
    use super::{entries, events};

    #[test]
    fn one_is_one() {
        assert_eq!([entries(0), entries(1), entries(2)], ["0 entries", "1 entry", "2 entries"]);
        assert_eq!(events(1), "1 event");
    }
}
