//! Forms of what mail is about: the scope of a source's entries, the names of lists that a
//! stream is about, the name of a stream.

use suppression::Scope;
use toml::de::DeValue;

use super::fault::Fault;
use super::form::{Form, Given, quoted};
use super::naming::{SourceName, show_list};

/// What the entries of a source forbid or allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ScopeSaid(pub(crate) Scope);

impl Form for ScopeSaid {
    const NAME: &'static str = "a scope";
    const EXAMPLE: &'static str = "\"commercial\", \"all\", or a name such as \"newsletter\"";
    fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let text = given.string::<Self>(faults)?;
        match text.parse() {
            Ok(scope) => Some(Self(scope)),
            Err(_) => {
                faults.push(given.wrong::<Self>("one line, at most 200 bytes, and not empty"));
                None
            }
        }
    }
    fn show(&self) -> String {
        quoted(self.0.as_str())
    }
}

/// Every scope that the entries of a source may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scopes(pub(crate) Vec<Scope>);

impl Form for Scopes {
    const NAME: &'static str = "a list of scopes";
    const EXAMPLE: &'static str = "[\"newsletter\", \"spring-offers\"]";
    fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let items = given.elements::<Self>(faults)?;
        if items.is_empty() {
            let why = "without any, nothing would be unknown while the list is";
            faults.push(given.wrong::<Self>(why));
            return None;
        }
        let scopes = items.iter().map(|item| ScopeSaid::read(item, faults).map(|said| said.0));
        scopes.collect::<Vec<_>>().into_iter().collect::<Option<_>>().map(Self)
    }
    fn show(&self) -> String {
        show_list(&self.0.iter().map(ToString::to_string).collect::<Vec<_>>())
    }
}

/// The lists, brands or lines of business a stream is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListNames(pub(crate) Vec<String>);

impl Form for ListNames {
    const NAME: &'static str = "a list of names";
    const EXAMPLE: &'static str = "[\"newsletter\", \"spring-offers\"]";
    fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let mut names: Vec<String> = Vec::new();
        let before = faults.len();
        for item in given.elements::<Self>(faults)? {
            let DeValue::String(text) = item.value else {
                faults.push(item.wrong_type::<Self>());
                continue;
            };
            let wrong = |why: String| Fault::at(item.span.clone(), why);
            match text.parse::<Scope>() {
                Ok(Scope::Named(name)) if same(&names, &name) => {
                    faults.push(wrong(format!("\"{name}\" is there already")));
                }
                Ok(Scope::Named(name)) => names.push(name),
                Ok(wide) => faults.push(wrong(format!("\"{wide}\" is no name of a list")).help(
                    "a commercial stream without scopes is about any list: leave scopes out",
                )),
                Err(_) => faults.push(wrong(format!(
                    "\"{}\" is no name of a list: one line, at most 200 bytes, and not empty",
                    text.escape_debug()
                ))),
            }
        }
        (faults.len() == before).then_some(Self(names))
    }
    fn show(&self) -> String {
        show_list(&self.0)
    }
}

fn same(names: &[String], name: &str) -> bool {
    names.iter().any(|other| other.to_lowercase() == name.to_lowercase())
}

/// The name of a stream. It stands in the evidence and in refusals, so it is plain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StreamName(pub(crate) String);

impl Form for StreamName {
    const NAME: &'static str = "a name";
    const EXAMPLE: &'static str = "\"receipts\"";
    fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        SourceName::read(given, faults).map(|name| Self(name.0))
    }
    fn show(&self) -> String {
        quoted(&self.0)
    }
}
