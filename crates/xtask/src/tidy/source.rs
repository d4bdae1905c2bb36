//! One Rust file, as text and as code.
//!
//! The *code* is the text with comments and the inside of literals replaced by
//! blanks, line by line and byte by byte in the same place, and without its
//! `#[cfg(test)]` modules. It is not a Rust parser: it knows just enough of the
//! language to tell a word from a string.

/// A Rust source file.
pub(super) struct Source {
    /// Path from the root of the workspace.
    pub(super) name: String,
    pub(super) text: String,
    /// The text without comments, literals and test modules.
    pub(super) code: String,
}

impl Source {
    pub(super) fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        let (name, text) = (name.into(), text.into());
        let code = without_test_modules(&without_comments(&text));
        Self { name, text, code }
    }

    /// The path below `src/`, for files that are modules of a crate.
    pub(super) fn below_src(&self) -> Option<&str> {
        match self.name.split_once("/src/") {
            Some((_, path)) => Some(path),
            None => self.name.strip_prefix("src/"),
        }
    }

    /// Whether the whole file is tests.
    pub(super) fn is_test(&self) -> bool {
        self.name.ends_with("/tests.rs") || self.name.split('/').any(|part| part == "tests")
    }

    /// The module this file is: `a/b.rs` and `a/b/mod.rs` are both `[a, b]`, and
    /// the root of the crate is empty.
    pub(super) fn module(&self) -> Option<Vec<String>> {
        let path = self.below_src()?.strip_suffix(".rs")?;
        let mut parts: Vec<String> = path.split('/').map(str::to_owned).collect();
        match parts.last().map(String::as_str) {
            Some("mod") => {
                parts.pop();
            }
            Some("lib" | "main") if parts.len() == 1 => parts.clear(),
            _ => {}
        }
        Some(parts)
    }

    /// How many lines there are that are no tests.
    pub(super) fn lines(&self) -> usize {
        let tests = self.code.matches(TEST_LINE).count();
        self.text.lines().count().saturating_sub(tests)
    }

    /// Every path that is named in the code, groups spelled out:
    /// `use a::{b, c::d}` is `[a, b]` and `[a, c, d]`.
    pub(super) fn paths(&self) -> Vec<Vec<String>> {
        let tokens = tokens(&self.code);
        let mut found = Vec::new();
        let mut at = 0;
        while at < tokens.len() {
            let follows = |offset: usize| tokens.get(at + offset).copied();
            let begins = is_word(tokens.get(at).copied().unwrap_or_default())
                && follows(1) == Some("::")
                && (at == 0 || !matches!(tokens.get(at - 1).copied(), Some("::" | ".")));
            at = if begins { read_path(&tokens, at, &[], &mut found) } else { at + 1 };
        }
        found
    }
}

/// Stands for a line of a test module in the code, so that lines can be counted.
const TEST_LINE: char = '\u{0}';

/// Reads one path or group from `at` and returns the index behind it.
fn read_path(
    tokens: &[&str],
    mut at: usize,
    before: &[String],
    found: &mut Vec<Vec<String>>,
) -> usize {
    let mut path = before.to_vec();
    loop {
        match tokens.get(at).copied() {
            Some("{") => return read_group(tokens, at + 1, &path, found),
            Some("*") => path.push("*".to_owned()),
            // `use a::{self}` is the path of the group itself.
            Some("self") if !path.is_empty() => {}
            Some(word) if is_word(word) => path.push(word.to_owned()),
            // `a::<T>()`: the path has ended.
            _ => break,
        }
        at += 1;
        if tokens.get(at).copied() != Some("::") {
            break;
        }
        at += 1;
    }
    found.push(path);
    at
}

