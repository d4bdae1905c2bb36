use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;

use super::*;
use crate::error::SuppressionError;
use crate::hasher::{Hasher, IndexKey, KeyId};
use crate::kind::Kind;
use crate::origin::Origin;
use crate::scope::Scope;
use crate::stack::Limits;
use crate::time::Day;

fn key(number: u32) -> IndexKey {
    let hasher = Hasher::new(KeyId(1), &[1; 32]);
    IndexKey::from(&hasher.digest("test", &number.to_be_bytes()))
}

fn origin(writer: u32) -> Origin {
    Origin::new(&writer.to_string(), Kind::OptOut, Scope::Commercial)
}

#[test]
fn what_was_acknowledged_is_seen_while_others_write_and_merge() {
    const WRITERS: u32 = 3;
    const EACH: u32 = 400;
    let shared = SharedIndex::new(Index::with_limits(Limits { delta: 1, small: 4 }));
    let acknowledged: Vec<_> = (0..WRITERS).map(|_| AtomicU32::new(0)).collect();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (shared, acknowledged) = (&shared, &acknowledged);
                scope.spawn(move || {
                    for count in 0..EACH {
                        let number = writer * EACH + count;
                        let row = (key(number), origin(writer), Day::from_number(1), number);
                        shared.update(|index| index.with([row], number.into())).unwrap();
                        acknowledged[writer as usize].store(count + 1, Ordering::Release);
                    }
                })
            })
            .collect();
        scope.spawn(|| {
            while !done.load(Ordering::Acquire) {
                if !shared.merge_once() {
                    thread::yield_now();
                }
            }
        });
        scope.spawn(|| {
            let mut epoch = 0;
            while !done.load(Ordering::Acquire) {
                for writer in 0..WRITERS {
                    let count = acknowledged[writer as usize].load(Ordering::Acquire);
                    let Some(last) = count.checked_sub(1) else { continue };
                    let index = shared.load();
                    assert_eq!(index.facts(key(writer * EACH + last)).count(), 1);
                    assert!(index.epoch() >= epoch);
                    epoch = index.epoch();
                }
            }
        });
        for writer in writers {
            writer.join().unwrap();
        }
        done.store(true, Ordering::Release);
    });
    while shared.merge_once() {}
    let index = shared.load_full();
    assert_eq!(index.len(), (WRITERS * EACH) as usize);
    assert!((0..WRITERS * EACH).all(|number| index.facts(key(number)).count() == 1));
    assert!(index.depth() <= 6, "{}", index.depth());
}

#[test]
fn a_failed_update_leaves_the_state() {
    let shared = SharedIndex::default();
    shared.store(Index::empty().with([], 5).unwrap());
    assert_eq!(
        shared.update(|_| Err(SuppressionError::OriginsFull)),
        Err(SuppressionError::OriginsFull)
    );
    assert_eq!(shared.load().position(), 5);
}
