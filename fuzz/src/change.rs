//! Changes to a message: it stays one message, and what nobody wants changed stays.

use message::{Change, ChangeError, Sections, apply};

/// Octets that a changed message may have.
const LIMIT: usize = 6000;

/// The message and the changes, with `0xff` between them. A change is an octet for its kind, one
/// for its index, a name, a colon, and a value.
pub fn change(data: &[u8]) {
    let mut parts = data.split(|octet| *octet == 0xff);
    let message = with_line_ends(parts.next().unwrap_or_default());
    let changes: Vec<Change> = parts.filter_map(read).collect();
    assert_eq!(apply(&message, &[], usize::MAX).as_ref(), Ok(&message));
    match apply(&message, &changes, LIMIT) {
        Ok(changed) => is_sound(&message, &changes, &changed),
        Err(ChangeError::TooLarge { limit }) => assert_eq!(limit, LIMIT),
        Err(ChangeError::TooMany) => assert!(changes.len() > 1000),
        Err(ChangeError::Name | ChangeError::Value | ChangeError::Body) => {}
    }
}

/// As mail data has them, whatever it was.
fn with_line_ends(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for line in text.split_inclusive(|octet| *octet == b'\n') {
        out.extend(line.iter().filter(|octet| !matches!(octet, b'\r' | b'\n' | b'\0')));
        out.extend_from_slice(b"\r\n");
    }
    out
}

fn read(change: &[u8]) -> Option<Change> {
    let (kind, rest) = change.split_first()?;
    let (index, rest) = rest.split_first()?;
    let index = u32::from(*index % 8);
    let colon = rest.iter().position(|octet| *octet == b':');
    let (name, value) = rest.split_at(colon.unwrap_or(rest.len()));
    let (name, value) = (name.to_vec(), value.get(1..).unwrap_or_default().to_vec());
    Some(match kind % 5 {
        0 => Change::Add { name, value },
        1 => Change::Insert { index, name, value },
        2 => Change::Set { index, name, value: Some(value) },
        3 => Change::Set { index, name, value: None },
        _ => Change::Body(rest.to_vec()),
    })
}

fn is_sound(message: &[u8], changes: &[Change], changed: &[u8]) {
    assert!(changed.len() <= LIMIT);
    assert_eq!(with_line_ends(changed), changed, "line ends");
    let before = Sections::parse(message);
    let after = Sections::parse(changed);

    // The names of the fields, as changes to a list of names make them.
    let name = |name: &[u8]| name.to_ascii_lowercase();
    let mut names: Vec<(Vec<u8>, bool)> =
        before.fields().map(|field| (name(field.name()), true)).collect();
    let mut body: Option<Vec<u8>> = None;
    for change in changes {
        match change {
            Change::Add { name: new, .. } => names.push((name(new), true)),
            Change::Insert { index, name: new, .. } => {
                names.insert(names.len().min(*index as usize), (name(new), true));
            }
            Change::Set { index, name: of, value } => {
                let nth = index.saturating_sub(1) as usize;
                match names.iter_mut().filter(|known| known.0 == name(of)).nth(nth) {
                    Some(known) => known.1 = value.is_some(),
                    None if value.is_some() => names.push((name(of), true)),
                    None => {}
                }
            }
            Change::Body(piece) => body.get_or_insert_default().extend_from_slice(piece),
        }
    }
    let expected: Vec<_> = names.into_iter().filter(|known| known.1).map(|known| known.0).collect();
    let found: Vec<_> = after.fields().map(|field| name(field.name())).collect();
    assert_eq!(found, expected);

    // What has a name that no change has is as it was.
    let touched: Vec<_> = changes
        .iter()
        .filter_map(|change| match change {
            Change::Add { name: of, .. }
            | Change::Insert { name: of, .. }
            | Change::Set { name: of, .. } => Some(name(of)),
            Change::Body(_) => None,
        })
        .collect();
    let kept = |sections: &Sections<'_>| -> Vec<u8> {
        let fields = sections.fields().filter(|field| !touched.contains(&name(field.name())));
        fields.flat_map(|field| field.lines().to_vec()).collect()
    };
    assert_eq!(kept(&after), kept(&before));
    match body {
        Some(body) => {
            let lines = String::from_utf8_lossy(&body).replace("\r\n", "\n");
            assert_eq!(after.body().is_empty(), body.is_empty());
            assert_eq!(
                after.body().split(|octet| *octet == b'\n').count(),
                lines.matches('\n').count()
                    + 1
                    + usize::from(!lines.is_empty() && !lines.ends_with('\n'))
            );
        }
        None => assert_eq!(after.body(), before.body()),
    }
}

#[cfg(test)]
mod tests {
    use crate::exercise::exercise;

    #[test]
    fn seeds_and_mutations() {
        let words: &[&[u8]] = &[
            b"\xff\x00\x00A: 1",
            b"\xff\x01\x00A: 1",
            b"\xff\x01\x02B: 1",
            b"\xff\x02\x01A: 2",
            b"\xff\x03\x01A",
            b"\xff\x03\x02a",
            b"\xff\x04\x00body\r\n",
            b"\n",
            b"\r\n",
            b"\r\n ",
            b"\n\t",
            b": ",
            b"A: ",
            b"a :",
            b"Subject: x\n",
            b"\n\n",
            b" ",
            b"\x00",
        ];
        exercise("change", super::change, words);
    }
}
