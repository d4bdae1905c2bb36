//! What `docs/sources.md` says of addresses and times is what happens.

use crate::support::csv;

const PAGE: &str = include_str!("../../../../docs/sources.md");

/// The rows of the first table under a heading, as the codes and words of both cells.
fn table(heading: &str) -> Vec<(String, String)> {
    let (_, section) = PAGE.split_once(heading).unwrap();
    let rows = section.lines().skip_while(|line| !line.starts_with("| ---")).skip(1);
    rows.take_while(|line| line.starts_with('|'))
        .map(|line| {
            let (left, right) = line.trim_matches('|').split_once(" | ").unwrap();
            let left = left.trim().trim_matches('`').to_owned();
            (left, right.trim().to_owned())
        })
        .collect()
}

fn quoted(cell: &str) -> String {
    format!("\"{}\"", cell.replace('"', "\"\""))
}

#[test]
fn the_table_of_addresses() {
    let rows = table("### Addresses");
    assert!(rows.len() > 10);
    for (cell, expected) in rows {
        let outcome = csv(format!("email,n\n{},1\nok@example.com,1\n", quoted(&cell)));
        let mut addresses = outcome.addresses();
        assert_eq!(addresses.pop(), Some("ok@example.com"));
        let shown: Vec<_> = addresses.iter().map(|address| format!("`{address}`")).collect();
        match expected.strip_prefix("bad: ") {
            None => assert_eq!(shown.join(" "), expected, "{cell}"),
            Some(fault) => {
                let [bad] = outcome.report.bad_rows.as_slice() else { unreachable!("{cell}") };
                assert!(bad.fault.to_string().starts_with(fault), "{cell}: {}", bad.fault);
            }
        }
    }
}

#[test]
fn the_table_of_times() {
    let rows = table("### Times");
    assert!(rows.len() > 10);
    for (cell, expected) in rows {
        let text = format!(
            "email,created\nok@example.com,2019-12-17\nbob@example.com,{}\n",
            quoted(&cell)
        );
        let outcome = csv(text);
        let time = outcome.times()[1].map_or("no time".to_owned(), |time| format!("`{time}`"));
        assert_eq!(time, expected, "{cell}");
    }
}
