//! The rows of `docs/addresses.md`, which operators rely on.

use super::{canonical, fault};
use crate::{AddressFault, ForwardPath};

const PAGE: &str = include_str!("../../../../docs/addresses.md");

/// The first two cells of each row below a heading.
fn rows(heading: &str) -> Vec<(&'static str, &'static str)> {
    let (_, section) = PAGE.split_once(&format!("\n## {heading}\n")).expect("the heading");
    let table = section.lines().skip_while(|line| !line.starts_with('|'));
    let rows: Vec<_> = table
        .take_while(|line| line.starts_with('|'))
        .skip(2)
        .map(|line| {
            let mut cells = line.trim_matches('|').splitn(3, " | ").map(|cell| cell.trim());
            (cells.next().unwrap().trim_matches('`'), cells.next().unwrap().trim_matches('`'))
        })
        .collect();
    assert!(rows.len() > 5, "{heading}");
    rows
}

#[test]
fn the_same_person() {
    for (recipient, listed) in rows("The same person") {
        assert!(ForwardPath::parse(&format!("<{recipient}>")).is_ok(), "{recipient}");
        assert_eq!(canonical(recipient).person(), canonical(listed).person(), "{recipient}");
    }
}

#[test]
fn refused_whoever_is_listed() {
    for (path, code) in rows("Refused, whoever is listed") {
        let expected = match fault(path) {
            AddressFault::Ambiguous => "553",
            AddressFault::Syntax | AddressFault::TooLong => "501",
        };
        assert_eq!(code, expected, "{path}");
    }
}

#[test]
fn somebody_else() {
    let listed = canonical("victim@example.com");
    for (recipient, _) in rows("Somebody else") {
        assert!(ForwardPath::parse(&format!("<{recipient}>")).is_ok(), "{recipient}");
        assert_ne!(canonical(recipient).person(), listed.person(), "{recipient}");
    }
}
