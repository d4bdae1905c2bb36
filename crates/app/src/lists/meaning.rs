//! What stands for the settings of a source: with other ones, the same rows are other entries.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::intake::Lasts;
use crate::config::{Place, SourceSettings, SyncSettings};

/// What its rows mean, besides their kind: read with another meaning they are other
/// entries. Without blanks, which part what is noted.
pub(super) fn meaning(source: &SourceSettings) -> String {
    let text = format!("{:?} {:?}", source.scope, Lasts::of(source));
    text.bytes().map(|b| format!("{b:02x}")).collect()
}

/// Stands for what is asked, of whom, and what the answers mean. It need not be the same after
/// an update of this program: then all of it is read once.
pub(super) fn question(source: &SourceSettings, sync: &SyncSettings) -> String {
    let mut mixed = DefaultHasher::new();
    match &source.place {
        Place::Files(path) => path.hash(&mut mixed),
        Place::Url { url, user, .. } => (url, user).hash(&mut mixed),
        Place::Database(access, question) => {
            let text = format!("{:?} {} {:?}", access.engine, access.url, access.user);
            (text, format!("{question:?}")).hash(&mut mixed);
        }
    }
    // With the salt of digests, which `Debug` leaves out.
    (source.spec.digest(), source.spec.allow_subscribed).hash(&mut mixed);
    format!("{:?} {}", sync.watermark, meaning(source)).hash(&mut mixed);
    format!("{:016x}", mixed.finish())
}
