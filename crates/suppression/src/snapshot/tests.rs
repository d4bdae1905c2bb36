use proptest::prelude::*;
use roaring::RoaringBitmap;

use super::header::length;
use super::*;
use crate::batch::Batch;
use crate::hasher::{IndexKey, KeyId};
use crate::kind::Kind;
use crate::origin::{Origin, Origins, Subject};
use crate::scope::Scope;
use crate::time::Day;

fn hasher() -> Hasher {
    Hasher::new(KeyId(3), &[9; 32])
}

fn key(number: u64) -> IndexKey {
    IndexKey::from(&hasher().digest("test", &number.to_be_bytes()))
}

fn origin(number: u64) -> Origin {
    let (kind, scope) = match number % 3 {
        0 => (Kind::OptOut, Scope::Commercial),
        1 => (Kind::Consent, Scope::Named("Frühling".into())),
        _ => (Kind::Complaint, Scope::All),
    };
    let mut origin = Origin::new(&format!("list {}", number % 5), kind, scope);
    if number.is_multiple_of(7) {
        origin.subject = Subject::Domain;
    } else if number % 5 == 1 {
        let form = ["md5 lower", "sha512 as-is before=c3a9 behind=20"][(number % 2) as usize];
        origin.subject = Subject::Hashed(Arc::new(form.parse().unwrap()));
    }
    origin.lifetime = match number % 4 {
        0 => Some(0),
        1 => Some(u16::MAX),
        _ => None,
    };
    origin
}

fn index(facts: u64) -> Index {
    let mut batch = Batch::new();
    for number in 0..facts {
        let day = Day::from_number(20_000);
        batch.push(key(number), &origin(number), day, number + 1).unwrap();
    }
    let index = Index::empty().with_batch(batch, facts).unwrap();
    let mut batch = Batch::new();
    batch.push(key(facts), &origin(0), Day::from_number(1), 77).unwrap();
    batch.withdraw(3..=5);
    batch.withdraw(70_000..=70_000);
    batch.withdraw(u32::MAX..=u32::MAX);
    index.with_batch(batch, facts + 1).unwrap()
}

fn bytes(facts: u64) -> Vec<u8> {
    Snapshot { index: index(facts), anchor: [5; 32] }.to_bytes(&hasher()).unwrap()
}

fn read(bytes: &[u8]) -> Result<Snapshot, SuppressionError> {
    Snapshot::from_bytes(bytes, &hasher())
}

#[test]
fn an_index_comes_back_as_it_was() {
    for facts in [0, 1, 100, 5000] {
        let before = index(facts);
        let after = read(&bytes(facts)).unwrap();
        assert_eq!(after.anchor, [5; 32]);
        let after = after.index;
        assert_eq!(after.hashed_forms(), before.hashed_forms());
        assert_eq!(
            (after.len(), after.epoch(), after.position()),
            (before.len(), before.epoch(), before.position())
        );
        for number in 0..=facts + 5 {
            let key = key(number);
            assert!(after.facts(key).eq(before.facts(key)));
            assert!(after.consents(key).eq(before.consents(key)));
            for fact in after.facts(key).chain(after.consents(key)) {
                assert_eq!(after.origin(fact.origin), before.origin(fact.origin));
            }
        }
        assert!(after.origins.iter().eq(before.origins.iter()));
        assert_eq!(after.withdrawn, before.withdrawn);
        let seen = |index: &Index| -> Vec<_> {
            index.objections.segments().map(|segment| segment.seen()).collect()
        };
        assert_eq!(seen(&after), seen(&before));
    }
}

#[test]
fn writing_it_again_gives_the_same_bytes() {
    let first = bytes(300);
    assert_eq!(read(&first).unwrap().to_bytes(&hasher()).unwrap(), first);
}

#[test]
fn facts_added_after_reading_are_found_beside_the_old_ones() {
    let index = read(&bytes(100)).unwrap().index;
    let new = Origin::new("new", Kind::Manual, Scope::All);
    assert!(index.is_withdrawn(4) && !index.is_withdrawn(6) && index.is_withdrawn(u32::MAX));
    let index = index.with([(key(900), new.clone(), Day::from_number(2), 900)], 900).unwrap();
    let fact = index.facts(key(900)).next().unwrap();
    assert_eq!(index.origin(fact.origin), Some(&new));
    assert_eq!(index.facts(key(0)).count(), 1);
}

#[test]
fn every_cut_is_noticed() {
    let whole = bytes(40);
    for length in 0..whole.len() {
        let cut = &whole[..length];
        assert!(read(cut).is_err(), "{length} of {}", whole.len());
    }
    let longer = [whole.as_slice(), b"x"].concat();
    assert_eq!(
        read(&longer).unwrap_err(),
        SuppressionError::SnapshotDamaged("bytes behind its end")
    );
}

#[test]
fn every_changed_byte_is_noticed() {
    let whole = bytes(40);
    for at in 0..whole.len() {
        for change in [1, 0x80, 0xff] {
            let mut changed = whole.clone();
            changed[at] ^= change;
            assert!(read(&changed).is_err(), "byte {at} of {}", whole.len());
        }
    }
}

#[test]
fn another_key_does_not_open_it() {
    let bytes = bytes(10);
    let other_id = Hasher::new(KeyId(4), &[9; 32]);
    assert_eq!(
        Snapshot::from_bytes(&bytes, &other_id).unwrap_err(),
        SuppressionError::SnapshotKey { found: 3, ours: 4 }
    );
    let other_secret = Hasher::new(KeyId(3), &[8; 32]);
    let error = Snapshot::from_bytes(&bytes, &other_secret).unwrap_err();
    assert!(matches!(error, SuppressionError::SnapshotDamaged(_)), "{error}");
}

