//! How fast the index answers, and what it takes:
//!
//! ```text
//! cargo run --release -p suppression --example probe [-- [--json] [ROWS]]
//! ```
//!
//! Ten million rows unless told otherwise; a hundred million take 3 GiB and some minutes. The
//! figures are those of the moment: the load of the machine is the first of them.

mod figures;
mod measure;

use std::fs::File;
use std::hint::black_box;
use std::io::{BufReader, BufWriter};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use address::{Mailbox, PersonRules};
use suppression::{
    AddressKeys, Batch, Case, Day, Digest, Hasher, Index, IndexKey, KeyId, Kind, Origin, Scope,
    SharedIndex, Snapshot, Stream, SuppressionError, Terms,
};

use crate::figures::Figures;
use crate::measure::{Times, clock, memory, mix, one_read, pause, with_peak};

const PROBES: u64 = 1_000_000;
/// The issue's aims: median and 99th percentile of a probe, bytes of memory a row.
const MEDIAN: f64 = 300.0;
const MOST: f64 = 2000.0;
const BYTES: f64 = 24.0;
/// Additions a second of a busy day: ten thousand people unsubscribe each second.
const RATE: u32 = 10_000;

type Failure = Box<dyn std::error::Error>;

/// Evenly spread like a digest, and cheap to make again.
fn digest(number: u64) -> Digest {
    let high = mix(number);
    let mut bytes = [0; 32];
    for (byte, value) in
        bytes.iter_mut().zip(high.to_be_bytes().into_iter().chain(mix(high).to_be_bytes()))
    {
        *byte = value;
    }
    Digest(bytes)
}

fn key(number: u64) -> IndexKey {
    IndexKey::from(&digest(number))
}

fn origin() -> Origin {
    Origin::new("crm.csv", Kind::OptOut, Scope::Commercial)
}

fn batch(rows: std::ops::Range<u64>) -> Result<Batch, SuppressionError> {
    let count = usize::try_from(rows.end.saturating_sub(rows.start)).unwrap_or(0);
    let (mut batch, origin) = (Batch::with_capacity(count), origin());
    for number in rows {
        batch.push(key(number), &origin, Day::from_number(20_000), number)?;
    }
    Ok(batch)
}

/// Numbers of rows that are there, at random places.
fn present(rows: u64, from: u64) -> impl Iterator<Item = u64> {
    (from..from + PROBES).map(move |n| ((u128::from(mix(n)) * u128::from(rows)) >> 64) as u64)
}

/// Numbers of no row.
fn absent(from: u64) -> impl Iterator<Item = u64> {
    (from..from + PROBES).map(|n| (1 << 40) + n)
}

/// Two readers, each half present and half absent, while `writer` makes additions.
fn beside_a_writer(
    shared: &SharedIndex,
    rows: u64,
    writer: impl Fn(&AtomicBool) + Sync,
) -> (Times, Times) {
    let done = AtomicBool::new(false);
    let (mut there, mut not_there) = (Times::default(), Times::default());
    std::thread::scope(|scope| {
        let readers: Vec<_> = (1..=2)
            .map(|reader| {
                scope.spawn(move || {
                    let find = |number| shared.load().facts(key(number)).count();
                    let from = reader * PROBES;
                    (Times::of(present(rows, from), find), Times::of(absent(from), find))
                })
            })
            .collect();
        scope.spawn(|| writer(&done));
        for reader in readers {
            if let Ok((one, other)) = reader.join() {
                there.extend(one);
                not_there.extend(other);
            }
        }
        done.store(true, Ordering::Relaxed);
    });
    (there, not_there)
}

fn probes(figures: &mut Figures, shared: &SharedIndex, rows: u64) {
    let mut add = |names: [&'static str; 2], times: Times| {
        let (median, most) = times.percentiles();
        figures.aim(names[0], "ns", median, MEDIAN);
        figures.aim(names[1], "ns", most, MOST);
    };
    let find = |number| shared.load().facts(key(number)).count();
    add(["probe, present: median", "probe, present: 99 %"], Times::of(present(rows, 0), find));
    add(["probe, absent: median", "probe, absent: 99 %"], Times::of(absent(0), find));

    let one = |number| {
        let row = (key((1 << 41) + number), origin(), Day::from_number(20_000), 1);
        // As the gate does, but on the same thread.
        if number % 10_000 == 0 {
            while shared.merge_once() {}
        }
        shared.update(|index| index.with([row], rows)).is_ok()
    };
    let busy = beside_a_writer(shared, rows, |done| {
        let start = clock();
        for number in 0.. {
            let due = start.elapsed().as_micros() as u64 * u64::from(RATE) / 1_000_000;
            if done.load(Ordering::Relaxed) || !one(number) {
                break;
            }
            if number >= due {
                pause(Duration::from_micros(100));
            }
        }
    });
    add(
        [
            "2 readers, 10,000 additions/s, present: median",
            "2 readers, 10,000 additions/s, present: 99 %",
        ],
        busy.0,
    );
    add(
        [
            "2 readers, 10,000 additions/s, absent: median",
            "2 readers, 10,000 additions/s, absent: 99 %",
        ],
        busy.1,
    );

    let full = beside_a_writer(shared, rows, |done| {
        for number in 1 << 32.. {
            if done.load(Ordering::Relaxed) || !one(number) {
                break;
            }
        }
    });
    add(
        [
            "2 readers, writer at full speed, present: median",
            "2 readers, writer at full speed, present: 99 %",
        ],
        full.0,
    );
    add(
        [
            "2 readers, writer at full speed, absent: median",
            "2 readers, writer at full speed, absent: 99 %",
        ],
        full.1,
    );

    let start = clock();
    for number in 0..10_000 {
        black_box(one((1 << 33) + number));
    }
    figures.add("one addition, mean", "ns", start.elapsed().as_nanos() as f64 / 10_000.0);
}

