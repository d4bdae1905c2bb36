//! The rules that look at one file at a time.

use super::source::Source;

/// A file that is longer is not seen whole any more.
const LINES_MAX: usize = 500;

/// Names that name nothing.
const EMPTY_NAMES: [&str; 9] =
    ["util", "utils", "helper", "helpers", "manager", "common", "misc", "core", "glue"];

/// Words of code that must not be there, and what to do instead.
const BANNED: [(&str, &str); 6] = [
    ("#[allow", "use #[expect(lint, reason = \"...\")]"),
    ("#![allow", "use #![expect(lint, reason = \"...\")]"),
    (", allow(", "use expect(lint, reason = \"...\")"),
    ("todo!", "write it, or leave the place out"),
    ("unimplemented!", "write it, or leave the place out"),
    ("#[ignore", "a test that does not run proves nothing"),
];

/// The name of the client role in `smtp-session`.
pub(super) const CLIENT_ROLE: &str = "Client";

pub(super) fn check(source: &Source) -> Vec<String> {
    let mut faults = Vec::new();
    let name = &source.name;
    if !source.is_test() && source.lines() > LINES_MAX {
        let lines = source.lines();
        faults.push(format!("{name}: {lines} lines without tests; at most {LINES_MAX}"));
    }
    if let Some(word) = empty_name(source) {
        faults.push(format!("{name}: a file named '{word}' names nothing"));
    }
    let opens = source.text.trim_start().starts_with("//!");
    if source.below_src().is_some() && !source.is_test() && !opens {
        faults.push(format!("{name}: does not open with a //! comment that says what it is"));
    }
    for (word, instead) in BANNED {
        // A test may hold what it forbids: the text of a string is blank in `code`.
        if let Some(line) = line_of(&whole_code(source), word) {
            faults.push(format!("{name}:{line}: '{word}': {instead}"));
        }
    }
    faults
}

/// The code with its tests, comments and literals blanked.
fn whole_code(source: &Source) -> String {
    super::source::without_comments(&source.text)
}

fn line_of(code: &str, word: &str) -> Option<usize> {
    let at = code.find(word)?;
    Some(code.get(..at)?.matches('\n').count() + 1)
}

fn empty_name(source: &Source) -> Option<&'static str> {
    let path = source.below_src()?.trim_end_matches(".rs");
    let words = path.split(['/', '_']);
    words.into_iter().find_map(|word| EMPTY_NAMES.into_iter().find(|empty| *empty == word))
}

/// A dependency that no file of the package names: an arrow that is drawn and not
/// there. One that is only there to be linked would be named by `use x as _`.
pub(super) fn unused<'a>(
    package: &str,
    dependencies: impl Iterator<Item = &'a str>,
    sources: &[Source],
) -> Vec<String> {
    let codes: Vec<String> = sources.iter().map(whole_code).collect();
    dependencies
        .filter(|dependency| {
            // The package names its library otherwise.
            let word = match *dependency {
                "md-5" => "md5".to_owned(),
                other => other.replace('-', "_"),
            };
            !codes.iter().any(|code| names(code, &word))
        })
        .map(|dependency| format!("{package}: depends on {dependency} and never names it"))
        .collect()
}

fn names(code: &str, word: &str) -> bool {
    let in_word = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).any(|(at, _)| {
        let before = code.get(..at).and_then(|code| code.chars().next_back());
        let behind = code.get(at + word.len()..).and_then(|code| code.chars().next());
        !before.is_some_and(in_word) && !behind.is_some_and(in_word)
    })
}

/// Tenet 1 by the compiler: the file that owns the client role lets a recipient
/// cross only with a proof that the gates cleared it. That holds as long as no
/// other file of `relay` can get at the client role.
pub(super) fn only_upstream_names(relay: &[Source], session_door: &Source) -> Vec<String> {
    let mut faults = Vec::new();
    let exported = session_door.paths().iter().any(|path| {
        path.first().is_some_and(|module| module == "client")
            && path.last().is_some_and(|name| name == CLIENT_ROLE)
    });
    if !exported {
        faults.push(format!(
            "{}: exports no {CLIENT_ROLE}; tell xtask/src/tidy/rules.rs what the client role is called now",
            session_door.name
        ));
    }
    for source in relay.iter().filter(|source| !source.is_test()) {
        if source.below_src().is_none() || source.name.ends_with("/src/upstream.rs") {
            continue;
        }
        let names = source.paths().into_iter().any(|path| {
            let mut parts = path.iter().map(String::as_str);
            parts.next() == Some("smtp_session") && matches!(parts.next(), Some(CLIENT_ROLE | "*"))
        });
        if names {
            faults.push(format!(
                "{}: names smtp_session::{CLIENT_ROLE}; only upstream.rs may",
                source.name
            ));
        }
    }
    faults
}
