//! The tables of `docs/rfc/`: every file and every test that a row names must be
//! there, and a row names both or says why not. The map too names only what is there.

use std::collections::BTreeSet;
use std::path::Path;

use super::source::Source;

/// Checks one page. `exists` says whether a path below the root is there, `tests`
/// holds the names of all functions of the workspace.
pub(super) fn check(
    page: &str,
    text: &str,
    exists: &dyn Fn(&str) -> bool,
    tests: &BTreeSet<String>,
) -> Vec<String> {
    let mut faults = Vec::new();
    let rows = text.lines().filter(|line| line.starts_with("| ")).map(cells);
    for row in rows.filter(|row| row.len() == 4) {
        let [clause, _, place, shown] = row.as_slice() else { continue };
        if *clause == "clause" || clause.starts_with("---") {
            continue;
        }
        let (files, names) = (quoted(place), quoted(shown));
        if place.starts_with("not done") {
            continue;
        }
        if files.is_empty() || names.is_empty() {
            faults.push(format!(
                "{page}: {clause}: names no file, or no test, and is not 'not done'"
            ));
        }
        for file in files {
            if !exists(file) && !exists(&format!("crates/{file}")) {
                faults.push(format!("{page}: {clause}: there is no file {file}"));
            }
        }
        for name in names {
            let there = if name.contains('/') { exists(name) } else { tests.contains(name) };
            if !there {
                faults.push(format!("{page}: {clause}: there is no test {name}"));
            }
        }
    }
    faults
}

/// Every file or folder that the map names, `relay/src/data.rs` or `app/src/keeper/`.
pub(super) fn check_map(page: &str, text: &str, exists: &dyn Fn(&str) -> bool) -> Vec<String> {
    quoted(text)
        .into_iter()
        .filter(|name| name.contains('/') && (name.ends_with(".rs") || name.ends_with('/')))
        .filter(|name| !exists(name) && !exists(&format!("crates/{name}")))
        .map(|name| format!("{page}: there is no {name}"))
        .collect()
}

/// Checks all pages of a folder, and the map.
pub(super) fn check_folder(root: &Path, sources: &[Source]) -> std::io::Result<Vec<String>> {
    let tests = names(sources);
    let exists = |path: &str| root.join(path).exists();
    let map = std::fs::read_to_string(root.join("ARCHITECTURE.md"))?;
    let mut faults = check_map("ARCHITECTURE.md", &map, &exists);
    for entry in std::fs::read_dir(root.join("docs/rfc"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "md") {
            let page = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
            faults.extend(check(&page, &std::fs::read_to_string(&path)?, &exists, &tests));
        }
    }
    faults.sort();
    Ok(faults)
}

/// The functions of the workspace, and what its macros make of `name: ...;`.
fn names(sources: &[Source]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for source in sources {
        let code = super::source::without_comments(&source.text);
        for line in code.lines().map(str::trim_start) {
            let line = line.strip_prefix("async ").unwrap_or(line);
            let name = line.strip_prefix("fn ").and_then(|rest| rest.split(['(', '<']).next());
            let row = line.split_once(": ").filter(|_| line.ends_with(';')).map(|(name, _)| name);
            names.extend(name.or(row).map(|name| name.trim().to_owned()));
        }
    }
    names
}

fn cells(line: &str) -> Vec<&str> {
    line.trim().trim_matches('|').split('|').map(str::trim).collect()
}

/// The words between back-ticks.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# RFC\n\n| clause | asks | where | shown by |\n| --- | --- | --- | --- |\n";

    fn faults(row: &str) -> Vec<String> {
        let source = Source::new("x/src/a.rs", "fn known() {}\nrows! {\n    made: Curl;\n}\n");
        let exists = |path: &str| path == "crates/x/src/a.rs" || path == "tests/t.txt";
        check("page", &format!("{PAGE}{row}\n"), &exists, &names(&[source]))
    }

    #[test]
    fn rows_that_name_what_is_there_are_good() {
        assert!(faults("| 1 | a | `x/src/a.rs` | `known`, `made`, `tests/t.txt` |").is_empty());
        assert!(faults("| 1 | a | not done: because | – |").is_empty());
    }

    #[test]
    fn a_map_that_names_what_is_gone_is_found() {
        let exists = |path: &str| path == "crates/x/src/a.rs" || path == "docs/rfc/";
        let text = "`x/src/a.rs`, `docs/rfc/`, `250/5.7.1`, and `x/src/b.rs`";
        assert_eq!(check_map("map", text, &exists), ["map: there is no x/src/b.rs"]);
    }

    #[test]
    fn a_row_without_code_or_test_is_found() {
        assert_eq!(faults("| 1 | a | – | `known` |").len(), 1);
        assert_eq!(faults("| 1 | a | `x/src/a.rs` | – |").len(), 1);
    }

    #[test]
    fn a_row_that_outlived_its_code_or_test_is_found() {
        assert_eq!(
            faults("| 1 | a | `x/src/b.rs` | `known` |"),
            ["page: 1: there is no file x/src/b.rs"]
        );
        assert_eq!(faults("| 1 | a | `x/src/a.rs` | `gone` |"), ["page: 1: there is no test gone"]);
    }
}
