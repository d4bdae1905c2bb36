//! In what two configurations differ: what has to be made anew when one takes the place of the
//! other, and what cannot be.

use std::collections::BTreeMap;

use super::show::{ShownOrigin, ShownValue};

/// Sections that are settled when the gate starts: where its records are, who they are about,
/// and how it is spoken to.
const SETTLED: [&str; 3] = ["ledger", "evidence", "control"];
/// Single keys of that kind.
const SETTLED_KEYS: [(&str, &str); 1] = [("log", "format")];

/// In what two configurations differ.
#[derive(Clone, Debug, Default)]
pub struct Difference {
    keys: Vec<DifferentKey>,
    /// Names of the sources that are as they were.
    same_sources: Vec<String>,
}

#[derive(Clone, Debug)]
struct DifferentKey {
    section: &'static str,
    index: Option<usize>,
    key: &'static str,
    /// Where it stands now.
    origin: Option<ShownOrigin>,
}

type Rows<'a> = BTreeMap<&'static str, Option<&'a str>>;

fn sections(values: &[ShownValue]) -> BTreeMap<(&'static str, Option<usize>), Rows<'_>> {
    let mut all: BTreeMap<_, Rows<'_>> = BTreeMap::new();
    for value in values {
        let rows = all.entry((value.section, value.index)).or_default();
        rows.insert(value.key, value.value.as_deref());
    }
    all
}

fn sources(values: &[ShownValue]) -> BTreeMap<&str, Rows<'_>> {
    let all = sections(values).into_iter();
    let source = all.filter(|((section, _), _)| *section == "source");
    source.filter_map(|(_, rows)| Some(((*rows.get("name")?)?, rows))).collect()
}

impl Difference {
    /// Between what was in force and what is to be.
    pub fn between(before: &[ShownValue], after: &[ShownValue]) -> Self {
        let (old, new) = (sections(before), sections(after));
        let mut keys = Vec::new();
        for (at, value) in after.iter().map(|value| ((value.section, value.index), value)) {
            let Some(rows) = old.get(&at) else {
                // Once is enough for all of it.
                let ((section, index), origin) = (at, Some(value.origin.clone()));
                let known = |key: &DifferentKey| (key.section, key.index) == at;
                if !keys.iter().any(known) {
                    keys.push(DifferentKey { section, index, key: "", origin });
                }
                continue;
            };
            let was = rows.get(value.key);
            if was != Some(&value.value.as_deref()) {
                let ((section, index), origin) = (at, Some(value.origin.clone()));
                keys.push(DifferentKey { section, index, key: value.key, origin });
            }
        }
        for (section, index) in old.keys().filter(|at| !new.contains_key(*at)) {
            let (section, index) = (*section, *index);
            keys.push(DifferentKey { section, index, key: "", origin: None });
        }
        let (old, new) = (sources(before), sources(after));
        let same = new.iter().filter(|(name, rows)| old.get(*name) == Some(rows));
        // As it stands in the file, in quotes.
        let plain = |name: &str| name.trim_matches('"').to_owned();
        let same_sources = same.map(|(name, _)| plain(name)).collect();
        Self { keys, same_sources }
    }

    /// Whether they are the same.
    pub fn is_none(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether they differ in this section.
    pub fn is_in(&self, section: &str) -> bool {
        self.keys.iter().any(|key| key.section == section)
    }

    /// Whether a source is as it was.
    pub fn keeps_source(&self, name: &str) -> bool {
        self.same_sources.iter().any(|same| same == name)
    }

    /// The keys that differ, for people: `[limits] recipients`, `[[listener]] 2 address`.
    pub fn words(&self) -> Vec<String> {
        self.keys.iter().map(DifferentKey::words).collect()
    }

    /// What cannot be changed while the gate runs, for people, one paragraph for each key; empty
    /// where everything can.
    pub fn needs_restart(&self) -> String {
        let mut text = String::new();
        let settled = |key: &&DifferentKey| {
            SETTLED.contains(&key.section) || SETTLED_KEYS.contains(&(key.section, key.key))
        };
        for key in self.keys.iter().filter(settled) {
            let place = match &key.origin {
                Some(ShownOrigin::File { file, line }) => format!("{file}:{line}"),
                Some(other) => other.to_string(),
                None => "not there any more".to_owned(),
            };
            text.push_str(&format!(
                "error: {} cannot be changed while the gate runs\n --> {place}\n  = help: put it back, or restart the gate\n\n",
                key.words()
            ));
        }
        text
    }
}

impl DifferentKey {
    fn words(&self) -> String {
        let section = match self.index {
            Some(index) => format!("[[{}]] {}", self.section, index + 1),
            None => format!("[{}]", self.section),
        };
        match (self.key, &self.origin) {
            ("", None) => format!("{section} removed"),
            ("", Some(_)) => format!("{section} new"),
            (key, _) => format!("{section} {key}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{Surroundings, load_text};

    const PLAIN: &str = "[smarthost]\naddress = \"relay.corp.example:25\"\n[server]\nhostname = \"mail.corp.example\"\n";

    fn between(before: &str, after: &str) -> Difference {
        let values = |text: &str| {
            let text = format!("{PLAIN}{text}");
            load_text(Path::new("optgate.toml"), &text, &Surroundings::default()).values
        };
        Difference::between(&values(before), &values(after))
    }

    #[test]
    fn another_place_in_the_file_is_no_difference() {
        assert!(between("", "\n\n# more words\n").is_none());
        assert!(between("", "[limits]\nerrors = 20\n").words().len() <= 1);
        let said = between("[limits]\nerrors = 7\n", "[limits]\n\nerrors = 7\n");
        assert!(said.is_none(), "{:?}", said.words());
    }

    #[test]
    fn what_differs_is_named() {
        let said = between("", "[limits]\nerrors = 7\n");
        assert_eq!(said.words(), ["[limits] errors"]);
        assert!(said.is_in("limits") && !said.is_in("log"));
        assert_eq!(said.needs_restart(), "");
    }

    #[test]
    fn what_needs_a_restart_is_told_with_its_line() {
        let said = between("", "[ledger]\npath = \"other.db\"\n").needs_restart();
        assert!(said.contains("[ledger] path cannot be changed"), "{said}");
        assert!(said.contains("optgate.toml:6"), "{said}");
        let said = between("", "[log]\nformat = \"json\"\n").needs_restart();
        assert!(said.contains("[log] format cannot"), "{said}");
        assert_eq!(between("", "[log]\nlevel = \"debug\"\n").needs_restart(), "");
    }

    #[test]
    fn a_source_is_known_by_its_name_wherever_it_stands() {
        let source =
            |name: &str, file: &str| format!("[[source]]\nname = \"{name}\"\ncsv = \"{file}\"\n");
        let before = source("a", "a.csv") + &source("b", "b.csv");
        let after = source("b", "b.csv") + &source("a", "other.csv");
        let said = between(&before, &after);
        assert!(said.keeps_source("b") && !said.keeps_source("a"));
        let said = between(&before, &source("b", "b.csv"));
        assert!(said.keeps_source("b") && !said.keeps_source("a"));
        assert!(said.words().iter().any(|word| word == "[[source]] 2 removed"));
    }
}
