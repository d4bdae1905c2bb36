//! Message-IDs of messages of which nobody knows whether the smarthost took them, for an hour:
//! clients that come again do so within that time.
//!
//! There are next to none of them, and every message is held against them: reading takes no lock,
//! and writing makes a new table.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use policy::Unsettled;

/// How long one is remembered, in seconds.
const KEPT: i64 = 3600;
/// How many are remembered; the oldest is forgotten first.
const IDS_MAX: usize = 1000;

/// A transaction, and when it ended.
#[derive(Debug, Clone)]
struct Earlier {
    transaction: Arc<str>,
    seconds: i64,
}

/// The Message-IDs, for all sessions.
#[derive(Debug, Default)]
pub struct UnsettledMessages {
    ids: ArcSwap<HashMap<Arc<str>, Earlier>>,
}

impl UnsettledMessages {
    /// How long one is remembered.
    pub const KEPT: Duration = Duration::from_secs(KEPT.unsigned_abs());
}

impl Unsettled for UnsettledMessages {
    fn earlier(&self, message_id: &str, seconds: i64) -> Option<String> {
        let ids = self.ids.load();
        if ids.is_empty() {
            return None;
        }
        let earlier = ids.get(message_id)?;
        is_kept(earlier, seconds).then(|| earlier.transaction.to_string())
    }

    fn note(&self, message_id: &str, transaction: String, seconds: i64) {
        let (id, transaction) = (Arc::<str>::from(message_id), Arc::<str>::from(transaction));
        self.ids.rcu(|ids| {
            let mut ids = HashMap::clone(ids);
            ids.retain(|_, earlier| is_kept(earlier, seconds));
            let oldest = ids.iter().min_by_key(|(_, earlier)| earlier.seconds);
            if let Some(oldest) =
                oldest.map(|(id, _)| Arc::clone(id)).filter(|_| ids.len() >= IDS_MAX)
            {
                ids.remove(&oldest);
            }
            let transaction = Arc::clone(&transaction);
            ids.insert(Arc::clone(&id), Earlier { transaction, seconds });
            ids
        });
    }
}

fn is_kept(earlier: &Earlier, seconds: i64) -> bool {
    seconds.saturating_sub(earlier.seconds) < KEPT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_known_for_an_hour_and_the_oldest_make_room() {
        let ids = UnsettledMessages::default();
        assert_eq!(ids.earlier("<1@x>", 0), None);
        ids.note("<1@x>", "A".to_owned(), 0);
        assert_eq!(ids.earlier("<1@x>", KEPT - 1), Some("A".to_owned()));
        assert_eq!((ids.earlier("<1@x>", KEPT), ids.earlier("<2@x>", 0)), (None, None));
        for number in 0..IDS_MAX {
            ids.note(&format!("<{number}@y>"), "B".to_owned(), 1);
        }
        assert_eq!(ids.earlier("<1@x>", 2), None);
        assert_eq!(ids.earlier("<999@y>", 2), Some("B".to_owned()));
        ids.note("<1@x>", "C".to_owned(), KEPT + 1);
        assert_eq!(ids.ids.load().len(), 1);
    }
}
