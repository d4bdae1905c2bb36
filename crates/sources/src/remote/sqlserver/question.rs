//! What is asked of a SQL Server, in its own dialect (Transact-SQL).
//!
//! The query is the user's and is not edited. For a watermark it becomes the inside of another
//! one, which a SQL Server allows only if it has no `ORDER BY` and no `WITH` of its own; both are
//! found here, so that the message can say so. For several recipients it is written down once for
//! each of them, every time with the name of another parameter, as one batch: one round trip, and
//! the answers come in their order. So procedures, `WITH` and `ORDER BY` may be asked as well.

use super::super::access::{Engine, Question};
use super::super::error::RemoteError;
use super::super::placeholder::{self, Template};
use super::super::sql_text::{self, Kind};

/// The query that reads a list.
pub(super) fn whole(question: &Question) -> Result<String, RemoteError> {
    placeholder::whole(Engine::SqlServer, sql(question)?)
}

/// The query that asks about one recipient.
pub(super) fn one(question: &Question) -> Result<Template, RemoteError> {
    Template::of(Engine::SqlServer, sql(question)?)
}

/// One batch that asks about so many addresses, the parameters `@P1` to `@Pn`.
pub(super) fn batch(asked: &Template, count: usize) -> String {
    let mut batch = String::new();
    for number in 1..=count {
        batch.push_str(&asked.with(&format!("@P{number}")));
        // On a line of its own: the query may end in a comment.
        batch.push_str("\n;\n");
    }
    batch
}

/// The query around a query, for the rows from a mark on. `bound` is what the mark is compared
/// as; none: all rows. Those without a value could be new, and come first. In the order of the watermark, so that the last row has the greatest
/// value, whatever the column's type and collation are.
pub(super) fn wrapped(
    query: &str,
    column: &str,
    bound: Option<&str>,
) -> Result<String, RemoteError> {
    if let Some(word) = outer(query) {
        return Err(RemoteError::Setting {
            what: format!(
                "with `watermark` the query is read as the inside of another one, and there a SQL \
                 Server takes no {word}: leave it out, or make a view of the query"
            ),
        });
    }
    let column = format!("q.[{}]", column.replace(']', "]]"));
    let bound = bound
        .map(|bound| format!(" WHERE {column} >= {bound} OR {column} IS NULL"))
        .unwrap_or_default();
    Ok(format!("SELECT q.* FROM (\n{query}\n) AS q{bound} ORDER BY {column}"))
}

/// What a query has that its inside may not have.
fn outer(query: &str) -> Option<&'static str> {
    let (mut depth, mut first, mut order, mut limited) = (0, true, false, false);
    let tokens = sql_text::tokens(Engine::SqlServer, query).unwrap_or_default();
    for token in tokens.into_iter().filter(|token| token.kind != Kind::Blank) {
        let word = query.get(token.at).unwrap_or_default().to_ascii_lowercase();
        match (token.kind, word.as_str()) {
            (Kind::Other, "(") => depth += 1,
            (Kind::Other, ")") => depth -= 1,
            _ if depth > 0 => {}
            (Kind::Word, "with") if first => return Some("WITH"),
            (Kind::Word, "option") => return Some("OPTION"),
            (Kind::Word, "order") => order = true,
            // With one of these an ORDER BY says which rows there are, and is allowed.
            (Kind::Word, "top" | "offset") => limited = true,
            _ => {}
        }
        first = false;
    }
    (order && !limited).then_some("ORDER BY")
}

fn sql(question: &Question) -> Result<&str, RemoteError> {
    match question {
        Question::Sql(query) => Ok(query),
        _ => Err(RemoteError::Setting { what: "a SQL Server is asked by `query`".to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_asks_once_for_each_address() {
        let asked = |query: &str| one(&Question::Sql(query.into())).unwrap();
        assert_eq!(
            batch(&asked("select * from o where e=@recipient or f = @Recipient;"), 1),
            "select * from o where e=@P1 or f = @P1\n;\n"
        );
        assert_eq!(
            batch(&asked("EXEC dbo.is_out ? -- all"), 2),
            "EXEC dbo.is_out @P1 -- all\n;\nEXEC dbo.is_out @P2 -- all\n;\n"
        );
    }

    #[test]
    fn a_query_is_wrapped_as_it_is() {
        assert_eq!(
            wrapped("select * from o", "rv", Some("CONVERT(binary(8), @P1, 1)")).unwrap(),
            "SELECT q.* FROM (\nselect * from o\n) AS q WHERE q.[rv] >= \
             CONVERT(binary(8), @P1, 1) OR q.[rv] IS NULL ORDER BY q.[rv]"
        );
        assert_eq!(
            wrapped("select * from o -- all", "a]b", None).unwrap(),
            "SELECT q.* FROM (\nselect * from o -- all\n) AS q ORDER BY q.[a]]b]"
        );
    }

    #[test]
    fn what_no_inner_query_may_have_is_told() {
        for (query, word) in [
            ("select * from o order by id", "ORDER BY"),
            ("/* all */ with a as (select 1) select * from a", "WITH"),
            ("select * from o option (maxdop 1)", "OPTION"),
        ] {
            let error = wrapped(query, "rv", None).unwrap_err().to_string();
            assert!(error.contains(word), "{query}: {error}");
        }
        for query in [
            "select top 100 percent * from o order by id",
            "select * from o order by id offset 0 rows",
            "select *, row_number() over (order by id) as n from o with (nolock)",
            "select 'order by' as [order], 1 as \"with\" from o -- order by",
        ] {
            assert!(wrapped(query, "rv", None).is_ok(), "{query}");
        }
    }
}
