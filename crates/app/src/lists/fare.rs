//! What is told about a source: that it failed, that it grows old, that it is unknown; each once,
//! until it is as it should be again.

use ledger::SourceState;
use suppression::Timestamp;

use super::age::{age, words};
use crate::config::SourceSettings;
use crate::notices::{Notice, Notices};

/// The share of its `max_age` that a source may reach before somebody is told, in percent.
const AGING: u128 = 80;

/// What was told about one source since it was last as it should be.
#[derive(Debug)]
pub(super) struct Fare {
    notices: Notices,
    failed: bool,
    aging: bool,
    unknown: bool,
}

impl Fare {
    pub(super) fn new(notices: &Notices) -> Self {
        Self { notices: notices.clone(), failed: false, aging: false, unknown: false }
    }

    /// Looks at how a source fares that was tried at least once since the start.
    pub(super) fn look(
        &mut self,
        source: &SourceSettings,
        state: &SourceState,
        unknown: Option<&str>,
        now: Timestamp,
    ) {
        let name = || source.name.clone();
        let failed = state.last_error.as_deref();
        if let Some(why) = failed.filter(|_| !self.failed) {
            // The log has it from whoever tried.
            let (why, never) = (why.to_owned(), state.last_success.is_none());
            self.notices.tell(&Notice::SourceFailed { source: name(), why, never });
            self.failed = true;
        }
        let age = age(state, now);
        let aging = source.max_age.zip(age).filter(|(max_age, age)| {
            age.as_nanos().saturating_mul(100) >= max_age.as_nanos().saturating_mul(AGING)
        });
        if let Some(why) = unknown {
            if !self.unknown {
                tracing::error!(
                    list = source.name,
                    "unknown, {why}: recipients whom it could stop are answered 451"
                );
                self.notices.tell(&Notice::SourceUnknown { source: name(), why: why.to_owned() });
                self.unknown = true;
            }
        } else if let Some((max_age, age)) = aging {
            if !self.aging {
                let (old, limit) = (words(age), words(max_age));
                tracing::warn!(
                    list = source.name,
                    "it is {old} old; at {limit}, its max_age, recipients whom it could stop are \
                     answered 451"
                );
                self.notices.tell(&Notice::SourceAging { source: name(), age, max_age });
                self.aging = true;
            }
        } else if failed.is_none() && (self.failed || self.aging || self.unknown) {
            tracing::info!(list = source.name, "as it should be again");
            self.notices.tell(&Notice::SourceFresh { source: name() });
            (self.failed, self.aging, self.unknown) = (false, false, false);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::{Surroundings, load_text};

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn source() -> SourceSettings {
        let text = "[smarthost]\naddress = \"127.0.0.1:9\"\n[server]\nhostname = \"m.example.com\"\n\
            [[source]]\nname = \"crm\"\ncsv = \"list.csv\"\nmax_age = \"10d\"\n";
        let loaded = load_text(std::path::Path::new("x.toml"), text, &Surroundings::default());
        loaded.settings.unwrap().sources.remove(0)
    }

    #[test]
    fn each_thing_is_told_once_until_it_is_over() {
        let notices = Notices::default();
        let told = notices.listen();
        let (source, mut fare) = (source(), Fare::new(&notices));
        let mut state = SourceState {
            last_success: Some(at("2026-03-01")),
            fingerprint: Some("d 9999999999999999 5".to_owned()),
            ..SourceState::default()
        };
        let mut look = |state: &SourceState, day: &str| {
            let unknown = super::super::age::unknown(state, source.max_age, at(day));
            fare.look(&source, state, unknown.as_deref(), at(day));
            told.try_iter().collect::<Vec<_>>()
        };
        assert_eq!(look(&state, "2026-03-08"), []);
        let aging = look(&state, "2026-03-09");
        let days = |n: u64| Duration::from_secs(n * 86_400);
        let name = "crm".to_owned();
        assert_eq!(
            aging,
            [Notice::SourceAging { source: name.clone(), age: days(8), max_age: days(10) }]
        );
        assert_eq!(look(&state, "2026-03-10"), []);
        state.last_error = Some("it is gone".to_owned());
        let failed = Notice::SourceFailed {
            source: name.clone(),
            why: "it is gone".to_owned(),
            never: false,
        };
        assert_eq!(look(&state, "2026-03-10"), [failed]);
        state.last_error = Some("it is still gone".to_owned());
        assert_eq!(look(&state, "2026-03-10"), []);
        let unknown = look(&state, "2026-03-12");
        assert!(
            matches!(&unknown[..], [Notice::SourceUnknown { why, .. }] if why.contains("max_age")),
            "{unknown:?}"
        );
        assert_eq!(look(&state, "2026-03-13"), []);
        state.last_success = Some(at("2026-03-14"));
        // Known again, and yet the last try was in vain.
        assert_eq!(look(&state, "2026-03-14"), []);
        state.last_error = None;
        assert_eq!(look(&state, "2026-03-14"), [Notice::SourceFresh { source: name }]);
        assert_eq!(look(&state, "2026-03-14"), []);
        assert_eq!(look(&state, "2026-03-22").len(), 1);
    }
}
