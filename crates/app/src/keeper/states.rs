//! What is unknown at present, and which streams that makes unknown.
//!
//! A list that was never read or is too old may hold what nobody has seen yet; of which
//! kind and scope, its settings say. It makes unknown exactly what it could change
//! (DESIGN s7): objections turn a yes into no, consents a missing permission into one. So a
//! stale newsletter list does not stop password resets. Nothing turns a known objection into
//! a doubt.

use std::collections::BTreeMap;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwapOption;
use suppression::{Case, Day, Fact, Kind, Known, Origin, OriginId, Scope, Standing, Stream, Terms};

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Unknown {
    why: String,
    /// What its entries may be; empty: anything.
    carries: Arc<[Origin]>,
}

/// What is unknown at present. Written by the keeper and the sources' threads, read
/// for every recipient.
#[derive(Debug, Default)]
pub struct ListStates {
    unknown: Mutex<BTreeMap<String, Unknown>>,
    /// All of them, for the readers; none in the usual case.
    shown: ArcSwapOption<Vec<(String, Unknown)>>,
    /// The sources that are configured. Locked before `unknown`, where both are.
    sources: Mutex<BTreeMap<String, Enlisted>>,
}

/// A source that is configured.
#[derive(Debug)]
struct Enlisted {
    carries: Arc<[Origin]>,
    /// How often what was read of it has come to stand no longer. What is found out about the
    /// source counts only if that was in the present round.
    round: u64,
    /// Wakes the thread that reads it.
    wake: Option<SyncSender<()>>,
}

/// What an unknown list may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// That the stream is permitted.
    Permitted,
    /// That its permission is missing.
    Missing,
}

impl ListStates {
    /// A list is in order.
    pub fn known(&self, list: &str) {
        self.change(|unknown| unknown.remove(list).is_some());
    }

    /// Something cannot be relied on that may hold entries of any kind and scope.
    pub fn unknown(&self, list: &str, why: &str) {
        self.unknown_of(list, &[], why);
    }

    /// A list cannot be relied on whose entries would be of one of these kinds and scopes; of
    /// which, nobody knows, if none is given.
    pub fn unknown_of(&self, list: &str, carries: &[Origin], why: &str) {
        self.set(list, Unknown { why: why.to_owned(), carries: carries.into() });
    }

    /// Makes a source known that is configured, with every kind and scope that its entries may
    /// have. Without one they may have any. Said again, it replaces what was said before.
    pub(crate) fn enlist(&self, source: &str, carries: &[Origin]) {
        let mut sources = self.sources();
        let new = || Enlisted { carries: [].into(), round: 0, wake: None };
        sources.entry(source.to_owned()).or_insert_with(new).carries = carries.into();
    }

    /// A source is not configured any more: nothing waits for it.
    pub(crate) fn delist(&self, source: &str) {
        let mut sources = self.sources();
        sources.remove(source);
        self.known(source);
    }

    /// Says how the thread that reads a source is woken.
    pub(crate) fn wake_by(&self, source: &str, wake: &SyncSender<()>) {
        if let Some(source) = self.sources().get_mut(source) {
            source.wake = Some(wake.clone());
        }
    }

    /// The present round of a source.
    pub(crate) fn round(&self, source: &str) -> u64 {
        self.sources().get(source).map_or(0, |source| source.round)
    }

    /// Notes whether a source is known, as found out in a round. In a later one that is void.
    pub(crate) fn note(&self, source: &str, round: u64, unknown: Option<&str>) {
        let sources = self.sources();
        let Some(enlisted) = sources.get(source).filter(|source| source.round == round) else {
            return;
        };
        match unknown {
            Some(why) => self.unknown_of(source, &enlisted.carries, why),
            None => self.known(source),
        }
    }

    /// Has sources read again, whatever is remembered of their files: those that are named and
    /// configured, which are returned. With a reason they are unknown until then.
    pub(super) fn again(&self, named: impl Fn(&str) -> bool, why: Option<&str>) -> Vec<String> {
        let mut sources = self.sources();
        let mut done = Vec::new();
        for (name, source) in sources.iter_mut().filter(|(name, _)| named(name)) {
            source.round += 1;
            if let Some(why) = why {
                self.unknown_of(name, &source.carries, why);
            }
            if let Some(wake) = &source.wake {
                // Full: it is awake already.
                let _ = wake.try_send(());
            }
            done.push(name.clone());
        }
        done
    }