fn read_group(
    tokens: &[&str],
    mut at: usize,
    before: &[String],
    found: &mut Vec<Vec<String>>,
) -> usize {
    loop {
        match tokens.get(at).copied() {
            None => return at,
            Some("}") => return at + 1,
            Some("," | "as") => at += 1,
            Some(word) if is_word(word) || word == "{" || word == "*" => {
                // The new name behind `as` is no path.
                if at > 0 && tokens.get(at - 1).copied() == Some("as") {
                    at += 1;
                } else {
                    at = read_path(tokens, at, before, found);
                }
            }
            Some(_) => at += 1,
        }
    }
}

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Words, `::`, and single other characters.
fn tokens(code: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = code;
    while let Some(first) = rest.chars().next() {
        let length = if first.is_alphanumeric() || first == '_' {
            rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            first.len_utf8()
        };
        let (token, behind) = rest.split_at(length);
        if !first.is_whitespace() {
            tokens.push(token);
        }
        rest = behind;
    }
    tokens
}

/// Blanks comments and the inside of literals; keeps every line end.
pub(super) fn without_comments(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let (length, keep) = next_piece(rest, &code);
        let (piece, behind) = rest.split_at(length);
        if keep {
            code.push_str(piece);
        } else {
            code.extend(piece.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        }
        rest = behind;
    }
    code
}

/// The length of the next comment, literal or character, and whether it is code.
fn next_piece(rest: &str, before: &str) -> (usize, bool) {
    let first = rest.chars().next().map_or(1, char::len_utf8);
    if rest.starts_with("//") {
        return (rest.find('\n').unwrap_or(rest.len()), false);
    }
    if rest.starts_with("/*") {
        return (block_comment(rest), false);
    }
    let in_word = before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
    if !in_word && let Some(length) = raw_string(rest) {
        return (length, false);
    }
    if rest.starts_with('"') {
        return (quoted(rest, '"'), false);
    }
    if rest.starts_with('\'') {
        // `'a'` and `'\n'` are characters, `'a` is a lifetime.
        let mut chars = rest.char_indices().skip(1);
        let (body, close) = (chars.next(), chars.next());
        let is_char = matches!(body, Some((_, '\\'))) || matches!(close, Some((_, '\'')));
        return if is_char { (quoted(rest, '\''), false) } else { (1, true) };
    }
    (first, true)
}

fn block_comment(rest: &str) -> usize {
    let mut depth = 0usize;
    let mut at = 0;
    while let Some(tail) = rest.get(at..) {
        if tail.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if tail.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            match tail.chars().next() {
                Some(c) => at += c.len_utf8(),
                None => break,
            }
        }
    }
    rest.len()
}

fn raw_string(rest: &str) -> Option<usize> {
    let body = rest.strip_prefix('b').unwrap_or(rest).strip_prefix('r')?;
    let hashes = body.len() - body.trim_start_matches('#').len();
    let text = body.get(hashes..)?.strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(hashes));
    let start = rest.len() - text.len();
    Some(text.find(&close).map_or(rest.len(), |at| start + at + close.len()))
}

fn quoted(rest: &str, mark: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == mark => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// Takes the bodies of `#[cfg(test)] mod x { ... }` out, a mark for each line.
fn without_test_modules(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut kept = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(at) = rest.find(MARK) {
        let (before, marked) = rest.split_at(at);
        kept.push_str(before);
        let behind = marked.get(MARK.len()..).unwrap_or_default();
        // Attributes may stand between the mark and the module.
        let is_module =
            tokens(behind).iter().take_while(|t| **t != "{" && **t != ";").any(|t| *t == "mod");
        let opens = behind
            .find(['{', ';'])
            .filter(|at| behind.get(*at..).is_some_and(|b| b.starts_with('{')));
        let length = match opens {
            Some(open) if is_module => open + braces(behind.get(open..).unwrap_or_default()),
            _ => 0,
        };
        let (tests, behind) = behind.split_at(length);
        kept.extend(tests.chars().filter(|c| *c == '\n').flat_map(|_| [TEST_LINE, '\n']));
        rest = behind;
    }
    kept.push_str(rest);
    kept
}

/// The length of a block that starts with `{`.
fn braces(block: &str) -> usize {
    let mut depth = 0usize;
    for (at, c) in block.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    block.len()
}
