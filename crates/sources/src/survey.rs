//! Where the records of a JSON file are, where the configuration does not say: the file is an
//! array of them, or has one after another (NDJSON), or is an object with one array of objects in
//! it. What could be two things is an error that names both.
//!
//! An object can be known to be alone, and an array in it to be the only one, when all of the file
//! has been seen; so that is gone through once more, in bounded memory.

use std::collections::BTreeMap;
use std::io::Read;
use std::ops::ControlFlow;

use crate::cell::looks_like_address;
use crate::error::{Place, SourceError};
use crate::json::{self, Token, Visitor};
use crate::part::Part;

/// Different arrays that are remembered.
const ARRAYS: usize = 1000;
/// Longest path of an array.
const PATH_MAX: usize = 1000;
/// What says at the top that there are more records than in this file.
const CONTINUED: [&str; 4] = ["NextToken", "nextToken", "next_token", "nextPageToken"];
/// What says at the top how many records there are in all.
const COUNTS: [&str; 5] = ["total_count", "totalCount", "TotalCount", "total", "count"];

/// Where the records are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Records {
    /// The path of names, parted by dots; empty for the documents themselves.
    pub(crate) within: String,
    /// How many there are in all, as the file says.
    pub(crate) stated: Option<u64>,
    /// The file says that it is not all there is.
    pub(crate) continued: bool,
}

impl Records {
    /// Where they are by the configuration; `.` stands for the documents themselves.
    pub(crate) fn configured(path: &str) -> Self {
        let within = if path == "." { "" } else { path };
        Self { within: within.to_owned(), stated: None, continued: false }
    }
}

impl Records {
    /// What to tell when there were so many rows.
    pub(crate) fn missing(&self, rows: u64) -> Option<String> {
        let page = "it is one page of several, and whoever is on the others is missing";
        match self.stated {
            _ if self.continued => Some(format!("the file says that it goes on elsewhere: {page}")),
            Some(stated) if stated > rows => Some(format!(
                "the file says that there are {stated} records, and has {rows}: {page}"
            )),
            _ => None,
        }
    }
}

/// An array.
#[derive(Default)]
struct Array {
    objects: u64,
    addresses: u64,
}

/// Looks where the records could be.
#[derive(Default)]
pub(crate) struct Survey {
    path: String,
    /// Of what is open: whether it is an array, and how long the path to it is.
    open: Vec<(bool, usize)>,
    /// The outermost array that is open, by its number of open ones.
    array: Option<usize>,
    arrays: BTreeMap<String, Array>,
    documents: usize,
    /// The first document is an object.
    object: bool,
    /// A member of that object holds an address.
    address: Option<String>,
    stated: Option<u64>,
    continued: bool,
    /// Do not stop at what decides.
    to_the_end: bool,
}

/// Goes through the file and says where its records are.
pub(crate) fn find(text: impl Read, part: &Part) -> Result<Records, SourceError> {
    let mut survey = Survey::default();
    // It breaks off when there is nothing to be decided.
    let _enough = json::walk(text, part, &mut survey)?;
    survey.decide().map_err(|what| SourceError::Json {
        file: part.name().to_owned(),
        place: Place { line: 1, column: 1 },
        what,
    })
}

/// The paths of all arrays, for an error.
pub(crate) fn arrays(text: impl Read, part: &Part) -> Result<String, SourceError> {
    let mut survey = Survey { to_the_end: true, ..Survey::default() };
    let _whole = json::walk(text, part, &mut survey)?;
    let paths: Vec<_> = survey.arrays.keys().take(20).map(String::as_str).collect();
    Ok(if paths.is_empty() { "none".to_owned() } else { paths.join(", ") })
}

impl Survey {
    fn decide(self) -> Result<Records, String> {
        let whole = Records { within: String::new(), stated: None, continued: false };
        if !self.object || self.documents > 1 {
            return Ok(whole);
        }
        let within = |path: &String| Records {
            within: path.clone(),
            stated: self.stated,
            continued: self.continued,
        };
        let with = |has: fn(&Array) -> bool| {
            self.arrays.iter().filter(|(_, array)| has(array)).map(|(path, _)| path).collect()
        };
        let of_objects: Vec<_> = with(|array| array.objects > 0);
        let of_addresses: Vec<_> = with(|array| array.addresses > 0);
        let candidates = if of_objects.is_empty() { of_addresses } else { of_objects };
        match (candidates.as_slice(), &self.address) {
            ([], Some(_)) => Ok(whole),
            ([path], None) => Ok(within(path)),
            ([path], Some(member)) => Err(format!(
                "the records could be in `{path}`, or the file could be one record, as there is an \
                 address in `{member}`; set records = \"{path}\" or records = \".\""
            )),
            ([one, other, ..], _) => Err(format!(
                "the records could be in `{one}` or in `{other}`; set `records` to the right one"
            )),
            ([], None) => Ok(self.arrays.keys().next().map_or(whole, within)),
        }
    }