    fn sources(&self) -> MutexGuard<'_, BTreeMap<String, Enlisted>> {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this one cannot be relied on.
    pub(super) fn is_unknown(&self, list: &str) -> bool {
        self.unknown.lock().unwrap_or_else(PoisonError::into_inner).contains_key(list)
    }

    /// Every list that cannot be relied on, with the reason.
    pub fn all_unknown(&self) -> BTreeMap<String, String> {
        let unknown = self.unknown.lock().unwrap_or_else(PoisonError::into_inner);
        unknown.iter().map(|(list, unknown)| (list.clone(), unknown.why.clone())).collect()
    }

    /// The first list that could change this answer for a stream, and why it is unknown.
    pub(crate) fn doubt(&self, change: Change, stream: &Stream, today: Day) -> Option<String> {
        let shown = self.shown.load();
        let doubt = |(_, unknown): &&(String, Unknown)| {
            unknown.carries.is_empty()
                || unknown.carries.iter().any(|origin| may(origin, change, stream, today))
        };
        let (list, unknown) = shown.as_deref()?.iter().find(doubt)?;
        Some(format!("list {list}: {}", unknown.why))
    }

    /// The classes of solicitation of which it cannot be told who refuses them, and why.
    pub(crate) fn unknown_classes(&self) -> Vec<(Scope, String)> {
        let shown = self.shown.load();
        let Some(unknown) = shown.as_deref() else { return Vec::new() };
        let classes = unknown.iter().flat_map(|(list, unknown)| {
            let objects = |origin: &&Origin| {
                origin.scope.is_class() && !matches!(origin.kind, Kind::Consent | Kind::Withdrawn)
            };
            let classes = unknown.carries.iter().filter(objects);
            let why = move || format!("list {list}: {}", unknown.why);
            classes.map(move |origin| (origin.scope.clone(), why()))
        });
        classes.collect()
    }

    fn set(&self, list: &str, state: Unknown) {
        self.change(|unknown| unknown.insert(list.to_owned(), state.clone()) != Some(state));
    }

    fn change(&self, change: impl FnOnce(&mut BTreeMap<String, Unknown>) -> bool) {
        let mut unknown = self.unknown.lock().unwrap_or_else(PoisonError::into_inner);
        if change(&mut unknown) {
            let all: Vec<_> = unknown.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
            self.shown.store((!all.is_empty()).then(|| Arc::new(all)));
        }
    }
}

/// Whether an entry of this origin could make that change. Asked of the decision itself, so
/// that the two cannot come to differ.
pub(super) fn may(origin: &Origin, change: Change, stream: &Stream, today: Day) -> bool {
    let fact = Fact { origin: OriginId(0), day: today, position: 0 };
    let known = Known { fact, origin, withdrawn: false };
    let terms = Terms { stream, today, grace: None };
    let case = Case::default();
    let standing = match (change, origin.kind) {
        (Change::Permitted, Kind::Consent) | (_, Kind::Withdrawn) => return false,
        (Change::Permitted, _) => case.standing(&known, &terms),
        (Change::Missing, Kind::Consent) => case.consent_standing(&known, &terms),
        (Change::Missing, _) => return false,
    };
    standing != Standing::OtherMail
}

#[cfg(test)]
mod tests {
    use suppression::StreamClass;

    use super::*;

    fn stream(class: StreamClass, scopes: &[&str]) -> Stream {
        let scopes = scopes.iter().map(|s| (*s).to_owned()).collect();
        Stream { scopes, ..Stream::new("s", class) }
    }

    fn named(name: &str) -> Scope {
        Scope::Named(name.to_owned())
    }

