//! The words of CSS, as far as its meaning depends on them: comments, texts in quotes, and
//! `url(…)`, in which no `;` and no `}` ends anything (CSS Syntax 3 s4).

/// The sheet without its comments, and without what is in quotes and in `url(…)`.
pub(super) fn bare(css: &str) -> String {
    let mut out = String::with_capacity(css.len());
    read(css, &mut out, &mut |_| ());
    out
}

/// Texts that a sheet puts into the page itself: `p::before { content: "…" }`.
pub(super) fn generated(css: &str, out: &mut String) {
    let mut rules = String::with_capacity(css.len());
    let mut texts = Vec::new();
    read(css, &mut rules, &mut |text| texts.push(text));
    let mut texts = texts.into_iter();
    let mut content = false;
    // Each text has left its quote where it was.
    for declaration in rules.split_inclusive([';', '{', '}']) {
        content |= declaration.to_ascii_lowercase().contains("content");
        for text in texts.by_ref().take(declaration.matches('"').count()) {
            if content {
                out.push_str(text);
                out.push(' ');
            }
        }
        content = false;
    }
}

/// Writes what is no comment; of a text in quotes, one quote, and calls `text` with it.
fn read<'a>(css: &'a str, out: &mut String, text: &mut dyn FnMut(&'a str)) {
    let mut rest = css;
    while let Some(at) = rest.find(['/', '"', '\'', '(']) {
        let (before, behind) = rest.split_at(at);
        out.push_str(before);
        let mark = behind.chars().next().unwrap_or_default();
        let inner = behind.get(1..).unwrap_or_default();
        rest = match mark {
            '/' if inner.starts_with('*') => {
                let inner = inner.get(1..).unwrap_or_default();
                inner.split_once("*/").map_or("", |(_, rest)| rest)
            }
            '"' | '\'' => {
                let end = quoted(inner, mark);
                let (quoted, rest) = inner.split_at(end);
                out.push('"');
                text(quoted);
                rest.strip_prefix(mark).unwrap_or(rest)
            }
            '(' if is_url(before) && !inner.trim_start().starts_with(['"', '\'']) => {
                out.push('(');
                inner.get(inner.find(')').unwrap_or(inner.len())..).unwrap_or_default()
            }
            other => {
                out.push(other);
                inner
            }
        };
    }
    out.push_str(rest);
}

fn is_url(before: &str) -> bool {
    let name = before.len().checked_sub("url".len()).and_then(|at| before.get(at..));
    name.is_some_and(|name| name.eq_ignore_ascii_case("url"))
}

/// Where a text ends: at its quote, or at the end of a line, which is an error.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    let end = text.find(|c: char| {
        let was = std::mem::replace(&mut escaped, false);
        escaped = c == '\\' && !was;
        !was && (c == quote || matches!(c, '\n' | '\r' | '\u{c}'))
    });
    end.unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_no_rules() {
        let cases = [
            ("a{b:c}", "a{b:c}"),
            ("a/*}*/{b:'}'}", "a{b:\"}"),
            ("a{b:\"/*\"}c{d:e/f}", "a{b:\"}c{d:e/f}"),
            ("a{b:'\\'}'}", "a{b:\"}"),
            ("a{b:'never\n}", "a{b:\"\n}"),
            ("a{b:URL(x;})}", "a{b:URL()}"),
            ("a{b:url( 'x)' )}", "a{b:url( \" )}"),
            ("a{b:rgb(1,2)}/*", "a{b:rgb(1,2)}"),
        ];
        for (css, expected) in cases {
            assert_eq!(bare(css), expected, "{css}");
        }
        let mut out = String::new();
        generated("p::before{content:'a;}' \"b\";quotes:'q'}p{Content :'c'}", &mut out);
        assert_eq!(out, "a; } b c ".replace("; }", ";}"));
    }
}
