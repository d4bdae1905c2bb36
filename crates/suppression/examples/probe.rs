//! How fast the index answers, and what it takes: `cargo run --release -p suppression
//! --example probe [ROWS]`, ten million rows unless told otherwise.

use std::fs::File;
use std::hint::black_box;
use std::io::{BufReader, BufWriter};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use address::{Mailbox, PersonRules};
use suppression::{
    Batch, Day, Hasher, Index, IndexKey, KeyId, Kind, Origin, Scope, SharedIndex, Snapshot,
    SuppressionError,
};

const PROBES: u64 = 1_000_000;

#[expect(clippy::disallowed_methods, reason = "a measurement needs the clock")]
fn clock() -> Instant {
    Instant::now()
}

/// Evenly spread like a digest, and cheap to make again.
fn key(number: u64) -> IndexKey {
    let mix = |mut word: u64| {
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    };
    let high = mix(number.wrapping_add(0x9e37_79b9_7f4a_7c15));
    IndexKey(u128::from(high) << 64 | u128::from(mix(high)))
}

fn origin() -> Origin {
    Origin::new("crm.csv", Kind::OptOut, Scope::Commercial)
}

fn load(rows: u64) -> Result<Index, SuppressionError> {
    let mut batch = Batch::with_capacity(usize::try_from(rows).unwrap_or(0));
    for number in 0..rows {
        batch.push(key(number), &origin(), Day::from_number(20_000), number)?;
    }
    Index::empty().with_batch(batch, rows)
}

/// Times every probe alone; the cost of the two clock readings is taken off.
fn probe(name: &str, index: impl Fn(IndexKey) -> usize, keys: impl Iterator<Item = IndexKey>) {
    let empty: Duration = (0..1000).map(|_| clock().elapsed()).min().unwrap_or_default();
    let mut found = 0;
    let mut times: Vec<Duration> = keys
        .map(|key| {
            let start = clock();
            found += index(black_box(key));
            start.elapsed().saturating_sub(empty)
        })
        .collect();
    times.sort_unstable();
    let at = |share: f64| times.get((times.len() as f64 * share) as usize).copied();
    report(&format!(
        "{name}: median {:?}, 99 % {:?}, 99.9 % {:?} ({found} found)",
        at(0.5).unwrap_or_default(),
        at(0.99).unwrap_or_default(),
        at(0.999).unwrap_or_default(),
    ));
}

#[expect(clippy::print_stdout, reason = "the figures are what this program is for")]
fn report(line: &str) {
    println!("{line}");
}

fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let figure = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) >> 10
    };
    format!("process {} MiB, peak {} MiB", figure("VmRSS:"), figure("VmHWM:"))
}

fn run(rows: u64) -> Result<(), Box<dyn std::error::Error>> {
    let start = clock();
    let index = load(rows)?;
    report(&format!("{rows} rows loaded and sorted in {:?}; {}", start.elapsed(), memory()));
    let each = index.memory() as f64 / index.len() as f64;
    report(&format!("index {} MiB, {each:.2} bytes a row", index.memory() >> 20));

    let spread = |number: u64| number.wrapping_mul(0x9e37_79b9_7f4a_7c15) % rows;
    let facts = |key| index.facts(key).count();
    probe("present", facts, (0..PROBES).map(|number| key(spread(number))));
    probe("absent", facts, (0..PROBES).map(|number| key(rows + number)));

    let shared = SharedIndex::new(index);
    let start = clock();
    for number in 0..10_000 {
        let row = (key(2 * rows + number), origin(), Day::from_number(20_000), 1);
        shared.update(|index| index.with([row], rows))?;
    }
    report(&format!("one addition: {:?} (mean of 10000)", start.elapsed() / 10_000));

    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..2)
            .map(|reader| {
                let shared = &shared;
                let keys = (0..PROBES).map(move |number| match number % 2 {
                    0 => key(spread(number + reader * PROBES)),
                    _ => key(rows * 3 + number + reader * PROBES),
                });
                let name = "two readers beside a writer";
                scope.spawn(move || probe(name, |key| shared.load().facts(key).count(), keys))
            })
            .collect();
        scope.spawn(|| {
            for number in 0.. {
                if done.load(Ordering::Relaxed) {
                    break;
                }
                let row = (key(4 * rows + number), origin(), Day::from_number(20_000), 1);
                if shared.update(|index| index.with([row], rows)).is_err() {
                    break;
                }
            }
        });
        for reader in readers {
            let _ = reader.join();
        }
        done.store(true, Ordering::Relaxed);
    });

    let hasher = Hasher::new(KeyId(1), &[7; 32]);
    let bob = Mailbox::parse("bob.smith+shop@mail.example.com")
        .and_then(|bob| bob.canonical(&PersonRules::default()));
    if let Ok(bob) = bob {
        let start = clock();
        for _ in 0..PROBES {
            black_box(hasher.keys(black_box(&bob)));
        }
        report(&format!("both keyed hashes: {:?}", start.elapsed() / PROBES as u32));
    }

    let path = std::env::temp_dir().join(format!("optgate-probe-{}", std::process::id()));
    let snapshot = Snapshot { index: Index::clone(&shared.load()), anchor: [0; 32] };
    drop(shared);
    let start = clock();
    snapshot.write_to(&mut BufWriter::new(File::create(&path)?), &hasher)?;
    report(&format!("snapshot written in {:?}; {}", start.elapsed(), memory()));
    drop(snapshot);
    let start = clock();
    let read = Snapshot::read_from(&mut BufReader::new(File::open(&path)?), &hasher);
    report(&format!("and read in {:?}; {}", start.elapsed(), memory()));
    std::fs::remove_file(&path)?;
    report(&format!("{} rows", read?.index.len()));
    Ok(())
}

#[expect(clippy::print_stderr, reason = "a program that fails says why")]
fn main() -> ExitCode {
    let rows = std::env::args().nth(1).map_or(Ok(10_000_000), |rows| rows.parse());
    match rows.map_err(Into::into).and_then(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
