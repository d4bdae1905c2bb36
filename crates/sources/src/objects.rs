//! From JSON to records with named columns: which objects are records, and the texts of their
//! members by path.
//!
//! A record is an object at the path of the records, or a text there. Arrays are looked through:
//! `items` means the objects of an array `items`, and `emails.value` all values of the objects in
//! `emails`, parted by `; `. Of a member that is there twice the last value that is not empty
//! counts, and of two addresses both: to leave one out would mail somebody who opted out. Only the
//! members asked for are kept.

use std::collections::HashMap;
use std::io::Read;
use std::ops::ControlFlow;

use crate::columns::Sample;
use crate::error::SourceError;
use crate::json::{self, Token, Visitor};
use crate::part::Part;
use crate::report::Fault;
use crate::row::Assembler;
use crate::table::{Cells, Scratch, Table};

/// Records that are looked at, and members of them.
const SAMPLE_RECORDS: usize = 200;
const SAMPLE_NAMES: usize = 4096;
/// Bytes of one member, of values joined.
const VALUE_MAX: usize = 64 * 1024;
/// Bytes of a value that the sample keeps.
const SAMPLE_VALUE: usize = 400;
/// Longest path of a member.
const PATH_MAX: usize = 4096;

/// An object or an array that is open.
struct Open {
    array: bool,
    /// Length of the path that leads to it.
    path: usize,
}

/// The text of one member.
#[derive(Default)]
struct Value {
    text: String,
    fault: Option<Fault>,
}

/// One record.
#[derive(Default)]
pub(crate) struct Object {
    values: Vec<Value>,
    /// Which of them are not empty.
    filled: Vec<usize>,
    line: u64,
    /// It is a value without names.
    bare: bool,
}

impl Object {
    fn begin(&mut self, line: u64, bare: bool) {
        for at in self.filled.drain(..) {
            if let Some(value) = self.values.get_mut(at) {
                value.text.clear();
                value.fault = None;
            }
        }
        (self.line, self.bare) = (line, bare);
    }

    /// Adds a text; `together` says that it is one of several in an array.
    fn add(&mut self, at: usize, text: &str, fault: Option<Fault>, together: bool) {
        if self.values.len() <= at {
            self.values.resize_with(at + 1, Value::default);
        }
        let Some(value) = self.values.get_mut(at) else { return };
        if text.trim().is_empty() {
            return;
        }
        match value.text.is_empty() {
            true => self.filled.push(at),
            false if together || value.text.contains('@') => value.text.push_str("; "),
            false => value.text.clear(),
        }
        value.fault = fault.or(value.fault);
        if value.text.len() + text.len() > VALUE_MAX {
            value.fault = Some(Fault::TooLong);
        } else {
            value.text.push_str(text);
        }
    }
}

impl Cells for Object {
    fn cell<'c>(&'c self, at: usize, _scratch: &'c mut Vec<u8>) -> &'c [u8] {
        self.values.get(at).map_or(b"", |value| value.text.as_bytes())
    }

    fn is_blank(&self, at: usize) -> bool {
        self.values.get(at).is_none_or(|value| value.text.is_empty())
    }
}

/// Collects records and gives each to `take`.
pub(crate) struct Objects<'a, T> {
    /// Where the records are; empty for the documents themselves.
    within: &'a str,
    /// Names on the way to where the walk is, parted by dots.
    path: String,
    open: Vec<Open>,
    /// How many were open when the record began.
    record: Option<usize>,
    object: Object,
    names: HashMap<String, usize>,
    /// Learn names that are not known yet.
    learns: bool,
    /// Whether there is anything at the path of the records.
    found: bool,
    take: T,
}

impl<'a, T: FnMut(&Object) -> ControlFlow<()>> Objects<'a, T> {
    fn new(within: &'a str, names: HashMap<String, usize>, learns: bool, take: T) -> Self {
        Self {
            within,
            path: String::new(),
            open: Vec::new(),
            record: None,
            object: Object::default(),
            names,
            learns,
            found: false,
            take,
        }
    }

