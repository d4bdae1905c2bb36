//! What a server said about an error, fit to be shown.
//!
//! A database quotes in its messages what it stumbled over: the name of a table, which the reader
//! needs, or the value of a cell, which is somebody's address. Errors about the text of a query
//! (class 42 of SQLSTATE) can only quote that text, since values are never part of it; in all
//! others everything between quotes goes.

/// Longest message, in characters.
const LENGTH_MAX: usize = 300;

/// A message about a login: it names the user and the client, and no value.
pub(super) fn of_login(message: &str) -> String {
    cut(message.lines().next().unwrap_or_default())
}

/// A message about the query itself, or the server: with its quotes.
pub(super) fn whole(message: &str) -> String {
    shown(message)
}

/// A message that may hold the values of cells.
pub(super) fn without_values(message: &str) -> String {
    let mut text = message.to_owned();
    for quote in ['\'', '"'] {
        // From the first to the last: a value may have quotes in itself.
        let opening = text.match_indices(quote).map(|(at, _)| at).find(|at| !in_word(&text, *at));
        let Some(opening) = opening else { continue };
        let closing = text.rfind(quote).filter(|at| *at > opening);
        let behind = closing.and_then(|at| text.get(at + quote.len_utf8()..)).unwrap_or_default();
        text = format!("{}{quote}…{quote}{behind}", text.get(..opening).unwrap_or_default());
    }
    shown(&text)
}

/// Why a connection ended: the innermost of what several libraries say, without their advice.
pub(super) fn connection(message: &str) -> String {
    let message = message.rsplit("performing I/O: ").next().unwrap_or_default();
    shown(message.split(": http").next().unwrap_or_default())
}

/// An apostrophe, as in "doesn't".
fn in_word(text: &str, at: usize) -> bool {
    let letter = |c: Option<char>| c.is_some_and(char::is_alphabetic);
    let before = text.get(..at).and_then(|text| text.chars().next_back());
    let behind = text.get(at + 1..).and_then(|text| text.chars().next());
    letter(before) && letter(behind)
}

/// The first line, without anything that looks like an address, in bounded length.
fn shown(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    let words: Vec<&str> = line
        .split_whitespace()
        .map(|word| match word.trim_matches('@').contains('@') {
            true => "…",
            false => word,
        })
        .collect();
    cut(&words.join(" "))
}

fn cut(line: &str) -> String {
    let mut text: String = line.chars().filter(|c| !c.is_control()).take(LENGTH_MAX).collect();
    if line.chars().count() > LENGTH_MAX {
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_go_and_words_stay() {
        for (said, shown) in [
            (
                r#"invalid input syntax for type integer: "bob@example.com""#,
                r#"invalid input syntax for type integer: "…""#,
            ),
            (
                "Incorrect integer value: 'o'brien' for column",
                "Incorrect integer value: '…' for column",
            ),
            ("Data doesn't fit: 'x'", "Data doesn't fit: '…'"),
            ("value \"a 'b' c", "value \"…\""),
            ("value 'a", "value '…'"),
            ("key (bob@example.com) is there", "key … is there"),
            ("first\nbob", "first"),
            ("", ""),
        ] {
            assert_eq!(without_values(said), shown);
        }
    }

    #[test]
    fn ends_of_connections_are_told_in_few_words() {
        let io = "An error occurred during the attempt of performing I/O: ";
        let tls = "peer closed connection without sending TLS close_notify";
        let advice = ": https://docs.example/rustls#unexpected-eof";
        assert_eq!(connection(&format!("{io}{io}{tls}{advice}")), tls);
        assert_eq!(connection("Connection reset by peer"), "Connection reset by peer");
    }

    #[test]
    fn names_stay_where_only_names_can_be() {
        assert_eq!(
            whole(r#"relation "optout" does not exist"#),
            r#"relation "optout" does not exist"#
        );
        assert_eq!(whole("near bob@example.com x"), "near … x");
        assert_eq!(of_login("user 'reader'@'db'\n"), "user 'reader'@'db'");
        assert_eq!(whole(&"x".repeat(400)).chars().count(), LENGTH_MAX + 1);
    }
}
