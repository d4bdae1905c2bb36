//! What a million opt-outs take, measured from outside: the most memory this process ever had.
//! One test, because the figure is the process's. Linux only: it reads `/proc`.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test")]

use suppression::{Batch, Day, Index, IndexKey, Kind, Origin, Scope, SharedIndex};

const ROWS: u64 = 1_000_000;
const MIB: u64 = 1 << 20;

/// Bytes of resident memory at the highest point so far.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

fn fill(batch: &mut Batch, rows: std::ops::Range<u64>) {
    let origin = Origin::new("crm.csv", Kind::OptOut, Scope::Commercial);
    for number in rows {
        // Spread as evenly as digests are.
        let spread = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let key = IndexKey(u128::from(spread) << 64 | u128::from(number));
        batch.push(key, &origin, Day::from_number(20_000), number + 1).unwrap();
    }
}

#[test]
fn a_million_opt_outs_take_at_most_40_mib_while_they_are_loaded_and_merged() {
    let before = peak();

    // At a start: the number of rows is known, so they are sorted in the memory they stay in.
    let mut batch = Batch::with_capacity(ROWS as usize);
    fill(&mut batch, 0..ROWS);
    let mut index = Index::empty().with_batch(batch, ROWS).unwrap();
    for number in ROWS..ROWS + 500 {
        let mut batch = Batch::new();
        fill(&mut batch, number..number + 1);
        index = index.with_batch(batch, number).unwrap();
    }
    assert_eq!(index.len() as u64, ROWS + 500);
    assert!(index.memory() as u64 <= 24 * index.len() as u64, "{}", index.memory());
    let loaded = peak() - before;
    println!("loaded at once: peak {} KiB, index {} KiB", loaded >> 10, index.memory() >> 10);
    assert!(loaded < 30 * MIB, "{loaded}");
    drop(index);

    // While a list is imported: batch after batch, merged in between.
    let shared = SharedIndex::default();
    for start in (0..ROWS).step_by(20_000) {
        let mut batch = Batch::new();
        fill(&mut batch, start..start + 20_000);
        shared.update(|index| index.with_batch(batch, start + 20_000)).unwrap();
        while shared.merge_once() {}
    }
    assert_eq!(shared.load().len() as u64, ROWS);
    let merged = peak() - before;
    println!("batch by batch: peak {} KiB, depth {}", merged >> 10, shared.load().depth());
    assert!(merged < 40 * MIB, "{merged}");
}
