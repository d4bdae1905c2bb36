//! Rows for the index, from the entries they were just made of: as if they were read back
//! from the ledger, without reading them.

use suppression::{
    Batch, Day, IndexKey, Kind, NewEntry, Origin, Subject, SuppressionError, Timestamp, lifetime,
};

/// What the index is to know of these entries. `added`: position and place of each.
pub(super) fn batch(
    now: Timestamp,
    entries: &[NewEntry],
    added: &[(u64, usize)],
) -> Result<Batch, SuppressionError> {
    let mut batch = Batch::with_capacity(added.len());
    let mut last: Option<Origin> = None;
    for (position, place) in added {
        let Some(entry) = entries.get(*place) else { return Err(SuppressionError::NotAFact) };
        let (key, subject, day, days) = facts(now, entry);
        let same = last.as_ref().is_some_and(|o| {
            o.source == entry.source
                && o.kind == entry.kind
                && o.scope == entry.scope
                && o.subject == subject
                && o.lifetime == days
        });
        if !same {
            let new = Origin::new(&entry.source, entry.kind, entry.scope.clone());
            last = Some(Origin { subject, lifetime: days, ..new });
        }
        if let Some(origin) = &last {
            batch.push(key, origin, day, *position)?;
        }
    }
    Ok(batch)
}

/// As [`suppression::Entry`] says it of a row that is in the ledger.
fn facts(now: Timestamp, entry: &NewEntry) -> (IndexKey, Subject, Day, Option<u16>) {
    let effective = entry.stated.map_or(now, |stated| stated.min(now));
    let digest = match entry.kind {
        Kind::Consent => &entry.keys.exact,
        Kind::OptOut | Kind::Complaint | Kind::Manual | Kind::Undeliverable | Kind::Withdrawn => {
            &entry.keys.person
        }
    };
    let subject = if entry.keys.is_domain() { Subject::Domain } else { Subject::Address };
    (IndexKey::from(digest), subject, effective.day(), lifetime(effective, entry.expires))
}
