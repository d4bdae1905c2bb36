//! The place of the recipient in a query.
//!
//! Whoever writes a question may write `@recipient` or `:recipient` whatever the database is, or
//! what the database has itself (`$1`, `?`, `@P1`). Here it is found, outside of strings and
//! comments, and written as the database wants it. It is never replaced by a value: values go to
//! the server as parameters, beside the query.

use super::access::Engine;
use super::error::RemoteError;
use super::sql_text::{self, Kind, Token};

/// A query of one recipient: the texts between its placeholders, at least two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template {
    pieces: Vec<String>,
}

impl Template {
    /// Finds the placeholders of a question.
    ///
    /// # Errors
    /// When there is none, more than one kind of them, another parameter, or more than one
    /// statement.
    pub(super) fn of(engine: Engine, query: &str) -> Result<Self, RemoteError> {
        let statement = Statement::of(engine, query)?;
        let own = own(engine);
        let Some(first) = statement.parameters.first() else {
            return Err(setting(format!(
                "a live query asks about one recipient: write @recipient (or {own}) in the place \
                 of the address"
            )));
        };
        let mut pieces = Vec::new();
        let mut end = 0;
        for parameter in &statement.parameters {
            if parameter.kind != first.kind {
                let (one, other) = (&first.text, &parameter.text);
                return Err(setting(format!(
                    "the query has {one} and {other}; one way to write the recipient is enough"
                )));
            }
            pieces.push(statement.text.get(end..parameter.from).unwrap_or_default().to_owned());
            end = parameter.from + parameter.text.len();
        }
        pieces.push(statement.text.get(end..).unwrap_or_default().to_owned());
        Ok(Self { pieces })
    }

    /// The query with something in the place of each placeholder.
    pub(super) fn with(&self, placeholder: &str) -> String {
        self.pieces.join(placeholder)
    }

    /// How many placeholders there are.
    pub(super) fn places(&self) -> usize {
        self.pieces.len().saturating_sub(1)
    }
}

/// A query of a whole list, without what is behind its end.
///
/// # Errors
/// When it has a parameter, or there is more than one statement.
pub(super) fn whole(engine: Engine, query: &str) -> Result<String, RemoteError> {
    let statement = Statement::of(engine, query)?;
    match statement.parameters.first() {
        None => Ok(statement.text.to_owned()),
        Some(parameter) => Err(setting(format!(
            "the query of a synchronised list reads all of it and has no {}; with it, set \
             `mode = \"live\"`",
            parameter.text
        ))),
    }
}

/// How the database itself writes a parameter.
fn own(engine: Engine) -> &'static str {
    match engine {
        Engine::Postgres => "$1",
        Engine::SqlServer => "@P1",
        _ => "?",
    }
}

fn setting(what: String) -> RemoteError {
    RemoteError::Setting { what }
}

struct Statement<'a> {
    text: &'a str,
    parameters: Vec<Parameter>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    At,
    Colon,
    Dollar,
    Question,
    Numbered,
    AtP,
}

struct Parameter {
    kind: Way,
    text: String,
    from: usize,
}

impl<'a> Statement<'a> {
    fn of(engine: Engine, query: &'a str) -> Result<Self, RemoteError> {
        let tokens = sql_text::tokens(engine, query)
            .map_err(|open| setting(format!("the query has a {} that is never closed", open.0)))?;
        let text = |token: &Token| query.get(token.at.clone()).unwrap_or_default();
        // MySQL runs what is in such a comment.
        let hidden = |token: &Token| {
            token.kind == Kind::Blank && ["/*!", "/*M!"].iter().any(|m| text(token).starts_with(m))
        };
        if engine == Engine::MySql && tokens.iter().any(hidden) {
            return Err(setting("the query has a comment that is run, /*! */".to_owned()));
        }
        let end = tokens.iter().position(|token| token.kind == Kind::End).unwrap_or(tokens.len());
        let (tokens, behind) = tokens.split_at(end);
        if behind.iter().any(|token| !matches!(token.kind, Kind::Blank | Kind::End)) {
            return Err(setting("the query is more than one statement".to_owned()));
        }
        if tokens.iter().all(|token| token.kind == Kind::Blank) {
            return Err(setting("there is no query".to_owned()));
        }
        let mut parameters = Vec::new();
        for token in tokens.iter().filter(|token| token.kind == Kind::Parameter) {
            let text = text(token);
            if let Some(kind) = way(engine, text)? {
                parameters.push(Parameter { kind, text: text.to_owned(), from: token.at.start });
            }
        }
        let end = tokens.last().map_or(0, |token| token.at.end);
        Ok(Self { text: query.get(..end).unwrap_or_default(), parameters })
    }
}

