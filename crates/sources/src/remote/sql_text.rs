//! What is code in a query, and what is a string, a quoted name or a comment.
//!
//! A small lexer: it knows no grammar, only where a placeholder or a semicolon means something.
//! It follows the lexical rules of each database as it is set up by this crate (PostgreSQL with
//! `standard_conforming_strings`, MySQL with backslashes and without `ANSI_QUOTES`).

use std::ops::Range;

use super::access::Engine;

/// A piece of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// Bytes of the query.
    pub(super) at: Range<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// White space or a comment.
    Blank,
    /// A string, or a name in quotes.
    Quoted,
    /// A name, a keyword, a number.
    Word,
    /// `@name`, `:name`, `$1`, `$name`, `?` or `?1`.
    Parameter,
    /// `;`
    End,
    /// Anything else, one character.
    Other,
}

/// What is open and never closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unclosed(pub(super) &'static str);

/// Splits a query; the tokens follow each other without a gap.
pub(super) fn tokens(engine: Engine, query: &str) -> Result<Vec<Token>, Unclosed> {
    let mut lexer = Lexer { engine, text: query, at: 0 };
    let mut tokens: Vec<Token> = Vec::new();
    while let Some(first) = lexer.peek(0) {
        let from = lexer.at;
        let kind = lexer.next(first)?;
        tokens.push(Token { kind, at: from..lexer.at });
    }
    Ok(tokens)
}

