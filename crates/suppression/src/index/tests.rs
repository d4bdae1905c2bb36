use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::decide::{Finding, Terms};
use crate::hasher::{Digest, Hasher, KeyId};
use crate::origin::Subject;
use crate::snapshot::Snapshot;
use crate::stream::{Stream, StreamClass};

fn origin(source: u8, kind: Kind) -> Origin {
    let origin = Origin::new(&format!("list {source}"), kind, Scope::Commercial);
    match source {
        4 => Origin { subject: Subject::Hashed(Arc::new("md5 lower".parse().unwrap())), ..origin },
        _ => origin,
    }
}

/// The kinds that are facts.
const FACTS: [Kind; 5] =
    [Kind::OptOut, Kind::Complaint, Kind::Manual, Kind::Undeliverable, Kind::Consent];

/// Few keys, so that they meet again; spread as keys are.
fn key(number: u8) -> IndexKey {
    let hasher = Hasher::new(KeyId(1), &[1; 32]);
    IndexKey::from(&hasher.digest("test", &[number]))
}

fn segments(index: &Index) -> usize {
    index.objections.segments().count() + index.consents.segments().count()
}

#[derive(Debug, Clone)]
enum Step {
    Add(Vec<(u8, u8, Kind, u16)>),
    /// Takes back that many rows from that share (in 1/100) of all positions on.
    Withdraw(u32, u32),
    Merge,
    Reload,
}

fn any_step() -> impl Strategy<Value = Step> {
    let fact = (0_u8..60, 0_u8..5, prop::sample::select(FACTS.to_vec()), 0_u16..9);
    prop_oneof![
        6 => prop::collection::vec(fact.clone(), 0..4).prop_map(Step::Add),
        2 => prop::collection::vec(fact, 0..40).prop_map(Step::Add),
        2 => (0_u32..110, 0_u32..6).prop_map(|(from, rows)| Step::Withdraw(from, rows)),
        1 => (0_u32..50, 20_u32..200).prop_map(|(from, rows)| Step::Withdraw(from, rows)),
        3 => Just(Step::Merge),
        1 => Just(Step::Reload),
    ]
}

/// What an index should say: per key number the facts, with the origin spelled out.
#[derive(Default)]
struct Model {
    objections: BTreeMap<u8, BTreeSet<(String, Kind, u16, u32)>>,
    consents: BTreeMap<u8, BTreeSet<(String, Kind, u16, u32)>>,
    withdrawn: BTreeSet<u32>,
}

impl Model {
    fn check(&self, index: &Index) {
        let spelled = |fact: Fact| {
            let origin = index.origin(fact.origin).unwrap();
            (origin.source.clone(), origin.kind, fact.day.number(), fact.position)
        };
        // What was taken back may be there or not; everything else is there once.
        let mut total = 0;
        for number in 0..=60 {
            for (known, found) in [
                (&self.objections, index.facts(key(number)).map(spelled).collect::<Vec<_>>()),
                (&self.consents, index.consents(key(number)).map(spelled).collect()),
            ] {
                total += found.len();
                let known = known.get(&number).cloned().unwrap_or_default();
                let set: BTreeSet<_> = found.iter().cloned().collect();
                assert_eq!(set.len(), found.len(), "each fact once");
                assert!(set.is_subset(&known));
                assert!(known.difference(&set).all(|row| self.withdrawn.contains(&row.3)));
            }
        }
        assert_eq!(index.len(), total);
        assert_eq!(index.is_empty(), total == 0);
        for position in 0..300 {
            assert_eq!(index.is_withdrawn(position), self.withdrawn.contains(&position));
        }
    }
}

