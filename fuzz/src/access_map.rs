//! Access maps: no refused address is lost. Held against a reading line by line, for lines that
//! neither continue another nor are continued.

use address::{Mailbox, PersonRules};
use sources::{AccessMapSpec, Format, Spec};

use crate::list::read;

/// All bytes are the map.
pub fn access_map(data: &[u8]) {
    let encoding = "utf-8".parse().ok();
    let spec = Spec::new("map", Format::AccessMap(AccessMapSpec { encoding }));
    let found = read(data, &spec);
    let Ok(text) = str::from_utf8(data) else { return };
    // No text, by its first bytes: an archive, a document.
    let Some(found) = found else { return };
    let lines: Vec<_> = text.trim_start_matches('\u{feff}').split('\n').collect();
    for (at, line) in lines.iter().enumerate() {
        let mut words = line.split_ascii_whitespace();
        let (Some(pattern), Some("REJECT"), None) = (words.next(), words.next(), words.next())
        else {
            continue;
        };
        let next = lines
            .iter()
            .skip(at + 1)
            .find(|next| !next.trim().is_empty() && !next.trim_start().starts_with('#'));
        let alone = !line.starts_with(char::is_whitespace)
            && !next.is_some_and(|next| next.starts_with(char::is_whitespace));
        let Some(address) = plain(pattern).filter(|_| alone) else { continue };
        assert!(found.rows.contains(&(at as u64 + 1, address)), "line {}", at + 1);
    }
}

fn plain(pattern: &str) -> Option<String> {
    let ordinary = |c: char| c.is_ascii_alphanumeric() || matches!(c, '@' | '.' | '-' | '+' | '_');
    let mailbox = Mailbox::parse(pattern).ok()?;
    mailbox.canonical(&PersonRules::default()).ok()?;
    (pattern.chars().all(ordinary) && !pattern.ends_with('.')).then(|| mailbox.to_string())
}

#[cfg(test)]
mod tests {
    use crate::exercise::exercise;

    #[test]
    fn seeds_and_mutations() {
        let words: &[&[u8]] = &[
            b"bob@example.com",
            b"tim@x.example",
            b" REJECT",
            b"\tREJECT\n",
            b"\n",
            b"\r\n",
            b" ",
            b"# ",
            b"OK",
            b"DUNNO",
            b"550 no",
            b"x.example",
            b".x.example",
            b"bob@",
            b"@x.example",
            b"192.0.2.1",
            b"/re/",
            b"\"a b\"@x.example",
            b"\xc3\xbc",
            b"\x00",
        ];
        exercise("access_map", super::access_map, words);
    }
}