#[test]
fn what_is_no_snapshot_or_a_newer_one_is_named_so() {
    let text = b"email,date\nbob@example.com,2026-03-02\n";
    assert!(matches!(read(text), Err(SuppressionError::NotASnapshot(_))));
    let mut newer = bytes(1);
    newer[11] += 1;
    assert_eq!(
        read(&newer).unwrap_err(),
        SuppressionError::SnapshotVersion { found: VERSION + 1, known: VERSION }
    );
}

/// What a program with our key but with a bug could write: the proofs hold, the rows do not.
#[test]
fn rows_that_break_the_order_are_refused_though_the_proofs_hold() {
    let directories: [(&[u32], &str); 4] = [
        (&[0, 2], "rows do not ascend"),
        (&[0, 1], "directory does not ascend to the number of rows"),
        (&[1, 2], "directory does not ascend to the number of rows"),
        (&[0, u32::MAX], "directory does not ascend to the number of rows"),
    ];
    for (directory, fault) in directories {
        let rows = [[9_u8; 24], [8_u8; 24]].concat();
        let segment = Segment::from_parts(0, 0, directory.to_vec(), rows.into());
        let index = Index::from_parts(
            Shards::from_segments([Arc::new(segment)]),
            Shards::from_segments(Vec::new()),
            Origins::new(),
            RoaringBitmap::new(),
            1,
            1,
        );
        let bytes = Snapshot { index, anchor: [0; 32] }.to_bytes(&hasher()).unwrap();
        assert_eq!(read(&bytes).unwrap_err(), SuppressionError::SnapshotDamaged(fault));
    }
    let stray = Segment::from_parts(15, 2, vec![0, 1, 1, 1, 1], vec![0xff; 24].into());
    assert_eq!(
        stray.check().unwrap_err(),
        SuppressionError::SnapshotDamaged("row in the wrong place")
    );
}

/// What the header says of an origin is written in one way only.
#[test]
fn unknown_codes_in_a_header_are_refused_though_the_proof_holds() {
    let whole = bytes(2);
    let length = u32::from_be_bytes(whole[12..16].try_into().unwrap()) as usize;
    let header = &whole[16..16 + length];
    // Behind key id, position, epoch, anchor and count the first origin begins: an opt-out of a
    // domain, scope commercial, from "list 0", that lapses at once.
    let at = 4 + 8 + 8 + 32 + 4;
    assert_eq!(&header[at..at + 24], b"\0\x01\0\0\0\0\0\0\0\x06list 0\x01\0\0\0\0\x01\0\0");
    for (offset, value) in [(0, 6), (1, 3), (16, 2), (16, 3), (21, 2), (21, 0)] {
        let mut changed = header.to_vec();
        changed[at + offset] = value;
        // A lifetime of a day where there is said to be none.
        changed[at + 23] = u8::from(value == 0);
        let mut bytes = whole[..16].to_vec();
        bytes.extend(&changed);
        bytes.extend(hasher().digest(HEADER_SPACE, &changed).as_bytes());
        bytes.extend(&whole[16 + length + 32..]);
        assert_eq!(
            read(&bytes).unwrap_err(),
            SuppressionError::SnapshotDamaged("unknown code"),
            "{offset} {value}"
        );
    }
}

#[test]
fn a_row_of_an_unlisted_origin_is_refused() {
    let mut index = index(3);
    index.origins = Arc::new(Origins::new());
    let bytes = Snapshot { index, anchor: [0; 32] }.to_bytes(&hasher()).unwrap();
    assert_eq!(
        read(&bytes).unwrap_err(),
        SuppressionError::SnapshotDamaged("row of an unknown origin")
    );
}

#[test]
fn a_failing_disk_is_reported() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::Error::from(std::io::ErrorKind::StorageFull))
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let snapshot = Snapshot { index: index(3), anchor: [0; 32] };
    assert!(matches!(snapshot.write_to(&mut Full, &hasher()), Err(SuppressionError::Io(_))));
}

proptest! {
    #[test]
    fn garbage_is_an_error(garbage in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(read(&garbage).is_err());
    }

    #[test]
    fn garbage_behind_the_right_beginning_is_an_error(
        garbage in prop::collection::vec(any::<u8>(), 0..300), kept in 0_usize..200,
    ) {
        let whole = bytes(5);
        let bytes = [&whole[..kept.min(whole.len() - 1)], &garbage].concat();
        prop_assert!(bytes == whole || read(&bytes).is_err());
    }

    /// The lengths inside a header are not believed either.
    #[test]
    fn a_header_of_garbage_with_a_right_proof_is_an_error_or_empty(
        garbage in prop::collection::vec(any::<u8>(), 0..120),
    ) {
        let mut header = hasher().key_id().0.to_be_bytes().to_vec();
        header.extend([0; 48]);
        header.extend(garbage);
        let mut bytes = MAGIC.to_vec();
        bytes.extend(VERSION.to_be_bytes());
        bytes.extend(length(header.len()));
        bytes.extend(&header);
        bytes.extend(hasher().digest(HEADER_SPACE, &header).as_bytes());
        prop_assert!(read(&bytes).is_err());
    }
}