proptest! {
    #[test]
    fn an_index_answers_as_a_map_of_sets_does(steps in prop::collection::vec(any_step(), 0..30)) {
        let hasher = Hasher::new(KeyId(1), &[1; 32]);
        let mut index = Index::with_limits(Limits { delta: 1, small: 4 });
        let mut model = Model::default();
        let mut position = 0_u32;
        for step in steps {
            let before = index.clone();
            match step {
                Step::Add(facts) => {
                    let mut additions = Vec::new();
                    for (number, source, kind, day) in &facts {
                        position += 1;
                        let origin = origin(*source, *kind);
                        let side = match kind {
                            Kind::Consent => &mut model.consents,
                            _ => &mut model.objections,
                        };
                        let row = (origin.source.clone(), *kind, *day, position);
                        side.entry(*number).or_default().insert(row);
                        additions.push((key(*number), origin, Day::from_number(*day), position));
                    }
                    index = before.with(additions, u64::from(position)).unwrap();
                    prop_assert_eq!(index.epoch(), before.epoch() + u64::from(!facts.is_empty()));
                    prop_assert_eq!(index.position(), u64::from(position));
                }
                Step::Withdraw(from, rows) => {
                    let from = position * from / 100;
                    let mut batch = Batch::new();
                    for range in [from..=from + rows / 2, from + rows / 2..=from + rows] {
                        model.withdrawn.extend(range.clone());
                        batch.withdraw(range);
                    }
                    index = before.with_batch(batch, u64::from(position)).unwrap();
                    prop_assert_eq!(index.epoch(), before.epoch() + 1);
                    prop_assert_eq!(index.len(), before.len());
                }
                Step::Merge => {
                    let mut merges = 0;
                    while let Some(merge) = index.merge_due() {
                        let before = segments(&index);
                        let one = merge.inputs.len() == 1;
                        index = index.merged(&merge.run());
                        prop_assert!(segments(&index) < before + usize::from(one));
                        merges += 1;
                        prop_assert!(merges < 100, "merging comes to rest");
                    }
                    prop_assert_eq!(index.epoch(), before.epoch());
                    prop_assert!(index.depth() <= 6, "{}", index.depth());
                }
                Step::Reload => {
                    let bytes = Snapshot { index, anchor: [4; 32] }.to_bytes(&hasher).unwrap();
                    index = Snapshot::from_bytes(&bytes, &hasher).unwrap().index;
                    prop_assert_eq!(index.epoch(), before.epoch());
                    prop_assert_eq!(index.position(), before.position());
                }
            }
            model.check(&index);
        }
    }
}

#[test]
fn a_state_never_changes_under_the_one_who_holds_it() {
    let mut states = vec![Index::with_limits(Limits { delta: 1, small: 3 })];
    for number in 0..60 {
        let last = states.last().unwrap();
        let addition = (key(number), origin(0, Kind::OptOut), Day::from_number(1), number.into());
        let mut next = last.with([addition], number.into()).unwrap();
        if let Some(merge) = next.merge_due() {
            next = next.merged(&merge.run());
        }
        states.push(next);
    }
    for (known, state) in states.iter().enumerate() {
        for number in 0..60 {
            let found = state.facts(key(number)).count();
            assert_eq!(found, usize::from(usize::from(number) < known));
        }
    }
}

/// A customer list of 400,000 rows imported as opt-outs by mistake, and undone.
#[test]
fn an_undone_import_gives_its_memory_back() {
    let spread = |number: u32| {
        IndexKey(u128::from(u64::from(number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)) << 64)
    };
    let fill = |rows: std::ops::Range<u32>, kind| {
        let mut batch = Batch::new();
        for number in rows {
            batch
                .push(spread(number), &origin(0, kind), Day::from_number(1), number.into())
                .unwrap();
        }
        batch
    };
    let shared = crate::SharedIndex::default();
    let add = |batch, position| shared.update(|index| index.with_batch(batch, position)).unwrap();
    add(fill(0..100_000, Kind::OptOut), 100_000);
    add(fill(100_000..500_000, Kind::OptOut), 500_000);
    while shared.merge_once() {}
    let before = shared.load_full();
    let (epoch, rows, memory) = (before.epoch(), before.len(), before.memory());
    assert_eq!(rows, 500_000);
    drop(before);

    let mut undo = Batch::new();
    undo.withdraw(100_000..=499_999);
    add(undo, 500_001);
    assert_eq!(shared.load().len(), rows, "nothing is moved where mail waits");
    while shared.merge_once() {}
    let after = shared.load_full();
    assert_eq!((after.len(), after.epoch()), (100_000, epoch + 1));
    assert!(after.memory() < memory / 4, "{} of {memory}", after.memory());
    for number in (0..500_000).step_by(999) {
        assert_eq!(after.facts(spread(number)).count(), usize::from(number < 100_000));
    }
    assert!(after.merge_due().is_none());
    assert!(after.withdrawn.serialized_size() < 200, "kept as a run");

    // What it knows about withdrawals outlives a restart: nothing is merged again for nothing.
    let hasher = Hasher::new(KeyId(1), &[1; 32]);
    let snapshot = Snapshot { index: Index::clone(&after), anchor: [0; 32] };
    let bytes = snapshot.to_bytes(&hasher).unwrap();
    let read = Snapshot::from_bytes(&bytes, &hasher).unwrap().index;
    assert!(read.merge_due().is_none());
    assert_eq!((read.len(), read.is_withdrawn(100_000)), (100_000, true));
}