    fn value(&mut self, text: Option<&str>) {
        match self.open.as_slice() {
            [(true, _), ..] | [] => {}
            // A member of the document itself.
            [(false, _)] => {
                let filled = text.filter(|text| !text.is_empty());
                if CONTINUED.contains(&self.path.as_str()) {
                    self.continued |= filled.is_some();
                } else if COUNTS.contains(&self.path.as_str()) {
                    self.stated = self.stated.or(text.and_then(|text| text.parse().ok()));
                } else if filled.is_some_and(looks_like_address) {
                    self.address.get_or_insert_with(|| self.path.clone());
                }
            }
            [..] => {}
        }
        if let (Some(array), Some(text)) = (self.innermost(), text)
            && looks_like_address(text)
        {
            array.addresses += 1;
        }
    }

    /// The outermost array, where its elements are what comes next.
    fn innermost(&mut self) -> Option<&mut Array> {
        let at = self.array.filter(|at| self.open.len() == at + 1)?;
        let path = self.path.get(..self.open.get(at)?.1)?;
        self.arrays.get_mut(path)
    }

    fn begin(&mut self, array: bool) {
        if !array && let Some(around) = self.innermost() {
            around.objects += 1;
        }
        let at = self.open.len();
        self.open.push((array, self.path.len()));
        let room = self.arrays.len() < ARRAYS && self.path.len() <= PATH_MAX;
        if array && self.array.is_none() && at > 0 && room {
            self.array = Some(at);
            self.arrays.entry(self.path.clone()).or_default();
        }
    }
}

impl Visitor for Survey {
    fn token(&mut self, token: Token<'_>, _line: u64) -> ControlFlow<()> {
        if self.open.is_empty() {
            self.documents += 1;
            match token {
                Token::BeginObject if self.documents == 1 => self.object = true,
                _ if self.to_the_end => {}
                _ if !self.object || self.documents > 1 => return ControlFlow::Break(()),
                _ => {}
            }
        }
        match token {
            Token::BeginObject => self.begin(false),
            Token::BeginArray => self.begin(true),
            Token::End => {
                if let Some((_, path)) = self.open.pop() {
                    self.path.truncate(path);
                }
                self.array = self.array.filter(|at| *at < self.open.len());
            }
            Token::Name(name) => {
                let upto = self.open.last().map_or(0, |(_, path)| *path);
                self.path.truncate(upto);
                if upto > 0 {
                    self.path.push('.');
                }
                self.path.extend(name.chars().take(PATH_MAX));
            }
            Token::Null => self.value(None),
            Token::Plain(text) | Token::Text(text, _) => self.value(Some(text)),
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::Input;

    fn found(text: &str) -> Result<String, String> {
        let part = Part::whole(Input::bytes("l.json", &b""[..]).into());
        find(text.as_bytes(), &part).map(|records| records.within).map_err(|e| e.to_string())
    }

    #[test]
    fn records_are_where_there_is_no_doubt() {
        for (text, within) in [
            ("", ""),
            ("[{\"a\": [{}]}]", ""),
            ("[\"a@x.example\"]", ""),
            ("{\"email\": \"a@x.example\"}\n{\"email\": \"b@x.example\", \"l\": [{}]}", ""),
            ("{\"email\": \"a@x.example\", \"tags\": [\"x\"]}", ""),
            ("{\"items\": [{\"a\": [{}]}, {}], \"paging\": {\"next\": \"x\"}, \"l\": []}", "items"),
            ("{\"data\": {\"rows\": [{}]}, \"names\": [\"x\"]}", "data.rows"),
            ("{\"list\": [\"a@x.example\"], \"tags\": [\"x\"]}", "list"),
            ("{\"items\": []}", "items"),
            ("{\"a\": 1}", ""),
            ("{}", ""),
        ] {
            assert_eq!(found(text).unwrap(), within, "{text}");
        }
    }

    #[test]
    fn what_could_be_two_things_is_an_error_that_names_both() {
        let error = found("{\"a\": [{}], \"b\": {\"c\": [{}]}}").unwrap_err();
        assert!(error.contains("`a` or in `b.c`") && error.contains("`records`"), "{error}");
        let error = found("{\"owner\": \"a@x.example\", \"b\": [{}]}").unwrap_err();
        assert!(error.contains("`b`") && error.contains("`owner`"), "{error}");
        assert!(!error.contains("a@x.example"), "{error}");
    }

    #[test]
    fn what_the_file_says_of_its_size_is_noticed() {
        let part = Part::whole(Input::bytes("l.json", &b""[..]).into());
        let text = "{\"contacts\": [{}], \"count\": 12, \"NextToken\": \"\"}";
        let records = find(text.as_bytes(), &part).unwrap();
        assert_eq!((records.stated, records.continued), (Some(12), false));
        let text = "{\"s\": [{}], \"NextToken\": \"x\"}";
        assert!(find(text.as_bytes(), &part).unwrap().continued);
    }
}
