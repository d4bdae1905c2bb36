//! Names of files as programs guess them where a field is not well-formed: a value that is not
//! quoted, encoded words where there should be none, pieces whose numbers have a gap. They
//! differ in what they make of these; each reading is a name.

use super::charset;
use super::unstructured::unstructured;

/// More are nobody's mail.
pub(super) const NAMES_MAX: usize = 32;

/// Every reading of the parameter `wanted` of a field with this value.
pub(super) fn read(value: &[u8], wanted: &str) -> Vec<String> {
    let mut found = readings(value, wanted);
    if value.contains(&b'(') {
        let more = readings(&uncommented(value), wanted);
        found.extend(more);
    }
    let mut names: Vec<String> = Vec::new();
    for name in found {
        if names.len() < NAMES_MAX && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Without comments (RFC 5322 s3.2.2), which may stand between any two words.
fn uncommented(value: &[u8]) -> Vec<u8> {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    let outside = |octet: &&u8| {
        let was_escaped = escaped;
        escaped = **octet == b'\\' && !was_escaped;
        match octet {
            b'"' if depth == 0 && !was_escaped => quoted = !quoted,
            b'(' if !quoted && !was_escaped => depth += 1,
            b')' if depth > 0 && !was_escaped => {
                depth -= 1;
                return false;
            }
            _ => {}
        }
        depth == 0
    };
    value.iter().filter(outside).copied().collect()
}

fn readings(value: &[u8], wanted: &str) -> Vec<String> {
    let mut found = Vec::new();
    // A quote that is never ended hides the rest from some programs, and from others not.
    for quotes in [true, false] {
        let mut pieces = Vec::new();
        for parameter in parameters(value, quotes) {
            let Some(equals) = memchr::memchr(b'=', parameter) else { continue };
            let (key, value) = parameter.split_at(equals);
            let value = bare(value.get(1..).unwrap_or_default());
            let mut key = key.split(|octet| *octet == b'*');
            let name = key.next().unwrap_or_default().trim_ascii();
            if !name.eq_ignore_ascii_case(wanted.as_bytes()) {
                continue;
            }
            let parts: Vec<&[u8]> = key.map(<[u8]>::trim_ascii).collect();
            match parts.as_slice() {
                [] => {
                    if is_encoded(&value) {
                        found.extend(unstructured(&value));
                    }
                    if !value.ends_with(b"?=") {
                        found.push(text(value.clone()));
                        found.push(text(unescaped(&value)));
                        // Texts in quotes one behind the other.
                        if value.contains(&b'"') {
                            let octets = value.iter().copied().filter(|octet| *octet != b'"');
                            found.push(text(octets.collect()));
                        }
                    }
                }
                [number, ..] => {
                    let number = std::str::from_utf8(number).ok().and_then(|n| n.parse().ok());
                    pieces.push((number.unwrap_or(0_u32), value));
                }
            }
        }
        pieces.sort_by_key(|(number, _)| *number);
        let whole: Vec<u8> = pieces.into_iter().flat_map(|(_, value)| value).collect();
        if !whole.is_empty() {
            if is_encoded(&whole) {
                found.extend(unstructured(&whole));
            }
            found.push(extended(&whole));
        }
        if found.len() > NAMES_MAX {
            break;
        }
    }
    anywhere(value, wanted, &mut found);
    found.retain(|name| !name.is_empty());
    found.truncate(NAMES_MAX);
    found
}

/// `wanted=` wherever it stands, behind an odd first word or without a `;` before it.
fn anywhere(value: &[u8], wanted: &str, found: &mut Vec<String>) {
    let unfolded = |keep: bool| -> Vec<u8> {
        let mut folded = false;
        let octets = value.iter().copied().filter(|octet| {
            let white = matches!(octet, b' ' | b'\t');
            folded = matches!(octet, b'\r' | b'\n') || folded && white;
            !folded || keep && white
        });
        octets.collect()
    };
    for value in [unfolded(true), unfolded(false)] {
        let lower = value.to_ascii_lowercase();
        for at in memchr::memmem::find_iter(&lower, wanted.as_bytes()).take(NAMES_MAX) {
            let before = at.checked_sub(1).and_then(|before| lower.get(before));
            let behind = value.get(at + wanted.len()..).unwrap_or_default().trim_ascii_start();
            let Some(behind) = behind.strip_prefix(b"=") else { continue };
            if before.is_some_and(u8::is_ascii_alphanumeric) {
                continue;
            }
            let end = memchr::memchr(b';', behind).unwrap_or(behind.len());
            let name = bare(behind.get(..end).unwrap_or_default());
            // A name without quotes may end at the first white space.
            let word = name.split(u8::is_ascii_whitespace).next().unwrap_or_default();
            for name in [name.as_slice(), word] {
                let names = match is_encoded(name) {
                    true => unstructured(name),
                    false => vec![text(name.trim_ascii_end().to_vec())],
                };
                for name in names {
                    if found.len() < NAMES_MAX && !found.contains(&name) {
                        found.push(name);
                    }
                }
            }
        }
    }
}

fn parameters(value: &[u8], quotes: bool) -> Vec<&[u8]> {
    let (mut quoted, mut escaped) = (false, false);
    let ends = |octet: &u8| {
        let was_escaped = std::mem::take(&mut escaped);
        match octet {
            b'\\' if quoted && !was_escaped => escaped = true,
            b'"' if quotes && !was_escaped => quoted = !quoted,
            b';' => return !quoted,
            _ => {}
        }
        false
    };
    value.split(ends).collect()
}

/// Without the ends of lines and the quotes around it.
fn bare(value: &[u8]) -> Vec<u8> {
    let value: Vec<u8> =
        value.iter().copied().filter(|octet| !matches!(octet, b'\r' | b'\n')).collect();
    let value = value.trim_ascii();
    let value = value.strip_prefix(b"\"").unwrap_or(value);
    value.strip_suffix(b"\"").unwrap_or(value).to_vec()
}

/// Has encoded words (RFC 2047), which have no place in a parameter and are decoded by many.
fn is_encoded(value: &[u8]) -> bool {
    memchr::memmem::find(value, b"=?").is_some()
}

fn unescaped(value: &[u8]) -> Vec<u8> {
    value.iter().copied().filter(|octet| *octet != b'\\').collect()
}

/// `ext-value := charset "'" [language] "'" value`, with `%XX` (RFC 2231 s4).
fn extended(value: &[u8]) -> String {
    let mut parts = value.splitn(3, |octet| *octet == b'\'');
    let (charset, value) = match (parts.next(), parts.next(), parts.next()) {
        (Some(charset), Some(_), Some(value)) => (std::str::from_utf8(charset).ok(), value),
        _ => (None, value),
    };
    charset::text(percent_decoded(value), charset, &mut Vec::new())
}

/// The octets of a text with `%XX` in it; what is none of these is as it stands.
pub fn percent_decoded(value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    let mut rest = value;
    while let [first, behind @ ..] = rest {
        let digit = |at: usize| behind.get(at).and_then(|octet| char::from(*octet).to_digit(16));
        let decoded = match (first, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => u8::try_from(high * 16 + low).ok(),
            _ => None,
        };
        out.push(decoded.unwrap_or(*first));
        rest = behind.get(if decoded.is_some() { 2 } else { 0 }..).unwrap_or_default();
    }
    out
}

fn text(octets: Vec<u8>) -> String {
    charset::text(octets, None, &mut Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reading_is_there() {
        for value in [
            "attachment; filename=pay me.exe",
            "attachment; filename=\"pay me.exe\"; filename=x",
            "attachment; filename=\"pay me.e\\xe\"",
            "attachment; filename=\"=?utf-8?B?cGF5IG1lLmV4ZQ==?=\"",
            "attachment; filename=\"=?utf-8?Q?pay_me?=\r\n =?utf-8?Q?.exe?=\"",
            "attachment; filename*=utf-8''pay%20me%2Eexe",
            "attachment; filename*0*=utf-8''pay%20; filename*1=\"me.\"; filename*2=exe",
            "attachment; filename*2=\".exe\"; filename*1=\"pay me\"",
            "attachment; filename*0=\"pay me.\"; filename*2=\"exe\"",
            "attachment; x=\"never ended; filename=\"pay me.exe\"",
            "attachment; FileName = \"pay me.exe",
            "attachment filename=\"pay me.exe\"",
            "attachment, filename=\"pay me.exe\"",
            "filename=\"pay me.exe\"",
            "; filename=\"pay me.exe\"",
            "attachment x=y filename = \"pay me.exe\"; z",
            "attachment; filename=\"pay me.e\r\n xe\"",
            "attachment; filename=ok.txt; filename*0=\"pay me.e\"; filename*1=xe",
            "attachment; filename=\"=?utf-8?B?cGF5IG1lLmV4ZQ?=\"",
            "attachment; filename=\"pay me=?utf-8?Q?.exe?=\"",
            "attachment; filename*0=\"=?utf-8?B?cGF5IG1l\"; filename*1=\"LmV4ZQ==?=\"",
            "attachment; filename(x)=\"pay me.exe\"",
            "attachment; file(x(y)\\))name(\")=\"pay me.exe\"(z)",
            "attachment; filename=\"pay me.\"\"exe\"",
            "attachment; filename=\"pay \"me\".exe\"",
        ] {
            let names = read(value.as_bytes(), "filename");
            assert!(names.iter().any(|name| name == "pay me.exe"), "{value}: {names:?}");
        }
        assert!(read(b"attachment; names=x", "name").is_empty());
    }
}
