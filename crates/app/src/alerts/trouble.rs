//! What can be wrong, in words for whoever has to see to it.

use serde::Serialize;

/// Something that somebody should see to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// A list will be too old before long; mail still flows.
    Aging {
        /// Its name.
        list: String,
        /// How old it is and may be.
        what: String,
    },
    /// A list cannot be read any more; the last good state is in force.
    Failing {
        /// Its name.
        list: String,
        /// What went wrong.
        why: String,
        /// It was never read: there is no last good state.
        never: bool,
    },
    /// A list is unknown: recipients whom it could stop are deferred.
    Unknown {
        /// Its name.
        list: String,
        /// Why.
        why: String,
    },
    /// The first recipient was deferred for this reason.
    Deferring {
        /// The reason, which names the list.
        why: String,
    },
    /// The smarthost takes no mail.
    SmarthostDown {
        /// Its name.
        smarthost: String,
        /// There is another one that does.
        others: bool,
        /// It is there, and does not let the gate in.
        no_login: bool,
    },
    /// A milter fails.
    MilterDown {
        /// Its name.
        milter: String,
        /// How.
        why: String,
        /// Mail goes on without it.
        passed: bool,
    },
}

/// A kind of trouble, by the word that programs know it by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Event {
    SourceAging,
    SourceFailing,
    SourceUnknown,
    Deferring,
    SmarthostDown,
    MilterDown,
    /// It is over.
    Solved,
}

impl Event {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::SourceAging => "source-aging",
            Self::SourceFailing => "source-failing",
            Self::SourceUnknown => "source-unknown",
            Self::Deferring => "deferring",
            Self::SmarthostDown => "smarthost-down",
            Self::MilterDown => "milter-down",
            Self::Solved => "solved",
        }
    }
}

/// What is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Message {
    /// What kind of trouble.
    pub(super) event: Event,
    /// What it is about: the name of a list, a smarthost or a milter.
    pub(super) about: String,
    /// One line.
    pub(super) text: String,
}

impl Trouble {
    /// What kind it is.
    pub(super) fn event(&self) -> Event {
        match self {
            Self::Aging { .. } => Event::SourceAging,
            Self::Failing { .. } => Event::SourceFailing,
            Self::Unknown { .. } => Event::SourceUnknown,
            Self::Deferring { .. } => Event::Deferring,
            Self::SmarthostDown { .. } => Event::SmarthostDown,
            Self::MilterDown { .. } => Event::MilterDown,
        }
    }

    /// What it is about. Reasons are told apart by their list alone, because their words may hold
    /// times that change.
    pub(super) fn about(&self) -> &str {
        match self {
            Self::Aging { list, .. } | Self::Failing { list, .. } | Self::Unknown { list, .. } => {
                list
            }
            Self::Deferring { why } => list_of(why),
            Self::SmarthostDown { smarthost, .. } => smarthost,
            Self::MilterDown { milter, .. } => milter,
        }
    }

    /// The line that is told.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Aging { list, what } => {
                format!("list {list} will be too old before long: {what}; then mail is deferred")
            }
            Self::Failing { list, why, never: true } => {
                format!("list {list} was never read, whom it could stop is answered 451: {why}")
            }
            Self::Failing { list, why, never: false } => {
                format!("list {list} cannot be read, the last good one stays in force: {why}")
            }
            Self::Unknown { list, why } => {
                format!("list {list} is unknown, whom it could stop is answered 451: {why}")
            }
            Self::Deferring { why } => {
                format!("the first recipient was deferred with 451, because of {why}")
            }
            Self::SmarthostDown { smarthost, others, no_login } => {
                let what = match no_login {
                    true => "does not let the gate in; look at its login and password or token",
                    false => "takes no mail",
                };
                let then = match others {
                    true => "mail goes to others where it may",
                    false => "clients are answered 451",
                };
                format!("the smarthost {smarthost} {what}; {then}")
            }
            Self::MilterDown { milter, why, passed } => {
                let then = match passed {
                    true => "mail goes on without it",
                    false => "mail is answered 451",
                };
                format!("the milter {milter} fails: {why}; {then}")
            }
        }
    }

    /// The message that tells of it.
    pub(super) fn message(&self) -> Message {
        Message { event: self.event(), about: self.about().to_owned(), text: self.text() }
    }
}

/// `list crm: it was never loaded` is about `crm`; another reason about itself.
fn list_of(why: &str) -> &str {
    let (subject, _) = why.split_once(": ").unwrap_or((why, ""));
    subject.strip_prefix("list ").unwrap_or(subject)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_about_its_list() {
        for (why, about) in [
            ("list crm: it is of 2026-03-02, older than its max_age", "crm"),
            ("list the ledger: it cannot be read", "the ledger"),
            ("no canonical form", "no canonical form"),
        ] {
            assert_eq!(Trouble::Deferring { why: why.into() }.about(), about);
        }
    }

    #[test]
    fn the_word_in_json_is_the_word_in_the_environment() {
        for event in [
            Event::SourceAging,
            Event::SourceFailing,
            Event::SourceUnknown,
            Event::Deferring,
            Event::SmarthostDown,
            Event::MilterDown,
            Event::Solved,
        ] {
            assert_eq!(serde_json::to_value(event).unwrap(), event.as_str());
        }
    }
}
