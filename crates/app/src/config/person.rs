//! The form of `person`: when two addresses are the same person.
//!
//! What a rule may be is decided by `address`; here its refusals get their place.

use std::collections::BTreeMap;

use address::PersonRules;
use toml::de::DeValue;

use super::fault::Fault;
use super::form::{Flag, Form, Given, Text, quoted};
use super::naming::{Domains, domain, read_domain, show_list};
use super::section::unknown;

/// The rules as the file says them: additions to the defaults, or to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    /// Whether to begin with what suits most.
    pub(crate) defaults: bool,
    /// Marks behind which a sub-address tag begins.
    pub(crate) tag_marks: Vec<char>,
    /// Domains that ignore dots in the local part.
    pub(crate) dotless_domains: Vec<String>,
    /// Domains that are another name of a domain.
    pub(crate) domain_aliases: BTreeMap<String, String>,
    /// What they mean.
    pub(crate) rules: PersonRules,
}

impl Person {
    fn beginning(defaults: bool) -> Self {
        Self {
            defaults,
            tag_marks: Vec::new(),
            dotless_domains: Vec::new(),
            domain_aliases: BTreeMap::new(),
            rules: if defaults { PersonRules::default() } else { PersonRules::none() },
        }
    }
}

impl Default for Person {
    fn default() -> Self {
        Self::beginning(true)
    }
}

const KEYS: [&str; 4] = ["defaults", "tag_marks", "dotless_domains", "domain_aliases"];

impl Form for Person {
    const NAME: &'static str = "a table of rules";
    const EXAMPLE: &'static str = "{ defaults = true, tag_marks = \"-\", dotless_domains = [\"example.com\"], domain_aliases = { \"example.net\" = \"example.com\" } }";

    fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let DeValue::Table(table) = given.value else {
            faults.push(given.wrong_type::<Self>());
            return None;
        };
        let before = faults.len();
        let item = |name: &str| {
            let value = table.get(name)?;
            Some(Given { value: value.get_ref(), span: value.span(), text: given.text })
        };
        let defaults = item("defaults").map_or(Some(Flag(true)), |i| Flag::read(&i, faults));
        let mut person = Self::beginning(defaults.is_none_or(|d| d.0));
        for key in table.keys().filter(|key| !KEYS.contains(&key.get_ref().as_ref())) {
            let message = format!("unknown key `{key}` in `person`");
            faults.push(unknown(key.span(), message, key.get_ref(), &KEYS));
        }
        person.marks(item("tag_marks").as_ref(), faults);
        // Aliases first: a domain without dots may be given under another name.
        person.aliases(item("domain_aliases").as_ref(), faults);
        person.dotless(item("dotless_domains").as_ref(), faults);
        (faults.len() == before).then_some(person)
    }

    fn show(&self) -> String {
        let mut parts = vec![format!("defaults = {}", self.defaults)];
        if !self.tag_marks.is_empty() {
            let marks: String = self.tag_marks.iter().collect();
            parts.push(format!("tag_marks = {}", quoted(&marks)));
        }
        if !self.dotless_domains.is_empty() {
            parts.push(format!("dotless_domains = {}", show_list(&self.dotless_domains)));
        }
        if !self.domain_aliases.is_empty() {
            let aliases = self.domain_aliases.iter();
            let aliases: Vec<_> =
                aliases.map(|(from, to)| format!("{} = {}", quoted(from), quoted(to))).collect();
            parts.push(format!("domain_aliases = {{ {} }}", aliases.join(", ")));
        }
        format!("{{ {} }}", parts.join(", "))
    }
}

impl Person {
    fn marks(&mut self, item: Option<&Given<'_>>, faults: &mut Vec<Fault>) {
        let Some(item) = item else { return };
        let DeValue::String(text) = item.value else {
            faults.push(item.wrong_type::<Text>());
            return;
        };
        for mark in text.chars() {
            match self.rules.add_tag_mark(mark) {
                Ok(()) => self.tag_marks.push(mark),
                Err(e) => faults.push(
                    Fault::at(item.span.clone(), format!("`{mark}` cannot mark a sub-address"))
                        .label(e.to_string())
                        .help("for example \"-\" or \"-=\"; without `+`: defaults = false"),
                ),
            }
        }
    }

    fn dotless(&mut self, item: Option<&Given<'_>>, faults: &mut Vec<Fault>) {
        let Some(item) = item else { return };
        let Some(Domains(names)) = Domains::read(item, faults) else { return };
        for name in &names {
            if let Err(e) = self.rules.add_dotless_domain(name) {
                faults.push(Fault::at(item.span.clone(), format!("\"{name}\": {e}")));
            }
        }
        self.dotless_domains = names;
    }

    fn aliases(&mut self, item: Option<&Given<'_>>, faults: &mut Vec<Fault>) {
        let Some(item) = item else { return };
        let DeValue::Table(table) = item.value else {
            faults.push(item.wrong_type::<Self>());
            return;
        };
        for (key, value) in table {
            let to = Given { value: value.get_ref(), span: value.span(), text: item.text };
            let Some(alias) = domain(key.get_ref()) else {
                faults.push(Fault::at(key.span(), format!("`{key}` is not a mail domain")));
                continue;
            };
            let Some(to) = read_domain::<Domains>(&to, faults) else { continue };
            match self.rules.add_domain_alias(&alias, &to) {
                Ok(()) => {
                    self.domain_aliases.insert(alias, to);
                }
                Err(e) => faults.push(Fault::at(value.span(), format!("{alias} = {to}: {e}"))),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Option<Person>, Vec<Fault>) {
        let value = DeValue::parse(text).unwrap();
        let mut faults = Vec::new();
        let given = Given { value: value.get_ref(), span: value.span(), text };
        (Person::read(&given, &mut faults), faults)
    }

    fn person(rules: &PersonRules, address: &str) -> String {
        address::Mailbox::parse(address).unwrap().canonical(rules).unwrap().person().to_owned()
    }

    #[test]
    fn additions_come_on_top_of_the_defaults() {
        let (found, faults) = read(Person::EXAMPLE);
        assert!(faults.is_empty());
        let rules = found.unwrap().rules;
        assert_eq!(person(&rules, "b.o-b@example.net"), "bo@example.com");
        assert_eq!(person(&rules, "b.o.b+x@googlemail.com"), "bob@gmail.com");
    }

    #[test]
    fn without_defaults_nothing_is_folded() {
        let rules = read("{ defaults = false }").0.unwrap().rules;
        assert_eq!(person(&rules, "b.ob+x@gmail.com"), "b.ob+x@gmail.com");
    }

    #[test]
    fn what_is_shown_reads_the_same() {
        let (found, _) = read(Person::EXAMPLE);
        let found = found.unwrap();
        assert_eq!(read(&found.show()).0.unwrap(), found);
        assert_eq!(read(&Person::default().show()).0.unwrap(), Person::default());
    }

    #[test]
    fn rules_that_cannot_be_are_told() {
        for text in [
            "{ tag_marks = \"a\" }",
            "{ tag_marks = 3 }",
            "{ domain_aliases = { \"example.com\" = \"example.com\" } }",
            "{ dotless_domains = [\"a b\"] }",
            "{ tagmarks = \"+\" }",
        ] {
            let (found, faults) = read(text);
            assert!(found.is_none() && faults.len() == 1, "{text}: {faults:?}");
        }
    }
}
