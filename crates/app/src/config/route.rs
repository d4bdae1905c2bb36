//! Forms of the names of smarthosts, and which of them a stream goes by.

use std::ops::Range;

use super::fault::Fault;
use super::form::{Form, Given, quoted};
use super::naming::show_list;

/// The name of a smarthost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SmarthostName(pub(crate) String);

impl Form for SmarthostName {
    const NAME: &'static str = "a name";
    const EXAMPLE: &'static str = "\"main\"";
    fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let text = given.string::<Self>(faults)?;
        // As its default, an address.
        let plain = text.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'\\'));
        if plain && (1..=300).contains(&text.len()) {
            return Some(Self(text.to_owned()));
        }
        faults.push(given.wrong::<Self>("printable ASCII without spaces and quotes"));
        None
    }
    fn show(&self) -> String {
        quoted(&self.0)
    }
}

/// The smarthosts of a stream, each with its place in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SmarthostNames(pub(crate) Vec<(String, Range<usize>)>);

impl Form for SmarthostNames {
    const NAME: &'static str = "a list of names";
    const EXAMPLE: &'static str = "[\"main\", \"reserve\"]";
    fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let items = given.elements::<Self>(faults)?;
        if items.is_empty() {
            faults.push(given.wrong::<Self>("its mail could go nowhere"));
            return None;
        }
        let names = items
            .iter()
            .map(|item| SmarthostName::read(item, faults).map(|name| (name.0, item.span.clone())));
        names.collect::<Vec<_>>().into_iter().collect::<Option<_>>().map(Self)
    }
    fn show(&self) -> String {
        show_list(&self.0.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>())
    }
}
