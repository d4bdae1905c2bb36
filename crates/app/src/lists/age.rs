//! How old a list is, and whether it is known.
//!
//! The age of a list counts from the file's own date at its last good reading, or what a web
//! server says of it: an export that nobody writes any more gets old, however often it is read.
//! A table of a database is as old as its last good reading. Without a `max_age`
//! a list that was loaded once is known for ever.

use std::time::Duration;

use ledger::SourceState;
use suppression::{Index, Kind, Origin, Scope, Timestamp};

use crate::clock;
use crate::config::{Mode, SourceSettings};
use crate::error::AppError;
use crate::keeper::Keeper;

/// What is noted of a file when it was read well: enough to know it again without
/// reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Of content and settings.
    pub(crate) digest: String,
    /// When the file was written, in microseconds since the epoch.
    pub(crate) written: i64,
    /// Its length in bytes.
    pub(crate) length: u64,
}

impl Seen {
    /// As it is kept with the source's state.
    pub(crate) fn to_text(&self) -> String {
        format!("{} {} {}", self.digest, self.written, self.length)
    }

    pub(crate) fn from_text(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let digest = words.next()?.to_owned();
        let written = words.next()?.parse().ok()?;
        let length = words.next()?.parse().ok()?;
        words.next().is_none().then_some(Self { digest, written, length })
    }
}

/// Whether a list is known at `now`; if not, why.
pub(crate) fn unknown(
    state: &SourceState,
    max_age: Option<Duration>,
    now: Timestamp,
) -> Option<String> {
    let Some(success) = state.last_success else {
        return Some("it was never loaded".to_owned());
    };
    let Some(fingerprint) = &state.fingerprint else {
        // An import of it was taken back, or the ledger was restored.
        return Some("what was read of it no longer stands, the file is to be read again".into());
    };
    let max_age = max_age?;
    let as_of = as_of(success, Some(fingerprint));
    let age = age(state, now)?;
    (age > max_age).then(|| {
        let since = Timestamp::from_micros(as_of).map_or_else(|_| String::new(), |t| t.to_string());
        format!("it is of {since}, older than its max_age")
    })
}

/// What the age of a source counts from, in microseconds since the epoch. A date in the future
/// is a clock that goes wrong; the reading itself is the latest.
fn as_of(success: Timestamp, fingerprint: Option<&str>) -> i64 {
    let written = fingerprint.and_then(Seen::from_text).map(|seen| seen.written);
    written.unwrap_or(i64::MAX).min(success.micros())
}

/// How old what was read of a source is; none if it was never read.
pub(crate) fn age(state: &SourceState, now: Timestamp) -> Option<Duration> {
    let as_of = as_of(state.last_success?, state.fingerprint.as_deref());
    let age = u64::try_from(now.micros().saturating_sub(as_of)).unwrap_or(0);
    Some(Duration::from_micros(age))
}

/// An age for people, by its two greatest units: `6d 3h`, `41s`.
pub fn words(age: Duration) -> String {
    let mut rest = age.as_secs();
    let mut parts = Vec::new();
    for (unit, length) in [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)] {
        if rest >= length || (unit == "s" && parts.is_empty()) {
            parts.push(format!("{}{unit}", rest / length));
            rest %= length;
        } else if !parts.is_empty() {
            break;
        }
    }
    parts.truncate(2);
    parts.join(" ")
}

/// Notes of one source whether it is known, by its state as of a round.
pub(crate) fn note(
    keeper: &Keeper,
    source: &SourceSettings,
    (round, state): (u64, &SourceState),
    now: Timestamp,
) {
    let states = keeper.states();
    // Its last reading may have brought scopes that nobody has set.
    states.enlist(&source.name, &carries(source, &keeper.index().load()));
    states.note(&source.name, round, unknown(state, source.max_age, now).as_deref());
}

/// What its entries may be. Rows that say their own kind may say any; those of a recognised
/// export are objections of some kind, which all stop the same mail. What it has held once it may
/// hold again, whatever the settings say.
fn carries(source: &SourceSettings, index: &Index) -> Vec<Origin> {
    let kinds: &[Kind] = match source.has_kinds() {
        true => &[Kind::OptOut, Kind::Consent],
        false => &[source.kind()],
    };
    let scopes = match source.carries.as_slice() {
        [] => std::slice::from_ref(&source.scope),
        scopes => scopes,
    };
    let of = |scope: &Scope| {
        kinds.iter().map(|kind| Origin::new(&source.name, *kind, scope.clone())).collect::<Vec<_>>()
    };
    let mut all: Vec<_> = scopes.iter().flat_map(of).collect();
    for origin in index.origins().filter(|origin| origin.source == source.name) {
        let seen = Origin::new(&source.name, origin.kind, origin.scope.clone());
        if !all.contains(&seen) {
            all.push(seen);
        }
    }
    all
}

