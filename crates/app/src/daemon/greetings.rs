//! The greetings that this process has used, over changes of the configuration too: what each says
//! is recorded once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use proxy::Notice;

use crate::config::GreetingSettings;

type Key = (String, Option<String>);

/// Greetings by their text and version.
#[derive(Debug, Default)]
pub(super) struct Greetings {
    known: Mutex<BTreeMap<Key, Arc<Notice>>>,
}

impl Greetings {
    /// The one that the settings say.
    pub(super) fn of(&self, settings: &GreetingSettings) -> Arc<Notice> {
        let key = (settings.text.clone(), settings.version.clone());
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Notice::new(&settings.text, settings.version.as_deref()));
        Arc::clone(known.entry(key).or_insert_with(new))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_greeting_is_the_same_after_a_change_of_the_configuration() {
        let greetings = Greetings::default();
        let settings = |text: &str, version: Option<&str>| GreetingSettings {
            text: text.to_owned(),
            version: version.map(str::to_owned),
            has_notice: false,
        };
        let first = greetings.of(&settings("220 a\r\n", None));
        assert!(Arc::ptr_eq(&first, &greetings.of(&settings("220 a\r\n", None))));
        for other in [settings("220 b\r\n", None), settings("220 a\r\n", Some("1"))] {
            assert!(!Arc::ptr_eq(&first, &greetings.of(&other)));
        }
    }
}
