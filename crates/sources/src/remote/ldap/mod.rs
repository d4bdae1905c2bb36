//! LDAP (RFC 4511), Active Directory among them.
//!
//! A list is read in pages (RFC 2696), since directories give only some hundred objects at once;
//! one that stops at a limit all the same is an error, never a short list. Referrals to other
//! servers are not followed, and that is told. Several addresses are asked about at the same time
//! on one connection.
//!
//! The watermark may be a number (`uSNChanged`, which each domain controller counts for itself:
//! name one, not the domain) or a time (`modifyTimestamp`, `whenChanged`).

mod entry;
mod filter;
mod login;

use std::sync::Arc;

use futures_util::future::try_join_all;
use ldap3::adapters::{Adapter, EntriesOnly, PagedResults};
use ldap3::{Ldap, Scope, SearchResult};

use self::entry::Entry;
use self::login::{Target, fault};
use super::access::{Access, Question};
use super::error::RemoteError;
use super::found::Found;
use super::limit::within;
use super::mark::{Pulled, Since};
use crate::spool::SpoolWriter;

/// Objects of a page. Active Directory gives at most 1000.
const PAGE: i32 = 500;
/// Searches under way at the same time on one connection.
const AT_ONCE: usize = 50;

/// Reads a list.
pub(super) async fn pull(
    access: &Access,
    question: &Question,
    since: Option<&Since>,
    rows: &mut SpoolWriter,
) -> Result<Pulled, RemoteError> {
    let Asked { base, filter, attributes } = Asked::of(question)?;
    let mut filter = filter::of_all(filter)?;
    let mut asked_for = attributes.to_vec();
    if let Some(since) = since {
        if !attributes.iter().any(|name| name.eq_ignore_ascii_case(&since.column)) {
            asked_for.push(since.column.clone());
        }
        if let Some(mark) = &since.from {
            let bound = entry::bound(mark).ok_or_else(|| RemoteError::Setting {
                what: "what is remembered of the watermark is not of a directory; the list has to \
                       be read whole once"
                    .to_owned(),
            })?;
            filter = filter::behind(&filter, &since.column, bound).into();
        }
    }
    rows.columns(attributes).map_err(|error| spool(&error))?;
    let target = Target::new(&access.url)?;
    let mut ldap = login::login(access, &target).await?;
    let pages: Vec<Box<dyn Adapter<'_, String, Vec<String>>>> =
        vec![Box::new(EntriesOnly::new()), Box::new(PagedResults::new(PAGE))];
    let mut search = within(&target.server, access.timeout, async {
        let search = ldap.streaming_search_with(pages, base, Scope::Subtree, &filter, asked_for);
        search.await.map_err(|error| fault(&target, error))
    })
    .await?;
    let mut pulled = Pulled { rows: 0, mark: None };
    loop {
        let next = async { search.next().await.map_err(|error| fault(&target, error)) };
        let Some(found) = within(&target.server, access.timeout, next).await? else { break };
        let entry = object(&target, found)?;
        for row in entry.rows(attributes) {
            rows.row(row.iter().map(Option::as_deref)).map_err(|error| spool(&error))?;
            pulled.rows += 1;
        }
        if let Some(since) = since {
            let mark = entry.mark(&since.column).map_err(|entry::NoMark| RemoteError::Setting {
                what: format!(
                    "`watermark` is the attribute {}, which is neither a number nor a time",
                    since.column
                ),
            })?;
            pulled.mark = entry::greater(pulled.mark, mark);
        }
    }
    let result = search.finish().await.success().map_err(|error| fault(&target, error))?;
    if !result.refs.is_empty() {
        let (server, count) = (&target.server, result.refs.len());
        tracing::warn!(%server, count, "a directory refers to others, which are not asked");
    }
    Ok(pulled)
}

/// A connection on which addresses are asked about.
pub(super) struct Session {
    access: Access,
    target: Target,
    question: Question,
    columns: Arc<[String]>,
    ldap: Ldap,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("target", &self.target).finish_non_exhaustive()
    }
}

impl Session {
    /// Connects.
    pub(super) async fn open(access: &Access, question: &Question) -> Result<Self, RemoteError> {
        let asked = Asked::of(question)?;
        filter::of_one(asked.filter, "")?;
        let columns = asked.attributes.into();
        let target = Target::new(&access.url)?;
        let ldap = login::login(access, &target).await?;
        let (access, question) = (access.clone(), question.clone());
        Ok(Self { access, target, question, columns, ldap })
    }

    /// The rows found for each of these values, in their order.
    pub(super) async fn ask(&mut self, values: &[String]) -> Result<Vec<Vec<Found>>, RemoteError> {
        within(&self.target.server, self.access.timeout, async {
            let mut found = Vec::with_capacity(values.len());
            for values in values.chunks(AT_ONCE) {
                let searches = values.iter().map(|value| self.one(value));
                found.extend(try_join_all(searches).await?);
            }
            Ok(found)
        })
        .await
    }

    async fn one(&self, value: &str) -> Result<Vec<Found>, RemoteError> {
        let Asked { base, filter, attributes } = Asked::of(&self.question)?;
        let filter = filter::of_one(filter, value)?;
        let search = self.ldap.clone().search(base, Scope::Subtree, &filter, attributes).await;
        let done = search.and_then(SearchResult::success);
        let (entries, _) = done.map_err(|error| fault(&self.target, error))?;
        let mut found = Vec::new();
        for entry in entries.into_iter().filter(|entry| !entry.is_ref() && !entry.is_intermediate())
        {
            for cells in object(&self.target, entry)?.rows(attributes) {
                found.push(Found { columns: Arc::clone(&self.columns), cells });
            }
        }
        Ok(found)
    }
}

/// What a directory is asked.
struct Asked<'a> {
    base: &'a str,
    filter: &'a str,
    attributes: &'a [String],
}

impl<'a> Asked<'a> {
    fn of(question: &'a Question) -> Result<Self, RemoteError> {
        let setting = |what: &str| RemoteError::Setting { what: what.to_owned() };
        match question {
            Question::Ldap { attributes, .. } if attributes.is_empty() => Err(setting(
                "`attributes` is empty: its first one is the address, as in [\"mail\"]",
            )),
            Question::Ldap { base, filter, attributes } => Ok(Self { base, filter, attributes }),
            _ => Err(setting("a directory is asked by `base`, `filter` and `attributes`")),
        }
    }
}

/// An object, with all of its values.
fn object(target: &Target, found: ldap3::ResultEntry) -> Result<Entry, RemoteError> {
    let server = || target.server.clone();
    let entry = Entry::new(found)
        .ok_or_else(|| RemoteError::Cut { server: server(), what: "garbled answer".to_owned() })?;
    match entry.cut() {
        None => Ok(entry),
        Some(name) => Err(RemoteError::Query {
            server: server(),
            what: format!("an object has more values than the server gives at once ({name})"),
        }),
    }
}

fn spool(error: &std::io::Error) -> RemoteError {
    RemoteError::Spool { what: error.to_string() }
}