/// What a parameter is; none: an operator that looks like one.
fn way(engine: Engine, text: &str) -> Result<Option<Way>, RemoteError> {
    let name = text.get(1..).unwrap_or_default();
    let recipient = name.eq_ignore_ascii_case("recipient");
    Ok(Some(match text.get(..1) {
        Some("@") if recipient => Way::At,
        Some(":") if recipient => Way::Colon,
        Some("@") if engine == Engine::SqlServer && name.eq_ignore_ascii_case("P1") => Way::AtP,
        Some("$") if name == "1" => Way::Dollar,
        Some("?") if name.is_empty() => Way::Question,
        Some("?") if name == "1" => Way::Numbered,
        // PostgreSQL: the absolute value of a column, the end of a slice of an array.
        Some("@" | ":") if engine == Engine::Postgres => return Ok(None),
        _ => {
            return Err(setting(format!(
                "the query has the parameter {text}; the only one is @recipient"
            )));
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Engine::{MySql, Postgres, SqlServer, Sqlite};
    use proptest::prelude::*;

    fn told(engine: Engine, query: &str) -> String {
        Template::of(engine, query).unwrap_err().to_string()
    }

    #[test]
    fn each_way_to_write_it() {
        for (engine, query) in [
            (Postgres, "SELECT 1 FROM o WHERE e = @recipient"),
            (Postgres, "SELECT 1 FROM o WHERE e = :recipient;"),
            (Postgres, "SELECT 1 FROM o WHERE e = $1 ; -- done;\n"),
            (MySql, "SELECT 1 FROM o WHERE e = ?"),
            (MySql, "SELECT 1 FROM o WHERE e = @Recipient"),
            (Sqlite, "SELECT 1 FROM o WHERE e = ?1;;"),
            (Sqlite, "SELECT 1 FROM o WHERE e = $1"),
            (SqlServer, "SELECT 1 FROM o WHERE e = @p1"),
            (SqlServer, "SELECT 1 FROM o WHERE e = ?"),
        ] {
            let template = Template::of(engine, query).unwrap();
            assert_eq!(template.with("<>").trim_end(), "SELECT 1 FROM o WHERE e = <>", "{query}");
        }
        let both = Template::of(MySql, "SELECT ? = a OR ? = b").unwrap();
        assert_eq!((both.places(), both.with("?").as_str()), (2, "SELECT ? = a OR ? = b"));
    }

    #[test]
    fn only_code_has_placeholders() {
        let query = "SELECT '@recipient', \"$1\", /* $1 */ a::text, b @> c -- $1\n WHERE d = $1";
        let expected = query.strip_suffix("$1").unwrap().to_owned() + "<>";
        assert_eq!(Template::of(Postgres, query).unwrap().with("<>"), expected);
        for (engine, query) in [
            (Postgres, "SELECT '@recipient' FROM o"),
            (Postgres, "SELECT $$ @recipient $$ FROM o WHERE a ? 'b'"),
            (MySql, "SELECT `?` FROM o # ?"),
            (Sqlite, "SELECT [?] FROM o -- ?"),
            (SqlServer, "SELECT [@P1], $1 FROM o"),
        ] {
            assert!(told(engine, query).contains("write @recipient"), "{query}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (engine, query, why) in [
            (Postgres, "SELECT $1, @recipient", "has $1 and @recipient"),
            (Postgres, "SELECT $1, $2", "parameter $2"),
            (MySql, "SELECT @other", "parameter @other"),
            (SqlServer, "SELECT @P2", "parameter @P2"),
            (Sqlite, "SELECT ?2", "parameter ?2"),
            (Sqlite, "SELECT :name", "parameter :name"),
            (Postgres, "SELECT $1; DELETE FROM o", "more than one statement"),
            (MySql, "SELECT ? /*! INTO OUTFILE 'x' */", "comment that is run"),
            (Postgres, "SELECT '$1", "a ' that is never closed"),
            (Postgres, " ; -- x", "no query"),
        ] {
            assert!(told(engine, query).contains(why), "{query}: {}", told(engine, query));
        }
        assert!(Template::of(Postgres, "SELECT @price, a[1:n] FROM o WHERE e = $1").is_ok());
    }

    #[test]
    fn a_list_has_none() {
        assert_eq!(whole(Postgres, "SELECT 1 ;").unwrap(), "SELECT 1 ");
        let said = whole(MySql, "SELECT 1 WHERE e = ?").unwrap_err().to_string();
        assert!(said.contains("has no ?") && said.contains("mode = \"live\""), "{said}");
        assert!(whole(MySql, "SELECT 1; SELECT 2").is_err());
    }

    proptest! {
        #[test]
        fn with_the_same_in_its_place_it_is_the_same_query(
            before in "[a-z '\"/*\\-$(),=\n]{0,30}",
            behind in "[a-z '\"/*\\-$(),=\n]{0,30}",
        ) {
            let query = format!("{before} @recipient {behind}");
            if let Ok(template) = Template::of(Postgres, &query) {
                prop_assert_eq!(template.with("@recipient"), query.clone());
                // Written in the other way, it is found in the same places.
                let other = Template::of(Postgres, &template.with("$1"));
                prop_assert_eq!(other, Ok(template));
            }
        }
    }
}
