//! The table of keys. A section is written down once, in [`super::file`], as the
//! struct that holds what the file says; the macro makes from it the reading, the
//! rows of `config show`, and the text for `init` and the reference, so that none
//! of them can know a key that the others do not.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::fault::Fault;
use super::form::{Form, Given};
use super::nearest::nearest;

/// Where an effective value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The default of this program.
    Default,
    /// The file, at this place of its text.
    File(Range<usize>),
    /// Worked out from something else, told in words.
    Derived(&'static str),
    /// An environment variable.
    Environment(&'static str),
}

/// A value and where it comes from.
#[derive(Clone, Debug)]
pub(crate) struct Said<T> {
    /// The value.
    pub(crate) value: T,
    /// Where it comes from.
    pub(crate) origin: Origin,
}

impl<T> Said<T> {
    /// The place in the file, if it comes from there.
    pub(crate) fn span(&self) -> Option<Range<usize>> {
        match &self.origin {
            Origin::File(span) => Some(span.clone()),
            Origin::Default | Origin::Derived(_) | Origin::Environment(_) => None,
        }
    }
}

/// A value that has no default.
#[derive(Clone, Debug)]
pub(crate) enum Maybe<T> {
    /// Not in the file.
    Absent,
    /// In the file, and wrong: the fault is already told, so nobody tells another.
    Bad,
    /// There.
    Said(Said<T>),
}

impl<T> Maybe<T> {
    /// The value with its origin, if there is one.
    pub(crate) fn said(&self) -> Option<&Said<T>> {
        match self {
            Self::Said(said) => Some(said),
            Self::Absent | Self::Bad => None,
        }
    }

    /// The value, if there is one.
    pub(crate) fn get(&self) -> Option<&T> {
        self.said().map(|said| &said.value)
    }

    /// Fills in a value that the file does not give.
    pub(crate) fn or_derive(&mut self, how: &'static str, value: impl FnOnce() -> Option<T>) {
        if matches!(self, Self::Absent)
            && let Some(value) = value()
        {
            *self = Self::Said(Said { value, origin: Origin::Derived(how) });
        }
    }
}

/// What a key does when it is not in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// It has this value (as TOML).
    Default(String),
    /// The file must give it; an example.
    Required(&'static str),
    /// An example, and what happens without it.
    Without(&'static str, &'static str),
}

/// One key, for the generated texts.
#[derive(Clone, Debug)]
pub(crate) struct KeyInfo {
    pub(crate) name: &'static str,
    pub(crate) doc: &'static str,
    pub(crate) form: &'static str,
    pub(crate) forms: &'static str,
    pub(crate) rule: Rule,
}

/// One section, for the generated texts.
#[derive(Clone, Debug)]
pub(crate) struct SectionInfo {
    pub(crate) name: &'static str,
    /// `[[name]]`, any number of times.
    pub(crate) many: bool,
    pub(crate) doc: &'static str,
    pub(crate) keys: Vec<KeyInfo>,
}

/// One effective value, for `config show`.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) key: &'static str,
    /// In TOML; none when nothing is set.
    pub(crate) value: Option<String>,
    pub(crate) origin: Origin,
}

/// What the macro makes for every section.
pub(crate) trait Section: Sized {
    const NAME: &'static str;
    const MANY: bool;
    fn info() -> SectionInfo;
    fn read(reader: &mut Reader<'_>) -> Self;
    fn rows(&self) -> Vec<Row>;
    /// The place of the section's heading, if it is in the file.
    fn heading(&self) -> Option<Range<usize>>;
}

/// Reads one section's table key by key, then tells what is left over.
pub(crate) struct Reader<'a> {
    pub(crate) name: &'static str,
    /// None: the section is not in the file.
    pub(crate) table: Option<&'a DeTable<'a>>,
    pub(crate) text: &'a str,
    pub(crate) faults: &'a mut Vec<Fault>,
    pub(crate) header: Option<Range<usize>>,
    pub(crate) known: Vec<&'static str>,
}