    fn is_at_records(&self) -> bool {
        self.record.is_none() && self.path == self.within
    }

    fn enter(&mut self, array: bool) {
        self.open.push(Open { array, path: self.path.len() });
    }

    fn name(&mut self, name: &str) {
        let upto = self.open.last().map_or(0, |open| open.path);
        self.path.truncate(upto);
        if upto > 0 {
            self.path.push('.');
        }
        if self.path.len() + name.len() <= PATH_MAX {
            self.path.push_str(name);
        } else {
            // Longer than any path that is asked for.
            self.path.push('\u{0}');
        }
    }

    fn leave(&mut self) -> ControlFlow<()> {
        if let Some(open) = self.open.pop() {
            self.path.truncate(open.path);
        }
        if self.record == Some(self.open.len()) {
            self.record = None;
            return (self.take)(&self.object);
        }
        ControlFlow::Continue(())
    }

    /// A value inside of a record, or one that is a record.
    fn scalar(&mut self, text: &str, fault: Option<Fault>, line: u64) -> ControlFlow<()> {
        let Some(began) = self.record else {
            if !self.is_at_records() {
                return ControlFlow::Continue(());
            }
            self.found = true;
            self.object.begin(line, true);
            self.put("", text, fault, false);
            return (self.take)(&self.object);
        };
        let together = self.open.iter().skip(began + 1).any(|open| open.array);
        let skip = match self.within.len() {
            0 => 0,
            length => length + 1,
        };
        let path = std::mem::take(&mut self.path);
        self.put(path.get(skip..).unwrap_or_default(), text, fault, together);
        self.path = path;
        ControlFlow::Continue(())
    }

    fn put(&mut self, name: &str, text: &str, fault: Option<Fault>, together: bool) {
        let known = self.names.get(name).copied();
        let at = match known {
            Some(at) => at,
            None if self.learns && self.names.len() < SAMPLE_NAMES => {
                let at = self.names.len();
                self.names.insert(name.to_owned(), at);
                at
            }
            None => return,
        };
        self.object.add(at, text, fault, together);
    }
}

impl<T: FnMut(&Object) -> ControlFlow<()>> Visitor for Objects<'_, T> {
    fn token(&mut self, token: Token<'_>, line: u64) -> ControlFlow<()> {
        match token {
            Token::BeginObject => {
                if self.is_at_records() {
                    self.found = true;
                    self.record = Some(self.open.len());
                    self.object.begin(line, false);
                }
                self.enter(false);
            }
            Token::BeginArray => {
                self.found |= self.is_at_records();
                self.enter(true);
            }
            Token::End => return self.leave(),
            Token::Name(name) => self.name(name),
            // An element that is null is a record of nobody; a member that is, is no value.
            Token::Null if self.open.last().is_some_and(|open| open.array) => {
                return self.scalar("", None, line);
            }
            Token::Null => self.found |= self.is_at_records(),
            Token::Plain(text) => return self.scalar(text, None, line),
            Token::Text(text, fault) => return self.scalar(text, fault, line),
        }
        ControlFlow::Continue(())
    }
}

/// Looks at the first records. None where nothing is at their path in all of the file.
pub(crate) fn sample(
    text: impl Read,
    part: &Part,
    within: &str,
) -> Result<Option<Sample>, SourceError> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut bare = true;
    let mut objects = Objects::new(within, HashMap::new(), true, |object: &Object| {
        bare &= object.bare;
        let short = |value: &Value| value.text.chars().take(SAMPLE_VALUE).collect();
        rows.push(object.values.iter().map(short).collect());
        match rows.len() < SAMPLE_RECORDS {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        }
    });
    // It breaks off when it has seen enough.
    let _enough = json::walk(text, part, &mut objects)?;
    let (found, names) = (objects.found, objects.names);
    let mut header = vec![String::new(); names.len()];
    for (name, at) in names {
        if let Some(column) = header.get_mut(at) {
            *column = name;
        }
    }
    let header = (!bare).then_some(header);
    Ok(found.then_some(Sample { header, rows }))
}