/// Notes of every source whether it is known, from what the ledger remembers. For a
/// command without a gate, which reads no list itself.
///
/// # Errors
/// What the ledger says.
pub fn note_ages(keeper: &Keeper, sources: &[SourceSettings]) -> Result<(), AppError> {
    note_remembered(keeper, &remembered(keeper, sources)?);
    Ok(())
}

/// A source, and what the ledger remembers of it; none of one that is never read.
pub(super) type Remembered = (SourceSettings, Option<SourceState>);

/// Looks up what the ledger remembers of sources. Changes nothing.
pub(super) fn remembered(
    keeper: &Keeper,
    sources: &[SourceSettings],
) -> Result<Vec<Remembered>, AppError> {
    let one = |source: &SourceSettings| {
        let name = source.name.clone();
        // Nothing of a live one is read ahead; whoever asks it finds out.
        let state = match source.mode {
            Mode::Live(_) => None,
            Mode::Sync(_) => {
                Some(keeper.ask(move |desk| desk.source_state(&name))?.unwrap_or_default())
            }
        };
        Ok((source.clone(), state))
    };
    sources.iter().map(one).collect()
}

/// Notes whether they are known.
pub(super) fn note_remembered(keeper: &Keeper, all: &[Remembered]) {
    let (now, states) = (clock::now(), keeper.states());
    for (source, state) in all {
        match state {
            Some(state) => note(keeper, source, (states.round(&source.name), state), now),
            None => {
                states.enlist(&source.name, &carries(source, &keeper.index().load()));
                // It may have been one that was read.
                states.known(&source.name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn state(success: Option<&str>, written: Option<&str>) -> SourceState {
        let seen = written.map(|w| Seen { digest: "d".into(), written: at(w).micros(), length: 5 });
        SourceState {
            last_success: success.map(at),
            fingerprint: seen.map(|s| s.to_text()),
            ..SourceState::default()
        }
    }

    #[test]
    fn a_list_never_loaded_is_unknown_whatever_its_age_may_be() {
        let now = at("2026-03-02T00:00:00Z");
        assert!(unknown(&state(None, None), None, now).unwrap().contains("never loaded"));
        assert_eq!(unknown(&state(Some("2020-01-01"), Some("2020-01-01")), None, now), None);
    }

    #[test]
    fn a_list_whose_reading_was_forgotten_is_unknown_and_one_in_doubt_is_not() {
        let now = at("2026-03-02T00:00:00Z");
        assert!(unknown(&state(Some("2026-03-02"), None), None, now).unwrap().contains("again"));
        let mut doubted = state(Some("2026-03-02"), Some("2026-02-01"));
        doubted.fingerprint = doubted.fingerprint.map(|text| format!("?{text}"));
        assert_eq!(unknown(&doubted, None, now), None);
        assert!(unknown(&doubted, Some(DAY), now).is_some());
    }

    #[test]
    fn age_counts_from_the_date_of_the_file() {
        let now = at("2026-03-02T00:00:00Z");
        let read_now = |written| unknown(&state(Some("2026-03-02"), Some(written)), Some(DAY), now);
        assert_eq!(read_now("2026-03-01T00:00:00Z"), None);
        assert!(read_now("2026-02-28T23:59:59Z").is_some());
        assert_eq!(read_now("2030-01-01"), None);
        let read_long_ago = state(Some("2026-02-28"), Some("2030-01-01"));
        assert!(unknown(&read_long_ago, Some(DAY), now).is_some());
    }

    #[test]
    fn an_age_is_told_by_its_two_greatest_units() {
        for (seconds, told) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m"),
            (61, "1m 1s"),
            (3600, "1h"),
            (3601, "1h"),
            (86_399, "23h 59m"),
            (6 * 86_400 + 3 * 3600 + 59, "6d 3h"),
        ] {
            assert_eq!(words(Duration::from_secs(seconds)), told);
        }
    }

    #[test]
    fn what_is_noted_reads_back() {
        let seen = Seen { digest: "abc".into(), written: -5, length: 7 };
        assert_eq!(Seen::from_text(&seen.to_text()), Some(seen));
        assert_eq!(Seen::from_text("abc"), None);
        assert_eq!(Seen::from_text("a 1 2 3"), None);
    }
}