struct Lexer<'a> {
    engine: Engine,
    text: &'a str,
    at: usize,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.rest().chars().nth(ahead)
    }

    fn before(&self) -> Option<char> {
        self.text.get(..self.at)?.chars().next_back()
    }

    fn skip(&mut self, fits: impl Fn(char) -> bool) {
        let rest = self.rest();
        self.at += rest.find(|c| !fits(c)).unwrap_or(rest.len());
    }

    fn next(&mut self, first: char) -> Result<Kind, Unclosed> {
        let second = self.peek(1);
        match first {
            c if c.is_whitespace() => self.skip(char::is_whitespace),
            '-' if second == Some('-') && self.is_dash_comment() => self.skip(|c| c != '\n'),
            '#' if self.engine == Engine::MySql => self.skip(|c| c != '\n'),
            '/' if second == Some('*') => self.comment()?,
            '\'' => return self.quoted('\'', self.engine == Engine::MySql),
            '"' => return self.quoted('"', self.engine == Engine::MySql),
            '`' if matches!(self.engine, Engine::MySql | Engine::Sqlite) => {
                return self.quoted('`', false);
            }
            '[' if self.engine == Engine::SqlServer => return self.quoted(']', false),
            '[' if self.engine == Engine::Sqlite => return self.bracketed(),
            'e' | 'E' if self.engine == Engine::Postgres && second == Some('\'') => {
                self.at += 1;
                return self.quoted('\'', true);
            }
            '$' if self.engine == Engine::Postgres && self.dollar_tag().is_some() => {
                return self.dollar_quoted();
            }
            c if in_word(c) => {
                // Dollar signs are part of names, not the beginning of parameters.
                self.skip(|c| in_word(c) || c == '$');
                return Ok(Kind::Word);
            }
            ';' => {
                self.at += 1;
                return Ok(Kind::End);
            }
            '@' | ':' | '$' | '?' if self.is_parameter(first, second) => {
                self.at += 1;
                self.skip(in_word);
                return Ok(Kind::Parameter);
            }
            '@' | ':' => {
                // `@@name`, `::type`, `:=`: the second sign belongs to the first.
                self.at += 1;
                self.skip(|c| c == first);
                return Ok(Kind::Other);
            }
            c => {
                self.at += c.len_utf8();
                return Ok(Kind::Other);
            }
        }
        Ok(Kind::Blank)
    }

    /// MySQL wants a blank behind it, so that `5--1` is six.
    fn is_dash_comment(&self) -> bool {
        self.engine != Engine::MySql
            || self.peek(2).is_none_or(|c| c.is_whitespace() || c.is_control())
    }

    /// `/* ... */`; of PostgreSQL and SQL Server with others inside.
    fn comment(&mut self) -> Result<(), Unclosed> {
        let nested = matches!(self.engine, Engine::Postgres | Engine::SqlServer);
        let mut depth = 0u32;
        loop {
            let rest = self.rest();
            if rest.starts_with("/*") && (nested || depth == 0) {
                depth += 1;
                self.at += 2;
            } else if rest.starts_with("*/") {
                depth -= 1;
                self.at += 2;
                if depth == 0 {
                    return Ok(());
                }
            } else {
                let next = rest.chars().next().ok_or(Unclosed("/*"))?;
                self.at += next.len_utf8();
            }
        }
    }

    /// From a sign to the same sign; twice it is itself, and behind a backslash it may be too.
    fn quoted(&mut self, closing: char, backslashes: bool) -> Result<Kind, Unclosed> {
        self.at += 1;
        while let Some(c) = self.peek(0) {
            self.at += c.len_utf8();
            if c == '\\' && backslashes {
                self.at += self.peek(0).map_or(0, char::len_utf8);
            } else if c == closing {
                if self.peek(0) != Some(closing) {
                    return Ok(Kind::Quoted);
                }
                self.at += 1;
            }
        }
        Err(Unclosed(match closing {
            '\'' => "'",
            '"' => "\"",
            '`' => "`",
            _ => "[",
        }))
    }

    /// A name in brackets, as SQLite has it: up to the first that closes.
    fn bracketed(&mut self) -> Result<Kind, Unclosed> {
        self.at += self.rest().find(']').ok_or(Unclosed("["))? + 1;
        Ok(Kind::Quoted)
    }

    /// The `$tag$` that stands here.
    fn dollar_tag(&self) -> Option<String> {
        let rest = self.rest().strip_prefix('$')?;
        let tag = rest.get(..rest.find('$')?)?;
        let legible = tag.chars().all(in_word) && !tag.starts_with(|c: char| c.is_ascii_digit());
        legible.then(|| format!("${tag}$"))
    }

    fn dollar_quoted(&mut self) -> Result<Kind, Unclosed> {
        let tag = self.dollar_tag().ok_or(Unclosed("$"))?;
        self.at += tag.len();
        self.at += self.rest().find(&tag).ok_or(Unclosed("$"))? + tag.len();
        Ok(Kind::Quoted)
    }

    fn is_parameter(&self, first: char, second: Option<char>) -> bool {
        let before = self.before();
        let named = second.is_some_and(|c| in_word(c) && !c.is_ascii_digit());
        match first {
            // `<@` and `@@` are operators of PostgreSQL.
            '@' => named && !matches!(before, Some('<' | '@' | '~')),
            ':' => named,
            '$' => match self.engine {
                // An amount of money.
                Engine::SqlServer => false,
                _ => second.is_some_and(in_word),
            },
            // Of PostgreSQL an operator on JSON.
            _ => self.engine != Engine::Postgres,
        }
    }
}