/// Hands every record to the assembler, until it breaks.
pub(crate) fn read(
    text: impl Read,
    part: &Part,
    within: &str,
    table: &Table,
    assembler: &mut Assembler<'_>,
) -> Result<ControlFlow<()>, SourceError> {
    let named = table.header().is_some();
    let names = match table.header() {
        Some(header) => header.iter().cloned().zip(0..).collect(),
        None => HashMap::from([(String::new(), 0)]),
    };
    let mut scratch = Scratch::default();
    let take = |object: &Object| {
        let fault = |at: &usize| object.values.get(*at).and_then(|value| value.fault);
        let bare = (object.bare && named && !object.filled.is_empty()).then_some(Fault::NoMembers);
        match bare.or_else(|| table.email().iter().find_map(fault)) {
            None => table.take(object, object.line, &mut scratch, assembler),
            Some(fault) => {
                assembler.bad(object.line, fault, "");
                ControlFlow::Continue(())
            }
        }
    };
    json::walk(text, part, &mut Objects::new(within, names, false, take))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::Input;

    /// An array of so many objects, made while it is read.
    struct Generated {
        next: u64,
        objects: u64,
        text: Vec<u8>,
    }

    impl Read for Generated {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            if self.text.is_empty() {
                let text = match self.next {
                    0 => "{\"items\":[{}".to_owned(),
                    n if n < self.objects => {
                        let noise = "x".repeat(usize::try_from(n % 300).unwrap_or(0));
                        format!(
                            ",\n{{\"m{n}\":\"{noise}\",\"email\":\"a{n}@x.example\",\"l\":[[1,{n}]]}}"
                        )
                    }
                    n if n == self.objects => "]}".to_owned(),
                    _ => return Ok(0),
                };
                self.next += 1;
                self.text = text.into_bytes();
            }
            let length = out.len().min(self.text.len());
            out.iter_mut().zip(self.text.drain(..length)).for_each(|(to, from)| *to = from);
            Ok(length)
        }
    }

    #[test]
    fn an_array_without_end_takes_no_more_than_a_record() {
        const OBJECTS: u64 = 100_000;
        let part = Part::whole(Input::bytes("l.json", &b""[..]).into());
        let generated = || Generated { next: 0, objects: OBJECTS, text: Vec::new() };
        // Every object has a member of its own: the sample learns as many as it keeps.
        let sample = sample(generated(), &part, "items").unwrap().unwrap();
        assert_eq!(sample.rows.len(), SAMPLE_RECORDS);
        assert!(sample.header.unwrap().len() <= SAMPLE_RECORDS + 2);
        let (mut records, mut most) = (0, 0);
        let names = HashMap::from([("email".to_owned(), 0), ("l".to_owned(), 1)]);
        let mut objects = Objects::new("items", names, false, |object: &Object| {
            records += 1;
            let kept = object.values.iter().map(|value| value.text.capacity()).sum::<usize>();
            most = most.max(kept + object.values.len() + object.filled.capacity());
            ControlFlow::Continue(())
        });
        assert!(json::walk(generated(), &part, &mut objects).unwrap().is_continue());
        assert!(objects.path.capacity() < 100 && objects.open.capacity() < 100);
        assert_eq!(records, OBJECTS);
        assert!(most < 200, "{most} bytes");
    }

    #[test]
    fn values_of_arrays_are_joined_and_members_are_found_by_path() {
        let text = r#"[{"a":{"b":[{"c":1},{"c":[2,null,3]}]},"a.b.c":4,"d":" ","d":"x","e":{}}]"#;
        let part = Part::whole(Input::bytes("l.json", &b""[..]).into());
        let sample = sample(text.as_bytes(), &part, "").unwrap().unwrap();
        assert_eq!(sample.header.unwrap(), ["a.b.c", "d"]);
        assert_eq!(sample.rows, [["4", "x"]]);
    }
}