#[test]
fn when_everything_was_taken_back_nothing_is_left() {
    let mut index = Index::with_limits(Limits { delta: 0, small: 0 });
    for number in 0..30 {
        let row = (key(number), origin(0, Kind::OptOut), Day::from_number(1), number.into());
        index = index.with([row], number.into()).unwrap();
    }
    let mut undo = Batch::new();
    undo.withdraw(0..=5000);
    index = index.with_batch(undo, 5001).unwrap();
    while let Some(merge) = index.merge_due() {
        index = index.merged(&merge.run());
    }
    assert_eq!((index.len(), index.depth(), index.is_empty()), (0, 0, true));
    let row = (key(1), origin(0, Kind::OptOut), Day::from_number(1), 6000);
    assert_eq!(index.with([row], 6000).unwrap().facts(key(1)).count(), 1);
}

#[test]
fn withdrawals_of_another_half_are_looked_for_once() {
    let mut batch = Batch::new();
    for number in 0..200_000_u32 {
        let spread = u128::from(u64::from(number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)) << 64;
        let origin = origin(0, Kind::OptOut);
        batch.push(IndexKey(spread), &origin, Day::from_number(1), number.into()).unwrap();
    }
    let mut index = Index::empty().with_batch(batch, 200_000).unwrap();
    let mut undo = Batch::new();
    undo.withdraw(1_000_000..=1_999_999);
    index = index.with_batch(undo, 2_000_000).unwrap();
    let mut merges = 0;
    while let Some(merge) = index.merge_due() {
        index = index.merged(&merge.run());
        merges += 1;
    }
    assert_eq!((index.len(), merges), (200_000, 16));
}

/// A state that a session holds on to knows what was taken back when it was made, no more.
#[test]
fn a_withdrawal_counts_in_later_states_only_and_whenever_the_row_comes() {
    let row = |position| [(key(1), origin(0, Kind::OptOut), Day::from_number(1), position)];
    let withdraw = |index: &Index, position| {
        let mut batch = Batch::new();
        batch.withdraw(position..=position);
        index.with_batch(batch, 9).unwrap()
    };
    let gathered = |index: &Index| {
        let mut case = Case::default();
        let digest = Hasher::new(KeyId(1), &[1; 32]).digest("test", &[1]);
        index.gather(&AddressKeys { exact: Digest([0; 32]), person: digest }, &mut case);
        case.objections.iter().map(|known| known.withdrawn).collect::<Vec<_>>()
    };
    let before = Index::empty().with(row(3), 3).unwrap();
    let after = withdraw(&before, 3);
    assert_eq!((gathered(&before), gathered(&after)), (vec![false], vec![true]));
    let early = withdraw(&Index::empty(), 3).with(row(3), 3).unwrap();
    assert_eq!(gathered(&early), vec![true]);
}

#[test]
fn a_domain_is_asked_for_only_when_one_is_known() {
    let address = origin(0, Kind::OptOut);
    let domain = Origin { subject: Subject::Domain, ..origin(0, Kind::Manual) };
    let index = Index::empty().with([(key(1), address, Day::from_number(1), 1)], 1).unwrap();
    assert!(!index.has_domains());
    let index = index.with([(key(2), domain.clone(), Day::from_number(1), 2)], 2).unwrap();
    assert!(index.has_domains());

    // The two keys of a domain are one; what is under it is there once.
    let digest = Hasher::new(KeyId(1), &[1; 32]).digest("test", &[2]);
    let keys = AddressKeys { exact: digest, person: digest };
    assert!(keys.are_one());
    let mut case = Case::default();
    index.gather(&keys, &mut case);
    assert_eq!((case.objections.len(), case.consents.len()), (1, 0));
    assert_eq!(case.objections[0].origin, &domain);
}