fn in_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || !c.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What is code, with a `~` for each string, name in quotes or comment.
    fn code(engine: Engine, query: &str) -> String {
        let mut text = String::new();
        for token in tokens(engine, query).unwrap() {
            match &query[token.at] {
                blank if token.kind == Kind::Blank && blank.trim().is_empty() => text += blank,
                _ if matches!(token.kind, Kind::Blank | Kind::Quoted) => text.push('~'),
                code => text += code,
            }
        }
        text
    }

    #[test]
    fn strings_names_and_comments_of_each_database() {
        use Engine::{MySql, Postgres, SqlServer, Sqlite};
        for (engine, query, expected) in [
            (Postgres, "a='it''s' -- x\n,\"b\"\"c\"", "a=~ ~\n,~"),
            (Postgres, r"'a\' || E'a\'b' || e'\\'", r"~ || ~ || ~"),
            (Postgres, "$$a';$$ || $x$ $$ $y$ $x$", "~ || ~"),
            (Postgres, "a$1 = $1", "a$1 = $1"),
            (Postgres, "/* a /* b */ c */ d", "~ d"),
            (Postgres, "x[1] ? 'y' #> z", "x[1] ? ~ #> z"),
            (Postgres, "1--2", "1~"),
            (MySql, r#"'a\'b' "c\"d" `e``f` # g"#, "~ ~ ~ ~"),
            (MySql, "1--2", "1--2"),
            (MySql, "1-- 2", "1~"),
            (MySql, "1--", "1~"),
            (MySql, "/* /* */ a", "~ a"),
            (Sqlite, r"'a\' [b'c] `d` /* /* */ e", r"~ ~ ~ ~ e"),
            (SqlServer, "[a]]b] N'c' \"d\" /* /* */ */ #temp", "~ N~ ~ ~ #temp"),
        ] {
            assert_eq!(code(engine, query), expected, "{query}");
        }
    }

    #[test]
    fn what_is_never_closed_is_said() {
        use Engine::{MySql, Postgres, SqlServer, Sqlite};
        for (engine, query, sign) in [
            (Postgres, "a 'b", "'"),
            (Postgres, "a \"b", "\""),
            (Postgres, "/* /* */", "/*"),
            (Postgres, "$a$ $b$", "$"),
            (MySql, r"'\'", "'"),
            (MySql, "`", "`"),
            (Sqlite, "[a", "["),
            (SqlServer, "[a]]", "["),
        ] {
            assert_eq!(tokens(engine, query), Err(Unclosed(sign)), "{query}");
        }
    }

    #[test]
    fn parameters_of_each_database() {
        use Engine::{MySql, Postgres, SqlServer, Sqlite};
        for (engine, query, expected) in [
            (Postgres, "$1 :a @b x::text a<@b @@c $2", vec!["$1", ":a", "@b", "$2"]),
            (Postgres, "a ? b", vec![]),
            (MySql, "? @b @@c := :d", vec!["?", "@b", ":d"]),
            (Sqlite, "? ?1 :a @b $c", vec!["?", "?1", ":a", "@b", "$c"]),
            (SqlServer, "@P1 $5 a::b ?", vec!["@P1", "?"]),
        ] {
            let found: Vec<&str> = tokens(engine, query)
                .unwrap()
                .into_iter()
                .filter(|token| token.kind == Kind::Parameter)
                .map(|token| &query[token.at])
                .collect();
            assert_eq!(found, expected, "{query}");
        }
    }

    fn engines() -> impl Strategy<Value = Engine> {
        use Engine::{MySql, Postgres, SqlServer, Sqlite};
        prop::sample::select(vec![Postgres, MySql, SqlServer, Sqlite])
    }

    proptest! {
        #[test]
        fn tokens_cover_the_query_without_a_gap(
            engine in engines(),
            query in "[-a1 '\"`\\[\\]$@:?;/*#\\\\\nü]{0,40}",
        ) {
            if let Ok(tokens) = tokens(engine, &query) {
                let mut end = 0;
                for token in tokens {
                    prop_assert_eq!(token.at.start, end);
                    prop_assert!(token.at.end > token.at.start);
                    prop_assert!(query.get(token.at.clone()).is_some());
                    end = token.at.end;
                }
                prop_assert_eq!(end, query.len());
            }
        }

        #[test]
        fn what_is_in_a_string_is_never_code(engine in engines(), inside in "[a @:?$;/*\\-#]{0,20}") {
            let query = format!("x '{}' y", inside.replace('\'', "''"));
            let kinds: Vec<Kind> = tokens(engine, &query).unwrap().iter().map(|t| t.kind).collect();
            prop_assert_eq!(kinds, [Kind::Word, Kind::Blank, Kind::Quoted, Kind::Blank, Kind::Word]);
        }
    }
}
