//! Measures the ledger: appends made-up opt-outs, appends them again, reads all, verifies.
//!
//! `cargo run --release -p ledger --example measure -- FOLDER [ROWS] [--plain]`

#![expect(clippy::print_stdout, reason = "its purpose")]
#![expect(clippy::disallowed_methods, reason = "it measures")]

use std::collections::BTreeMap;
use std::error::Error;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

use ledger::{BatchSize, IfMissing, Ledger, open_pair};
use suppression::{AddressKeys, Hasher, Kind, NewEntry, Scope, Timestamp};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let folder = Path::new(arguments.first().ok_or("usage: measure FOLDER [ROWS] [--plain]")?);
    let rows = arguments.get(1).map_or(Ok(1_000_000), |rows| rows.parse())?;
    let plain = arguments.iter().any(|argument| argument == "--plain");
    let now: Timestamp = "2026-03-02T10:15:00Z".parse()?;
    let (db, key_file) = (folder.join("measure.db"), folder.join("measure.key"));
    let (mut ledger, keys) = open_pair(&db, &key_file, IfMissing::Create, now)?;
    let key = keys.ring.current().clone();
    for _ in 0..2 {
        import(&mut ledger, &key, rows, plain, now)?;
    }
    let start = Instant::now();
    while ledger.settle()? {}
    println!("settle: {:.2} s", start.elapsed().as_secs_f64());

    let start = Instant::now();
    let mut sum = 0_u64;
    ledger.for_each_since(0, |row| {
        sum = sum.wrapping_add(row.position ^ u64::from(row.keys.person.0[0]));
        ControlFlow::Continue(())
    })?;
    println!("read all: {:.2} s ({sum})", start.elapsed().as_secs_f64());

    let start = Instant::now();
    let verification = ledger.verify(|_| ())?;
    println!(
        "verify: {:.2} s, intact: {}",
        start.elapsed().as_secs_f64(),
        verification.is_intact()
    );

    let one = [made_up(&key, rows / 2, plain)];
    let start = Instant::now();
    let found = ledger.entries_of(&[one[0].keys])?.len();
    println!("entries of one address: {found} in {:?}", start.elapsed());

    drop(ledger);
    let start = Instant::now();
    let (mut ledger, _) = open_pair(&db, &key_file, IfMissing::Refuse, now)?;
    println!("open: {:?}", start.elapsed());
    let start = Instant::now();
    let seen = ledger.append(now, None, &one)?.seen;
    println!("append of one seen ({seen}): {:?}", start.elapsed());
    let start = Instant::now();
    ledger.append(now, None, &[made_up(&key, rows + 1, plain)])?;
    println!("append of one new: {:?}", start.elapsed());
    let bytes = std::fs::metadata(&db)?.len();
    println!("file: {} bytes, {:.0} a row", bytes, bytes as f64 / rows as f64);
    Ok(())
}

fn import(
    ledger: &mut Ledger,
    key: &Hasher,
    rows: usize,
    plain: bool,
    now: Timestamp,
) -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    let (mut size, mut next, mut added) = (BatchSize::new(), 0, 0);
    let (mut waited, mut longest, mut commits) = (Duration::ZERO, Duration::ZERO, 0);
    while next < rows {
        let upto = rows.min(next + size.rows());
        let batch: Vec<_> = (next..upto).map(|at| made_up(key, at, plain)).collect();
        next = upto;
        let begun = Instant::now();
        added += ledger.append(now, Some("20260302-0000000"), &batch)?.added.len();
        let took = begun.elapsed();
        size.learn(batch.len(), took);
        (waited, longest, commits) = (waited + took, longest.max(took), commits + 1);
    }
    println!(
        "{rows} rows, {added} added: {:.2} s, of it {:.2} s in append ({:.0} rows/s), {commits} \
         commits, longest {longest:?}",
        start.elapsed().as_secs_f64(),
        waited.as_secs_f64(),
        rows as f64 / waited.as_secs_f64(),
    );
    Ok(())
}

fn made_up(key: &Hasher, at: usize, plain: bool) -> NewEntry {
    let hasher = key;
    let address = format!("person{at}@example.com");
    NewEntry {
        kind: Kind::OptOut,
        scope: Scope::Commercial,
        key_id: key.key_id(),
        keys: AddressKeys {
            exact: hasher.digest("exact", address.as_bytes()),
            person: hasher.digest("person", address.as_bytes()),
        },
        plain: plain.then_some(address),
        source: "crm".to_owned(),
        stated: Timestamp::from_micros(1_700_000_000_000_000 + at as i64).ok(),
        expires: None,
        reason: None,
        evidence: BTreeMap::new(),
    }
}