/// What a recipient costs besides its probe.
fn recipient(figures: &mut Figures, index: &Index, hasher: &Hasher) -> Result<(), Failure> {
    let bob = Mailbox::parse("bob.smith+shop@mail.example.com")?;
    let bob = bob.canonical(&PersonRules::default())?;
    let start = clock();
    for _ in 0..PROBES {
        black_box(hasher.keys(black_box(&bob)));
    }
    figures.add("both keyed hashes of an address", "ns", each(start.elapsed()));

    // Found under the person's key, so that there is something to decide.
    let stream = Stream::default();
    let terms = Terms { stream: &stream, today: Day::from_number(20_600), grace: None };
    let ask = |number| {
        let mut case = Case::default();
        let keys = AddressKeys { exact: digest((1 << 42) + number), person: digest(number) };
        index.gather(&keys, &mut case);
        usize::from(case.decide(&terms).permits())
    };
    let rows = index.position();
    figures.add(
        "gather and decide, suppressed: median",
        "ns",
        Times::of(present(rows, 0), ask).percentiles().0,
    );
    figures.add(
        "gather and decide, clear: median",
        "ns",
        Times::of(absent(0), ask).percentiles().0,
    );
    Ok(())
}

fn each(time: Duration) -> f64 {
    time.as_nanos() as f64 / PROBES as f64
}

fn snapshot(figures: &mut Figures, index: Index, hasher: &Hasher) -> Result<Index, Failure> {
    let path = std::env::temp_dir().join(format!("optgate-probe-{}", std::process::id()));
    let snapshot = Snapshot { index, anchor: [0; 32] };
    let start = clock();
    snapshot.write_to(&mut BufWriter::new(File::create(&path)?), hasher)?;
    figures.seconds("snapshot written", start.elapsed());
    drop(snapshot);
    let names = ("memory before a start", "memory at its peak during a start");
    let (read, time) = with_peak(figures, names, || {
        let mut file = BufReader::new(File::open(&path)?);
        Ok::<_, Failure>(Snapshot::read_from(&mut file, hasher)?)
    });
    std::fs::remove_file(&path)?;
    figures.seconds("snapshot read and checked", time);
    Ok(read?.index)
}

/// A quarter of the rows again, which makes every shard merge; then they are taken back.
fn merges(figures: &mut Figures, shared: &SharedIndex, rows: u64) -> Result<(), Failure> {
    let (first, last) = (2 * rows, 2 * rows + rows / 4);
    let more = batch(first..last)?;
    shared.update(|index| index.with_batch(more, last))?;
    let merge = || while shared.merge_once() {};
    let names = ("memory before merging", "memory at its peak while merging");
    let ((), time) = with_peak(figures, names, merge);
    figures.seconds("merging a quarter more", time);
    figures.add("memory after merging", "MiB", memory("VmRSS:"));
    let each = shared.load().memory() as f64 / shared.load().len() as f64;
    figures.aim("index a row, after merging", "bytes", each, BYTES);

    let mut undo = Batch::new();
    undo.withdraw(u32::try_from(first)?..=u32::try_from(last)?);
    // A quarter of what is left as well, so that the undone share is worth the work.
    undo.withdraw(0..=u32::try_from(rows / 4)?);
    shared.update(|index| index.with_batch(undo, last + 1))?;
    let names = ("memory before an undone import is dropped", "memory at its peak meanwhile");
    let ((), time) = with_peak(figures, names, merge);
    figures.seconds("dropping it", time);
    figures.add("memory after it", "MiB", memory("VmRSS:"));
    figures.add("rows left", "rows", shared.load().len() as f64);
    Ok(())
}

fn run(rows: u64) -> Result<Figures, Failure> {
    let mut figures = Figures::default();
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().and_then(|load| load.parse().ok()).unwrap_or(0.0);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    figures.add("load of the machine before", "processes", load);
    figures.add("cores", "cores", cores as f64);
    figures.add("rows", "rows", rows as f64);
    let bytes = usize::try_from(rows)?.saturating_mul(22);
    let read = one_read(bytes)?.as_nanos() as f64;
    figures.add("one read at random of as much memory, 2 MiB pages", "ns", read);

    let names = ("memory before", "memory at its peak while loading");
    let (index, time) =
        with_peak(&mut figures, names, || Index::empty().with_batch(batch(0..rows)?, rows));
    let index = index?;
    figures.seconds("rows loaded and sorted", time);
    figures.add("memory with the index", "MiB", memory("VmRSS:"));
    let each = index.memory() as f64 / index.len() as f64;
    figures.aim("index a row", "bytes", each, BYTES);

    let hasher = Hasher::new(KeyId(1), &[7; 32]);
    recipient(&mut figures, &index, &hasher)?;
    let shared = SharedIndex::new(index.clone());
    probes(&mut figures, &shared, rows);
    drop(shared);
    let shared = SharedIndex::new(snapshot(&mut figures, index, &hasher)?);
    merges(&mut figures, &shared, rows)?;
    Ok(figures)
}

fn arguments() -> Result<(bool, u64), Failure> {
    let (mut json, mut rows) = (false, 10_000_000);
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--json" => json = true,
            number => rows = number.replace('_', "").parse()?,
        }
    }
    Ok((json, rows))
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "the figures are its purpose")]
fn main() -> ExitCode {
    let figures = arguments().and_then(|(json, rows)| Ok((json, run(rows)?)));
    match figures {
        Ok((true, figures)) => println!("{}", figures.json()),
        Ok((false, figures)) => print!("{}", figures.table()),
        Err(error) => {
            eprintln!("probe [--json] [ROWS]: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
