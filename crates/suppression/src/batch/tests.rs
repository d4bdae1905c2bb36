use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::layout::BITS_MAX;
use crate::scope::Scope;

/// Evenly spread, as real keys are; and the kinds that would show a wrong shift or a bad guess.
fn any_key() -> impl Strategy<Value = u128> {
    prop_oneof![
        4 => any::<u128>(),
        2 => (0_u128..4, 0_u128..3).prop_map(|(high, low)| (high << 126) | low),
        1 => (0_u128..40).prop_map(|low| (7 << 104) | low),
        1 => Just(0),
        1 => Just(u128::MAX),
    ]
}

fn any_pairs(most: usize) -> impl Strategy<Value = Vec<Pair>> {
    prop::collection::vec((any_key(), 0_u64..4), 0..most)
}

fn sealed(shard: u8, pairs: &[Pair], bits: Option<u32>) -> Segment {
    let mut rows: Vec<_> = pairs.iter().map(|pair| row(*pair)).collect();
    let Some(bits) = bits else { return seal(shard, rows) };
    rows.sort_unstable();
    rows.dedup();
    pack(shard, rows, bits)
}

/// The pairs whose key belongs to the shard.
fn of_shard(shard: u8, pairs: &[Pair]) -> Vec<Pair> {
    pairs.iter().copied().filter(|pair| shard_of(pair.0) == shard).collect()
}

/// Makes a segment of each shard's pairs and holds it against them.
fn compare_all(pairs: &[Pair], bits: Option<u32>, others: &[u128]) {
    for shard in 0..16 {
        let pairs = of_shard(shard, pairs);
        compare(&sealed(shard, &pairs, bits), &pairs, others);
    }
}

/// Holds a segment against a sorted set, for the keys in it and for others.
fn compare(segment: &Segment, pairs: &[Pair], others: &[u128]) {
    segment.check().unwrap();
    let model: BTreeSet<Pair> = pairs.iter().copied().collect();
    assert_eq!(segment.len(), model.len());
    assert!(segment.iter().eq(model.iter().copied()));
    assert_eq!(segment.iter().size_hint(), (model.len(), Some(model.len())));
    for key in pairs.iter().map(|pair| pair.0).chain(others.iter().copied()) {
        let expected = model.range((key, 0)..=(key, u64::MAX)).map(|pair| pair.1);
        assert!(segment.find(key).eq(expected), "{key:032x}");
    }
}

proptest! {
    #[test]
    fn a_segment_answers_as_a_sorted_set_does(
        pairs in any_pairs(300),
        others in prop::collection::vec(any_key(), 0..50),
        bits in prop::option::of(0..=17_u32),
    ) {
        compare_all(&pairs, bits, &others);
    }
}

#[test]
fn every_width_of_directory_keeps_all_128_bits_of_the_key() {
    let pairs: Vec<Pair> = (0..128).map(|bit| (1 << bit, 9)).chain([(0, 9), (!0, 9)]).collect();
    let near: Vec<u128> = pairs.iter().map(|pair| pair.0 ^ 1 << 3 ^ 1 << 90).collect();
    for bits in (0..=BITS_MAX).step_by(3) {
        compare_all(&pairs, Some(bits), &near);
    }
}

#[test]
fn sizes_around_each_change_of_the_row_s_length() {
    // One bit of directory from 48 rows; with 4 bits, from 384 rows, a byte less in the row,
    // with 12, from 98304, two. From 95326 rows of 22 bytes on in huge pages.
    for rows in
        [0_u64, 1, 2, 23, 24, 25, 47, 48, 49, 383, 384, 385, 95_325, 95_326, 98_303, 98_304, 98_305]
    {
        let spread = |number: u64| {
            9 << 124
                | u128::from(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)) << 60
                | u128::from(number)
        };
        let pairs: Vec<Pair> = (0..rows).map(|number| (spread(number), number)).collect();
        let segment = sealed(9, &pairs, None);
        assert_eq!(segment.len() as u64, rows);
        segment.check().unwrap();
        for (key, payload) in pairs.iter().step_by(1 + pairs.len() / 2000) {
            assert!(segment.find(*key).eq([*payload]), "{key:032x} of {rows}");
            assert!(segment.find(key ^ 1).eq([]), "{key:032x} of {rows}");
            assert!(segment.find(key ^ 1 << 123).eq([]), "{key:032x} of {rows}");
            assert!(segment.find(key ^ 1 << 127).eq([]), "of another shard");
        }
    }
}

#[test]
fn a_row_takes_less_than_24_bytes_in_any_list_of_size() {
    for rows in [30_000_u64, 65_536, 500_000] {
        let mut unsorted = Unsorted::default();
        for number in 0..rows {
            let spread = u128::from((number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)) << 64;
            unsorted.push((spread, number)).unwrap();
        }
        let memory: usize = unsorted.seal().map(|segment| segment.memory()).sum();
        assert!(memory as u64 <= 23 * rows + rows / 5, "{memory} for {rows}");
    }
}

#[test]
fn thousands_of_facts_under_one_key_are_all_found() {
    let mut pairs: Vec<Pair> = (0..5000).map(|number| (1 << 80, number)).collect();
    pairs.extend((0..100).map(|number| (number << 100, 1)));
    compare_all(&pairs, None, &[(1 << 80) - 1, (1 << 80) + 1]);
}

#[test]
fn a_batch_keeps_consents_apart_and_refuses_rows_beyond_32_bits() {
    let mut batch = Batch::new();
    assert!(batch.is_empty());
    let origin = |kind| Origin::new("crm", kind, Scope::All);
    for kind in Kind::ALL {
        let expected = match kind {
            Kind::Withdrawn => Err(SuppressionError::NotAFact),
            _ => Ok(()),
        };
        assert_eq!(
            batch.push(IndexKey(7), &origin(kind), Day::from_number(1), 1),
            expected,
            "{kind}"
        );
    }
    assert_eq!((batch.objections.len(), batch.consents.len(), batch.len()), (4, 1, 5));
    assert_eq!(
        batch.push(IndexKey(7), &origin(Kind::OptOut), Day::from_number(1), 1 << 32),
        Err(SuppressionError::PositionTooLarge(1 << 32))
    );
    assert_eq!(batch.len(), 5);
}

#[test]
fn rows_of_many_origins_in_turn_keep_their_own() {
    let mut batch = Batch::new();
    let origin = |source: u64| Origin::new(&source.to_string(), Kind::OptOut, Scope::All);
    for row in 0..30 {
        let key = IndexKey(u128::from(row));
        batch.push(key, &origin(row / 2 % 5), Day::from_number(1), row).unwrap();
    }
    assert_eq!(batch.origins.len(), 5);
    let segment = batch.objections.seal().next().unwrap();
    for (key, payload) in segment.iter() {
        assert_eq!(Fact::unpack(payload).origin.0, (key / 2 % 5) as u16);
    }
}

#[test]
fn a_batch_that_only_takes_back_is_not_empty() {
    let mut batch = Batch::new();
    batch.withdraw(3..=5);
    assert_eq!((batch.len(), batch.is_empty()), (0, false));
}
