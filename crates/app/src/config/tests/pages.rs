//! What the pages for operators show of the configuration is what it takes: every block of
//! TOML passes `check`, apart from files that are not there.

use super::*;

/// What a block may be about, and stands elsewhere then.
const BASE: [(&str, &str); 2] =
    [("[smarthost]", SMARTHOST), ("[[listener]]", "[[listener]]\naddress = \"127.0.0.1:2525\"\n")];

/// README.md, and the pages below docs, with their names.
fn pages() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let entries = std::fs::read_dir(root.join("docs")).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "md"));
    paths.sort();
    paths.push(root.join("README.md"));
    let named = |path: PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name, std::fs::read_to_string(path).unwrap())
    };
    paths.into_iter().map(named).collect()
}

/// The blocks of TOML of a page, each with the number of its first line.
fn blocks(page: &str) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (number, line) in page.lines().enumerate() {
        match line.trim() {
            "```toml" => {
                open = true;
                found.push((number + 2, String::new()));
            }
            "```" => open = false,
            _ if open => {
                if let Some((_, text)) = found.last_mut() {
                    text.push_str(line);
                    text.push('\n');
                }
            }
            _ => {}
        }
    }
    found
}

#[test]
fn every_block_of_the_pages_passes_check() {
    let mut sources = 0;
    for (name, page) in pages() {
        for (line, block) in blocks(&page) {
            let has = |head: &str| {
                let other = format!("[{head}]");
                block.lines().map(str::trim).any(|line| line == head || line == other)
            };
            let base: String =
                BASE.iter().filter(|(head, _)| !has(head)).map(|(_, text)| *text).collect();
            sources += block.lines().filter(|line| line.trim() == "[[source]]").count();
            let report = loaded(&format!("{block}\n{base}")).report;
            let wrong = report.count(Severity::Error) + report.count(Severity::Warning);
            assert_eq!(wrong, 0, "{name}:{line}\n{}", report.render(false));
        }
    }
    assert!(sources >= 15, "only {sources} sources were found on the pages");
}

#[test]
fn a_block_that_is_wrong_would_be_found() {
    let page = "text\n```toml\n[[source]]\nname = \"s\"\ncvs = \"a\"\n```\n[smarthost]\n";
    let found = blocks(page);
    assert_eq!(found, [(3, "[[source]]\nname = \"s\"\ncvs = \"a\"\n".to_owned())]);
    let report = loaded(&format!("{}{SMARTHOST}", found[0].1)).report;
    assert!(report.count(Severity::Error) > 0, "{}", report.render(false));
}
