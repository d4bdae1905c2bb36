//! Measures the ledger as an import uses it: one thread makes batches ready, another appends
//! them and brings them into the index, a third merges the index. Then the same again, which
//! adds nothing; then reads all, verifies, opens.
//!
//! "us a row" is processor time of the thread in question, from /proc/thread-self/schedstat, so
//! that other load on the machine is not in it; "s" and "ms" are times by the clock, and are.
//!
//! `cargo run --release -p ledger --example measure -- FOLDER [ROWS] [--plain] [--no-index] [--json]`
//!
//! `--plain` stores addresses beside their hashes; `--no-index` asks the file for every row
//! whether it was seen, as the command line does without a running gate.

#![expect(clippy::print_stdout, reason = "its purpose")]
#![expect(clippy::disallowed_methods, reason = "it measures")]

use std::collections::BTreeMap;
use std::error::Error;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use ledger::{BatchSize, Followed, IfMissing, Ledger, LedgerError, Prepared, open_pair};
use suppression::{
    AddressKeys, Batch, Hasher, Index, IndexKey, Kind, NewEntry, Scope, SharedIndex, Timestamp,
};

const IMPORT: &str = "20260302-0000000";

struct Settings {
    folder: PathBuf,
    rows: usize,
    plain: bool,
    index: bool,
    json: bool,
}

/// The figures, in the order they are printed.
#[derive(Default)]
struct Table(Vec<(&'static str, f64, &'static str)>);

impl Table {
    fn put(&mut self, name: &'static str, value: f64, unit: &'static str) {
        self.0.push((name, value, unit));
    }