#[test]
fn digests_are_made_only_for_the_forms_that_lists_have() {
    let form = |text: &str| -> Arc<HashedForm> { Arc::new(text.parse().unwrap()) };
    let hashed = |text| Origin { subject: Subject::Hashed(form(text)), ..origin(0, Kind::OptOut) };
    let other = Origin { source: "other".to_owned(), ..hashed("md5 lower") };
    let row = |origin, at: u8| [(key(at), origin, Day::from_number(1), u32::from(at))];
    let mut index = Index::empty().with(row(origin(0, Kind::OptOut), 1), 1).unwrap();
    assert!(index.hashed_forms().is_empty());
    for (at, origin) in (2..).zip([hashed("md5 lower"), other, hashed("sha1 lower")]) {
        index = index.with(row(origin, at), u64::from(at)).unwrap();
    }
    assert_eq!(index.hashed_forms(), [form("md5 lower"), form("sha1 lower")]);
}

#[test]
fn a_digest_of_a_list_is_looked_up_as_it_was_recorded() {
    let hasher = Hasher::new(KeyId(1), &[1; 32]);
    let form: HashedForm = "md5 lower".parse().unwrap();
    let digest = form.digest("pat@example.com");
    let recorded = hasher.hashed_key(&form, &digest).unwrap();
    assert!(recorded.are_one());
    assert!(hasher.hashed_keys(&form, std::slice::from_ref(&digest)).eq([recorded]));
    // On a list of another form it is about somebody else, under another key about nobody.
    let salted: HashedForm = "md5 lower before=61".parse().unwrap();
    assert_ne!(hasher.hashed_key(&salted, &digest).unwrap(), recorded);
    let other = Hasher::new(KeyId(2), &[2; 32]);
    assert_ne!(other.hashed_key(&form, &digest).unwrap(), recorded);
    // Whoever has the list cannot find it in the ledger.
    assert_ne!(&recorded.exact.as_bytes()[..16], &digest[..]);
    for wrong in [&digest[..15], &[0; 20], &[]] {
        let error = hasher.hashed_key(&form, wrong).unwrap_err();
        assert!(error.to_string().contains("those of md5 have 16"), "{error}");
    }
}

#[test]
fn a_row_seen_again_is_there_once() {
    let row = || [(key(1), origin(0, Kind::OptOut), Day::from_number(1), 1)];
    let mut index = Index::with_limits(Limits { delta: 0, small: 0 });
    for _ in 0..3 {
        index = index.with(row(), 1).unwrap();
    }
    while let Some(merge) = index.merge_due() {
        index = index.merged(&merge.run());
    }
    assert_eq!((index.len(), index.facts(key(1)).count()), (1, 1));
}

#[test]
fn additions_that_arrive_while_a_merge_runs_are_kept() {
    let mut index = Index::with_limits(Limits { delta: 0, small: 0 });
    let add = |index: &Index, number: u8| {
        let row = (key(number), origin(0, Kind::OptOut), Day::from_number(1), number.into());
        index.with([row], number.into()).unwrap()
    };
    for number in 0..20 {
        index = add(&index, number);
    }
    let first = index.merge_due().unwrap();
    let second = index.merge_due().unwrap();
    assert_eq!(first.rows(), second.rows());
    for number in 20..30 {
        index = add(&index, number);
    }
    let (first, second) = (first.run(), second.run());
    index = index.merged(&first);
    let before = segments(&index);
    index = index.merged(&second);
    assert_eq!(segments(&index), before, "a merge of segments that are gone changes nothing");
    assert_eq!(index.len(), 30);
    for number in 0..30 {
        assert_eq!(index.facts(key(number)).count(), 1, "{number}");
    }
}

