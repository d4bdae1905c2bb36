//! JSON: held against serde_json, which builds the whole value. What it takes we take, and every
//! address of it is there.

use address::{Mailbox, PersonRules};
use serde_json::Value;
use sources::{Columns, Format, JsonSpec, Spec};

use crate::list::read;

/// All bytes are the file; the records are its documents, the address is in `email`.
pub fn json(data: &[u8]) {
    let found_by_itself = Spec::new("list", Format::Json(JsonSpec::default()));
    let _whatever = read(data, &found_by_itself);
    let columns = Columns { email: "email".parse().ok(), ..Columns::default() };
    let encoding = "utf-8".parse().ok();
    let json = JsonSpec { records: Some(".".to_owned()), columns, encoding };
    let spec = Spec { allow_subscribed: true, ..Spec::new("list", Format::Json(json)) };
    let found = read(data, &spec);
    // What begins like another encoding is read as that.
    if data.starts_with(b"\xff\xfe") || data.starts_with(b"\xfe\xff") {
        return;
    }
    let documents = serde_json::Deserializer::from_slice(data).into_iter::<Value>();
    let Ok(documents) = documents.collect::<Result<Vec<_>, _>>() else { return };
    let Some(found) = found else { return };
    let mut records: Vec<_> = documents.iter().collect();
    while let Some(record) = records.pop() {
        match record {
            Value::Array(elements) => records.extend(elements),
            Value::Object(members) => {
                let Some(Value::String(cell)) = members.get("email") else { continue };
                let Some(address) = plain(cell) else { continue };
                let is_there = found.rows.iter().any(|(_, row)| *row == address);
                // Of members whose names differ in case only the last counts, as of columns; and one
                // that is there twice may be joined to something that is no address.
                let named = |five: &&[u8]| five.eq_ignore_ascii_case(b"email");
                let twice = data.windows(5).filter(named).count() > members_of(&documents);
                assert!(is_there || twice, "lost an address");
            }
            _ => {}
        }
    }
}

/// How many members `email` there are.
fn members_of(documents: &[Value]) -> usize {
    let mut open: Vec<_> = documents.iter().collect();
    let mut count = 0;
    while let Some(value) = open.pop() {
        match value {
            Value::Array(elements) => open.extend(elements),
            Value::Object(members) => {
                count += usize::from(members.contains_key("email"));
                open.extend(members.values());
            }
            _ => {}
        }
    }
    count
}

/// Nothing around the address that is taken off, and no second one in it.
fn plain(cell: &str) -> Option<String> {
    let ordinary = |c: char| c.is_ascii_alphanumeric() || matches!(c, '@' | '.' | '-' | '+' | '_');
    let mailbox = Mailbox::parse(cell).ok()?;
    mailbox.canonical(&PersonRules::default()).ok()?;
    (cell.chars().all(ordinary) && !cell.ends_with('.')).then(|| mailbox.to_string())
}

#[cfg(test)]
mod tests {
    use crate::exercise::exercise;

    #[test]
    fn seeds_and_mutations() {
        let words: &[&[u8]] = &[
            b"{",
            b"}",
            b"[",
            b"]",
            b",",
            b":",
            b"\n",
            b"\"email\":",
            b"\"bob@example.com\"",
            b"{\"email\":\"tim@x.example\"}",
            b"null",
            b"true",
            b"-1.5e3",
            b"\\u0040",
            b"\\ud83d",
            b"\"items\":[",
            b"\"\"",
            b"\\",
            b"\"",
            b"\xef\xbb\xbf",
            b"\x1e",
            b"\xc3\xbc",
            b"\"created\":1443651125",
        ];
        exercise("json", super::json, words);
    }
}