    fn print(&self, json: bool) {
        if json {
            let fields =
                self.0.iter().map(|(name, value, unit)| (format!("{name} [{unit}]"), *value));
            let object: BTreeMap<_, _> = fields.collect();
            println!("{}", serde_json::json!(object));
            return;
        }
        for (name, value, unit) in &self.0 {
            println!("{name:<38} {value:>14.3} {unit}");
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let settings = settings()?;
    let Settings { folder, rows, json, .. } = &settings;
    let now: Timestamp = "2026-03-02T10:15:00Z".parse()?;
    let (db, key_file) = (folder.join("measure.db"), folder.join("measure.key"));
    let (mut ledger, keys) = open_pair(&db, &key_file, IfMissing::Create, now)?;
    let key = keys.ring.current().clone();
    let index = Arc::new(SharedIndex::new(Index::empty()));
    let mut table = Table::default();
    table.put("rows", *rows as f64, "rows");
    table.put("load before", load(), "processes");
    for names in [
        [
            "append: wall",
            "append: keeper thread",
            "append: of it index",
            "append: hashing thread",
            "append: longest",
        ],
        [
            "again: wall",
            "again: keeper thread",
            "again: of it index",
            "again: hashing thread",
            "again: longest",
        ],
    ] {
        import(&mut ledger, &key, &index, &settings, now, names, &mut table)?;
        table.put("memory of the process", memory()?, "MB");
        timed("settle", &mut table, || {
            while ledger.settle()? {}
            Ok(())
        })?;
    }
    reads(&ledger, &mut table)?;

    let one = [made_up(&key, rows / 2, settings.plain)];
    timed("entries of one address", &mut table, || ledger.entries_of(&[one[0].keys]).map(drop))?;
    drop(ledger);
    let reopened = timed("open", &mut table, || {
        open_pair(&db, &key_file, IfMissing::Refuse, now).map(|(ledger, _)| ledger)
    });
    let mut ledger = reopened?;
    timed("append of one seen", &mut table, || ledger.append(now, None, &one).map(drop))?;
    let new = [made_up(&key, rows + 1, settings.plain)];
    timed("append of one new", &mut table, || ledger.append(now, None, &new).map(drop))?;
    timed("undo of the import", &mut table, || {
        ledger.undo_import(now, "measure", "it was only a measurement", IMPORT).map(drop)
    })?;
    timed("backup", &mut table, || {
        ledger.backup_to(&folder.join("measure.backup"), |_, _| ()).map(drop)
    })?;
    table.put("file, bytes a row", std::fs::metadata(&db)?.len() as f64 / *rows as f64, "bytes");
    table.put("load after", load(), "processes");
    table.print(*json);
    Ok(())
}

fn settings() -> Result<Settings, Box<dyn Error>> {
    let (options, words): (Vec<_>, Vec<_>) =
        std::env::args().skip(1).partition(|argument| argument.starts_with("--"));
    let has = |option: &str| options.iter().any(|given| given == option);
    let folder =
        words.first().ok_or("usage: measure FOLDER [ROWS] [--plain] [--no-index] [--json]")?;
    Ok(Settings {
        folder: PathBuf::from(folder),
        rows: words.get(1).map_or(Ok(1_000_000), |rows| rows.parse())?,
        plain: has("--plain"),
        index: !has("--no-index"),
        json: has("--json"),
    })
}

fn reads(ledger: &Ledger, table: &mut Table) -> Result<(), LedgerError> {
    let mut sum = 0_u64;
    timed("read all", table, || {
        ledger.for_each_since(0, |row| {
            sum = sum.wrapping_add(row.position ^ u64::from(row.keys.person.0[0]));
            ControlFlow::Continue(())
        })
    })?;
    std::hint::black_box(sum);
    let verification = timed("verify", table, || ledger.verify(|_| ()))?;
    assert!(verification.is_intact(), "{verification:?}");
    Ok(())
}

fn timed<T>(
    name: &'static str,
    table: &mut Table,
    work: impl FnOnce() -> Result<T, LedgerError>,
) -> Result<T, LedgerError> {
    let start = Instant::now();
    let done = work()?;
    let took = start.elapsed().as_secs_f64();
    match took < 1.0 {
        true => table.put(name, took * 1000.0, "ms"),
        false => table.put(name, took, "s"),
    }
    Ok(done)
}

fn import(
    ledger: &mut Ledger,
    key: &Hasher,
    index: &Arc<SharedIndex>,
    settings: &Settings,
    now: Timestamp,
    names: [&'static str; 5],
    table: &mut Table,
) -> Result<(), Box<dyn Error>> {
    let (start, begun) = (Instant::now(), processor());
    let size = Arc::new(AtomicUsize::new(BatchSize::new().rows()));
    let done = AtomicBool::new(false);
    let (mut indexing, mut longest) = (Duration::ZERO, Duration::ZERO);
    let (send, receive) = sync_channel::<Prepared>(2);
    let hashing = std::thread::scope(|scope| -> Result<Duration, Box<dyn Error>> {
        let reader = scope.spawn({
            let size = size.clone();
            move || {
                let mut next = 0;
                while next < settings.rows {
                    let upto = settings.rows.min(next + size.load(Ordering::Relaxed));
                    let batch = (next..upto).map(|at| made_up(key, at, settings.plain)).collect();
                    let Ok(prepared) = Prepared::new(batch) else { break };
                    next = upto;
                    if send.send(prepared).is_err() {
                        break;
                    }
                }
                processor()
            }
        });
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                if !index.merge_once() {
                    std::thread::sleep(Duration::from_millis(20));
                }
            }
        });
        let mut learning = BatchSize::new();
        let work = (|| {
            for batch in receive {
                let clock = Instant::now();
                let known = index.load_full();
                let may_know = |entry: &NewEntry| {
                    known.facts(IndexKey::from(&entry.keys.person)).next().is_some()
                };
                let followed = Followed { position: known.position(), may_know: &may_know };
                let followed = settings.index.then_some(followed);
                let added = ledger.append_prepared(now, Some(IMPORT), &batch, followed)?;
                let appended = processor();
                if settings.index {
                    let mut facts = Batch::with_capacity(added.added.len());
                    for row in batch.rows(&added, now) {
                        let key = IndexKey::from(row.index_digest());
                        let day = row.effective().day();
                        facts.push(key, &row.index_origin(), day, row.position)?;
                    }
                    index.update(|index| index.with_batch(facts, added.head))?;
                }
                indexing += processor() - appended;
                let took = clock.elapsed();
                learning.learn(batch.entries().len(), took);
                size.store(learning.rows(), Ordering::Relaxed);
                longest = longest.max(took);
            }
            Ok(())
        })();
        done.store(true, Ordering::Relaxed);
        let hashing = reader.join().unwrap_or_default();
        work.map(|()| hashing)
    })?;
    let a_row = |time: Duration| time.as_secs_f64() * 1e6 / settings.rows as f64;
    table.put(names[0], start.elapsed().as_secs_f64(), "s");
    table.put(names[1], a_row(processor() - begun), "us a row");
    table.put(names[2], a_row(indexing), "us a row");
    table.put(names[3], a_row(hashing), "us a row");
    table.put(names[4], longest.as_secs_f64() * 1000.0, "ms");
    Ok(())
}

fn made_up(key: &Hasher, at: usize, plain: bool) -> NewEntry {
    let address = format!("person{at}@example.com");
    NewEntry {
        kind: Kind::OptOut,
        scope: Scope::Commercial,
        key_id: key.key_id(),
        keys: AddressKeys {
            exact: key.digest("exact", address.as_bytes()),
            person: key.digest("person", address.as_bytes()),
        },
        subject: suppression::Subject::Address,
        plain: plain.then_some(address),
        source: "crm".to_owned(),
        stated: Timestamp::from_micros(1_700_000_000_000_000 + at as i64).ok(),
        expires: None,
        reason: None,
        evidence: BTreeMap::new(),
    }
}

/// Processor time of this thread so far.
fn processor() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let first = text.split(' ').next().and_then(|nanos| nanos.parse().ok());
    Duration::from_nanos(first.unwrap_or(0))
}

/// What is resident now, from proc(5).
fn memory() -> Result<f64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0");
    let kib: f64 = line.trim().trim_end_matches(" kB").trim().parse()?;
    Ok(kib / 1024.0)
}

/// Processes that want the machine: figures under other load are not to be compared.
fn load() -> f64 {
    let text = std::fs::read_to_string(Path::new("/proc/loadavg")).unwrap_or_default();
    text.split(' ').next().and_then(|load| load.parse().ok()).unwrap_or(0.0)
}