#[test]
fn a_single_addition_shares_the_large_segments() {
    let mut batch = Batch::with_capacity(100_000);
    for number in 0..100_000_u64 {
        let spread = u128::from(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)) << 64;
        batch
            .push(IndexKey(spread), &origin(0, Kind::OptOut), Day::from_number(1), number)
            .unwrap();
    }
    let index = Index::empty().with_batch(batch, 100_000).unwrap();
    let row = (key(1), origin(1, Kind::OptOut), Day::from_number(1), 100_001);
    let next = index.with([row], 100_001).unwrap();
    assert!(Arc::ptr_eq(
        index.objections.segments().next().unwrap(),
        next.objections.segments().next().unwrap(),
    ));
    assert_eq!((next.len(), next.depth(), next.position()), (100_001, 2, 100_001));
}

#[test]
fn ten_thousand_single_additions_leave_few_segments_though_nobody_merges() {
    let mut index = Index::with_limits(Limits { delta: 2, small: 64 });
    for number in 0..10_000_u32 {
        let spread = u128::from(number.wrapping_mul(0x9e37_79b9)) << 96;
        let row = (IndexKey(spread), origin(0, Kind::OptOut), Day::from_number(1), number);
        index = index.with([row], number.into()).unwrap();
    }
    assert_eq!(index.len(), 10_000);
    assert!(index.depth() <= 12, "{}", index.depth());
}

#[test]
fn a_full_table_of_origins_is_an_error_and_the_state_goes_on() {
    let mut batch = Batch::new();
    for number in 0..=u16::MAX {
        let origin = Origin::new(&number.to_string(), Kind::OptOut, Scope::Commercial);
        batch.push(key(1), &origin, Day::from_number(1), number.into()).unwrap();
    }
    let full = Index::empty().with_batch(batch, 1 << 16).unwrap();
    let row = |source| [(key(2), origin(source, Kind::OptOut), Day::from_number(1), 1 << 17)];
    assert_eq!(full.with(row(1), 1 << 17).unwrap_err(), SuppressionError::OriginsFull);
    assert_eq!((full.len(), full.position(), full.epoch()), (1 << 16, 1 << 16, 1));
}

#[test]
fn the_position_only_grows() {
    let index = Index::empty().with([], 7).unwrap().with([], 3).unwrap();
    assert_eq!((index.position(), index.epoch()), (7, 0));
}

fn decided(index: &Index, keys: &AddressKeys, class: StreamClass) -> Option<u32> {
    let mut case = Case::default();
    index.gather(keys, &mut case);
    let stream = Stream::new("test", class);
    let terms = Terms { stream: &stream, today: Day::from_number(20), grace: None };
    match case.decide(&terms) {
        Finding::Suppressed(suppression) => Some(suppression.position),
        _ => None,
    }
}

#[test]
fn objections_are_found_by_person_or_as_written_and_consents_as_written() {
    let keys = AddressKeys { exact: Digest([1; 32]), person: Digest([2; 32]) };
    let (exact, person) = (IndexKey::from(&keys.exact), IndexKey::from(&keys.person));
    let row = |key, kind, day, position| (key, origin(0, kind), Day::from_number(day), position);
    let found = |rows: Vec<_>| {
        let index = Index::empty().with(rows, 9).unwrap();
        decided(&index, &keys, StreamClass::Commercial)
    };
    assert_eq!(found(vec![]), None);
    assert_eq!(found(vec![row(person, Kind::OptOut, 9, 4)]), Some(4));
    assert_eq!(found(vec![row(exact, Kind::Manual, 9, 5)]), Some(5));
    assert_eq!(found(vec![row(exact, Kind::Consent, 9, 5)]), None);
    let opt_out = row(person, Kind::OptOut, 9, 4);
    assert_eq!(found(vec![opt_out.clone(), row(exact, Kind::Consent, 9, 5)]), Some(4));
    assert_eq!(found(vec![opt_out.clone(), row(exact, Kind::Consent, 10, 5)]), None);
    assert_eq!(found(vec![opt_out, row(person, Kind::Consent, 10, 5)]), Some(4));
}

#[test]
fn a_fact_whose_origin_is_unknown_refuses() {
    let keys = AddressKeys { exact: Digest([1; 32]), person: Digest([2; 32]) };
    let row = (IndexKey::from(&keys.person), origin(0, Kind::OptOut), Day::from_number(9), 4);
    let mut index = Index::empty().with([row], 4).unwrap();
    index.origins = Arc::new(Origins::new());
    assert_eq!(decided(&index, &keys, StreamClass::Transactional), Some(4));
}
