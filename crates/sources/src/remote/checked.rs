//! What can be said of a question before anybody is asked it.

use super::access::{Engine, Question};
use super::error::RemoteError;
use super::placeholder::{self, Template};
use super::sql_text::{self, Kind};

/// The words at the beginning of a statement that changes something.
const CHANGES: [&str; 11] = [
    "alter", "create", "delete", "drop", "grant", "insert", "merge", "replace", "revoke",
    "truncate", "update",
];

/// Looks at a question as it will be asked: of one recipient, or of a whole list. The server may
/// still refuse it.
///
/// # Errors
/// What is wrong with it.
pub fn check_question(engine: Engine, question: &Question, live: bool) -> Result<(), RemoteError> {
    match question {
        Question::Sql(query) => {
            match live {
                true => Template::of(engine, query).map(drop)?,
                false => placeholder::whole(engine, query).map(drop)?,
            }
            reads_only(engine, query)
        }
        Question::Ldap { filter, .. } => {
            let filter = filter.trim().replace("@recipient", "bob@example.com");
            ldap3::parse_filter(&filter).map(drop).map_err(|()| RemoteError::Setting {
                what: "`filter` is no filter (RFC 4515): look whether each ( has its )".to_owned(),
            })
        }
        Question::Redis { .. } => Ok(()),
    }
}

fn reads_only(engine: Engine, query: &str) -> Result<(), RemoteError> {
    let tokens = sql_text::tokens(engine, query).unwrap_or_default();
    let first = tokens.into_iter().find(|token| token.kind == Kind::Word);
    let word = first.and_then(|token| query.get(token.at)).unwrap_or_default();
    if CHANGES.iter().any(|change| word.eq_ignore_ascii_case(change)) {
        let word = word.to_ascii_uppercase();
        let what = format!("the query is {word}, which changes the database: write a SELECT");
        return Err(RemoteError::Setting { what });
    }
    Ok(())
}