    /// A list of that kind and scope, never read: which streams are in doubt?
    fn doubts(kind: Kind, scope: Scope, change: Change) -> [bool; 4] {
        let states = ListStates::default();
        states.unknown_of("crm", &[Origin::new("crm", kind, scope)], "it was never loaded");
        let streams = [
            stream(StreamClass::Transactional, &[]),
            stream(StreamClass::Commercial, &[]),
            stream(StreamClass::Commercial, &["news"]),
            stream(StreamClass::Commercial, &["spring"]),
        ];
        let today = Day::from_number(20_000);
        streams.map(|stream| states.doubt(change, &stream, today).is_some())
    }

    #[test]
    fn a_list_of_objections_makes_unknown_what_it_could_stop() {
        for kind in [Kind::OptOut, Kind::Complaint, Kind::Manual, Kind::Undeliverable] {
            let of = |scope| doubts(kind, scope, Change::Permitted);
            assert_eq!(of(Scope::All), [true, true, true, true]);
            assert_eq!(of(Scope::Commercial), [false, true, true, true]);
            assert_eq!(of(named("news")), [false, true, true, false]);
            // It has no consents, so that none is missing because of it.
            assert_eq!(doubts(kind, Scope::All, Change::Missing), [false; 4]);
        }
    }

    #[test]
    fn a_list_of_consents_makes_unknown_where_permission_is_missing() {
        let of = |scope| doubts(Kind::Consent, scope, Change::Missing);
        assert_eq!(of(Scope::All), [true, true, true, true]);
        assert_eq!(of(Scope::Commercial), [false, true, true, true]);
        assert_eq!(of(named("news")), [false, false, true, false]);
        assert_eq!(doubts(Kind::Consent, Scope::All, Change::Permitted), [false; 4]);
    }

    #[test]
    fn a_list_of_several_kinds_makes_unknown_what_any_of_them_could_change() {
        let states = ListStates::default();
        let of = |kind, name| Origin::new("crm", kind, named(name));
        let carries = [of(Kind::OptOut, "news"), of(Kind::Consent, "spring")];
        states.enlist("crm", &carries);
        states.note("crm", 0, Some("it was never loaded"));
        let today = Day::from_number(20_000);
        let doubts = |change| {
            ["news", "spring", "other"].map(|name| {
                let stream = stream(StreamClass::Commercial, &[name]);
                states.doubt(change, &stream, today).is_some()
            })
        };
        assert_eq!(doubts(Change::Permitted), [true, false, false]);
        assert_eq!(doubts(Change::Missing), [false, true, false]);
        states.enlist("crm", &[]);
        states.note("crm", 0, Some("it was never loaded"));
        assert_eq!(doubts(Change::Permitted), [true; 3]);
        assert_eq!(doubts(Change::Missing), [true; 3]);
    }

    #[test]
    fn a_list_of_a_class_makes_unknown_who_refuses_it_and_no_stream() {
        let class = named("net.example:ADV");
        let of = |change| doubts(Kind::OptOut, class.clone(), change);
        assert_eq!(of(Change::Permitted), [false; 4]);
        assert_eq!(of(Change::Missing), [false; 4]);
        let states = ListStates::default();
        assert_eq!(states.unknown_classes(), []);
        states.unknown_of("other", &[Origin::new("other", Kind::OptOut, named("news"))], "old");
        states.unknown_of("crm", &[Origin::new("crm", Kind::OptOut, class.clone())], "old");
        assert_eq!(states.unknown_classes(), [(class, "list crm: old".to_owned())]);
        states.known("crm");
        assert_eq!(states.unknown_classes(), []);
    }

    #[test]
    fn what_may_hold_anything_makes_everything_unknown() {
        let states = ListStates::default();
        let transactional = stream(StreamClass::Transactional, &[]);
        let today = Day::from_number(20_000);
        let doubt = |change| states.doubt(change, &transactional, today);
        assert_eq!(doubt(Change::Permitted), None);
        states.unknown("the ledger", "it cannot be read");
        assert_eq!(doubt(Change::Permitted).as_deref(), Some("list the ledger: it cannot be read"));
        assert!(doubt(Change::Missing).is_some());
        states.known("the ledger");
        assert_eq!(doubt(Change::Missing), None);
    }
}