impl Reader<'_> {
    pub(crate) fn maybe<T: Form>(&mut self, key: &'static str) -> Maybe<T> {
        self.known.push(key);
        let Some(value) = self.table.and_then(|t| t.get(key)) else { return Maybe::Absent };
        let span = value.span();
        let given = Given { value: value.get_ref(), span: span.clone(), text: self.text };
        match T::read(&given, self.faults) {
            Some(value) => Maybe::Said(Said { value, origin: Origin::File(span) }),
            None => Maybe::Bad,
        }
    }

    pub(crate) fn or_default<T: Form>(&mut self, key: &'static str, default: T) -> Said<T> {
        match self.maybe(key) {
            Maybe::Said(said) => said,
            Maybe::Absent | Maybe::Bad => Said { value: default, origin: Origin::Default },
        }
    }

    pub(crate) fn required<T: Form>(&mut self, key: &'static str, example: &str) -> Maybe<T> {
        let found = self.maybe(key);
        if matches!(found, Maybe::Absent) {
            let message = format!("`{key}` is missing in [{}]", self.name);
            self.faults.push(match &self.header {
                Some(span) => {
                    Fault::at(span.clone(), message).help(format!("add: {key} = {example}"))
                }
                None => Fault::nowhere(message)
                    .help(format!("add:\n[{}]\n{key} = {example}", self.name)),
            });
        }
        found
    }

    /// Tells every key that no one asked for.
    pub(crate) fn finish(self) {
        let Some(table) = self.table else { return };
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            if !self.known.contains(&name) {
                let message = format!("unknown key `{name}` in [{}]", self.name);
                self.faults.push(match SECRETS.contains(&name) {
                    // What stands behind it is not for the screen or the log.
                    true => Fault::at(key.span(), message).secret(value.span()).help(format!(
                        "it stands in a file or in the environment: {name}_file or {name}_env"
                    )),
                    false => unknown(key.span(), message, name, &self.known),
                });
            }
        }
    }
}

/// Keys that people try, and that hold what nobody should see.
const SECRETS: [&str; 4] = ["password", "token", "salt", "client_secret"];

/// The fault for a name that is none of `known`.
pub(crate) fn unknown(span: Range<usize>, message: String, name: &str, known: &[&str]) -> Fault {
    let fault = Fault::at(span, message);
    match nearest(name, known.iter().copied()) {
        Some(near) => fault.help(format!("did you mean `{near}`?")),
        None => fault.help(format!("known here: {}", known.join(", "))),
    }
}

/// A table, or a fault.
pub(crate) fn as_table<'a>(
    value: &'a DeValue<'a>,
    span: Range<usize>,
    name: &str,
    faults: &mut Vec<Fault>,
) -> Option<&'a DeTable<'a>> {
    if let DeValue::Table(table) = value {
        return Some(table);
    }
    faults.push(
        Fault::at(span, format!("`{name}` is a section, not a key"))
            .help(format!("write it as a line of its own: [{name}]")),
    );
    None
}

macro_rules! section {
    (
        $(#[doc = $sdoc:literal])+
        $name:ident = $path:literal, $count:ident {
            $( $(#[doc = $kdoc:literal])+ $field:ident : $ty:ty = $rule:ident ($($arg:expr),*), )+
        }
    ) => {
        $(#[doc = $sdoc])+
        #[derive(Clone, Debug)]
        pub(crate) struct $name {
            $( $(#[doc = $kdoc])+ pub(crate) $field: section!(@type $rule $ty), )+
            heading: Option<std::ops::Range<usize>>,
        }

        impl Section for $name {
            const NAME: &'static str = $path;
            const MANY: bool = section!(@many $count);

            fn info() -> SectionInfo {
                SectionInfo {
                    name: $path,
                    many: Self::MANY,
                    doc: concat!($($sdoc, "\n",)+),
                    keys: vec![ $( KeyInfo {
                        name: stringify!($field),
                        doc: concat!($($kdoc, "\n",)+),
                        form: <$ty as Form>::NAME,
                        forms: <$ty as Form>::EXAMPLE,
                        rule: section!(@rule $rule $ty, $($arg),*),
                    }, )+ ],
                }
            }

            fn read(reader: &mut Reader<'_>) -> Self {
                Self {
                    $( $field: section!(@read $rule reader, stringify!($field), $($arg),*), )+
                    heading: reader.header.clone(),
                }
            }

            fn heading(&self) -> Option<std::ops::Range<usize>> {
                self.heading.clone()
            }

            fn rows(&self) -> Vec<Row> {
                vec![ $( section!(@row $rule self, $field), )+ ]
            }
        }
    };
    (@many one) => { false };
    (@many many) => { true };
    (@type default $ty:ty) => { Said<$ty> };
    (@type $other:ident $ty:ty) => { Maybe<$ty> };
    (@rule default $ty:ty, $value:expr) => { Rule::Default(<$ty as Form>::show(&$value)) };
    (@rule required $ty:ty, $example:expr) => { Rule::Required($example) };
    (@rule without $ty:ty, $example:expr, $what:expr) => { Rule::Without($example, $what) };
    (@read default $r:ident, $key:expr, $value:expr) => { $r.or_default($key, $value) };
    (@read required $r:ident, $key:expr, $example:expr) => { $r.required($key, $example) };
    (@read without $r:ident, $key:expr, $example:expr, $what:expr) => { $r.maybe($key) };
    (@row default $self:ident, $field:ident) => {
        Row {
            key: stringify!($field),
            value: Some($self.$field.value.show()),
            origin: $self.$field.origin.clone(),
        }
    };
    (@row $other:ident $self:ident, $field:ident) => {
        Row {
            key: stringify!($field),
            value: $self.$field.get().map(Form::show),
            origin: $self.$field.said().map_or(Origin::Default, |said| said.origin.clone()),
        }
    };
}
pub(crate) use section;
