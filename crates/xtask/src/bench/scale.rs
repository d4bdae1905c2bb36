//! `cargo xtask bench scale`: ten million opt-outs. What the index and the ledger do alone
//! comes from their own examples; here a running gate takes the list as a CSV file through
//! `optgate optout import` while a client goes on asking it for recipients, and somebody adds
//! opt-outs by hand. Then it is stopped and started again.
//!
//! No CPU is set apart: import, gate, client and sink share the machine, as the operator's do.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::load::Dialogue;
use super::mail;
use super::meter::Meter;
use super::prepare;
use super::subject::{Process, free_address};

/// The words behind `cargo xtask bench scale`.
#[derive(clap::Args, Debug)]
pub(crate) struct ScaleOptions {
    /// Opt-outs
    #[arg(long, default_value_t = 10_000_000)]
    rows: u64,
    /// Measure this optgate binary and build none
    #[arg(long)]
    gate: Option<PathBuf>,
    /// Only the gate, not index and ledger alone
    #[arg(long)]
    gate_only: bool,
}

/// How often somebody adds an opt-out by hand during the import.
const ADD_EVERY: Duration = Duration::from_millis(500);
/// How often the client asks for a recipient.
const ASK_EVERY: Duration = Duration::from_millis(2);
/// Nothing of this takes longer on any machine worth measuring.
const LIMIT: Duration = Duration::from_secs(3600);

/// One line of the report.
struct Line {
    what: &'static str,
    figure: String,
    aim: &'static str,
}

pub(super) fn run(options: &ScaleOptions) -> Result<()> {
    let place = prepare::scale(options.gate.as_deref(), !options.gate_only)?;
    super::interrupt::watch();
    let folder = place.folder.join("scale");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    println!("{}", super::circumstances::load_average("at the start"));
    if !options.gate_only {
        println!("\n### The index alone\n");
        example(&place.target.join("release/examples/probe"), &[&options.rows.to_string()])?;
        println!("\n### The ledger alone\n");
        let ledger = folder.join("ledger");
        fs::create_dir(&ledger)?;
        let words = [ledger.to_string_lossy().into_owned(), options.rows.to_string()];
        example(&place.target.join("release/examples/measure"), &[&words[0], &words[1]])?;
        fs::remove_dir_all(&ledger)?;
    }
    println!("\n### A gate at work\n");
    let lines = gate_at_work(&place.gate, &folder, options.rows)?;
    println!("| what | measured | aim |\n| --- | --- | --- |");
    for Line { what, figure, aim } in lines {
        println!("| {what} | {figure} | {aim} |");
    }
    println!("\n{}", super::circumstances::load_average("at the end"));
    // Gigabytes that nobody needs any more.
    fs::remove_dir_all(&folder)?;
    Ok(())
}

fn example(program: &Path, words: &[&str]) -> Result<()> {
    let status = Command::new(program).args(words).status();
    let status = status.with_context(|| format!("cannot start {}", program.display()))?;
    ensure!(status.success(), "{} failed", program.display());
    Ok(())
}

fn gate_at_work(gate: &Path, folder: &Path, rows: u64) -> Result<Vec<Line>> {
    let list = folder.join("optouts.csv");
    mail::write_csv(&list, rows)?;
    let (address, sink) = (free_address()?, super::run::Sink::start()?);
    fs::write(
        folder.join("optgate.toml"),
        format!(
            "[server]\nhostname = \"optgate.example\"\n\n[smarthost]\naddress = \"{}\"\n\n\
             [[listener]]\naddress = \"{address}\"\nallow = [\"127.0.0.0/8\"]\n",
            sink.address
        ),
    )?;
    let (process, _) = start(gate, folder, address, "nobody@list0.example", false)?;
    add(gate, folder, "warm@up.example")?;
    let meter = Meter::new(process.id());
    let before = meter.rss();
    meter.reset_peak();
    let (imported, asked, added) = import_and_look_on(gate, folder, address)?;
    let peak = meter.peak();
    meter.wait_until_quiet();
    let after = meter.rss();
    drop(process);
    let last = {
        let mut last = String::new();
        mail::opt_out(rows - 1, &mut last);
        last
    };
    let (process, ready) = start(gate, folder, address, &last, true)?;
    let meter = Meter::new(process.id());
    meter.wait_until_quiet();
    let mib = |kib: u64| format!("{} MiB", kib / 1024);
    Ok(vec![
        Line {
            what: "import of the CSV file",
            figure: format!(
                "{:.1} s, {:.0} rows/s",
                imported.as_secs_f64(),
                rows as f64 / imported.as_secs_f64()
            ),
            aim: "90 s at ten million",
        },
        Line {
            what: "reply to RCPT meanwhile: median, 99 %, longest",
            figure: spread(&asked),
            aim: "goes on answering",
        },
        Line {
            what: "`optout add` meanwhile, the whole command, in force at its end: median, 99 %, longest",
            figure: spread(&added),
            aim: "100 ms",
        },
        Line { what: "resident set before", figure: mib(before), aim: "" },
        Line { what: "its peak during the import", figure: mib(peak), aim: "" },
        Line { what: "at rest after it", figure: mib(after), aim: "" },
        Line {
            what: "start until it refuses the last row",
            figure: format!("{:.2} s", ready.as_secs_f64()),
            aim: "2 s",
        },
        Line { what: "resident set then", figure: mib(meter.rss()), aim: "" },
    ])
}

/// Starts the gate and waits until it answers, or refuses this recipient.
fn start(
    gate: &Path,
    folder: &Path,
    address: SocketAddr,
    recipient: &str,
    refused: bool,
) -> Result<(Process, Duration)> {
    let mut command = Command::new(gate);
    command.args(["serve", "--config", "optgate.toml"]).current_dir(folder);
    let began = Instant::now();
    let mut process = Process::start_anywhere(&mut command, &folder.join("output.log"))?;
    loop {
        if let Some(status) = process.ended()? {
            bail!("the gate ended with {status}; see {}", folder.join("output.log").display());
        }
        let ready = ask_once(address, recipient).is_ok_and(|code| !refused || code == 550);
        if ready {
            return Ok((process, began.elapsed()));
        }
        ensure!(began.elapsed() < LIMIT, "the gate does not get ready");
        thread::sleep(Duration::from_millis(5));
    }
}

fn ask_once(address: SocketAddr, recipient: &str) -> Result<u16> {
    let mut dialogue = Dialogue::open(address)?;
    dialogue.greet()?;
    dialogue.say("MAIL FROM:<news@shop.example>")?;
    dialogue.expect(250)?;
    dialogue.say(&format!("RCPT TO:<{recipient}>"))?;
    dialogue.reply()
}

/// The import, the times of replies to RCPT, and the times of additions.
type Seen = (Duration, Vec<Duration>, Vec<Duration>);

fn import_and_look_on(gate: &Path, folder: &Path, address: SocketAddr) -> Result<Seen> {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let asking = scope.spawn(|| ask_until(&over, address));
        let adding = scope.spawn(|| add_until(&over, gate, folder, address));
        let began = Instant::now();
        let status = Command::new(gate)
            .args(["optout", "import", "optouts.csv", "--quiet"])
            .current_dir(folder)
            .stdout(Stdio::null())
            .status();
        let took = began.elapsed();
        over.store(true, Ordering::Relaxed);
        let asked = asking.join().map_err(|_| anyhow::anyhow!("the client panicked"))??;
        let added = adding.join().map_err(|_| anyhow::anyhow!("the operator panicked"))??;
        ensure!(status?.success(), "the import failed");
        Ok((took, asked, added))
    })
}

/// One session after the other, each with recipients who opted out before the import began: the
/// reply comes from the gate alone.
fn ask_until(over: &AtomicBool, address: SocketAddr) -> Result<Vec<Duration>> {
    let mut times = Vec::new();
    while !over.load(Ordering::Relaxed) {
        let mut dialogue = Dialogue::open(address)?;
        dialogue.greet()?;
        dialogue.say("MAIL FROM:<news@shop.example>")?;
        dialogue.expect(250)?;
        // An answer of 550 is an error of the client, and twenty of them end a session.
        for _ in 0..15 {
            let began = Instant::now();
            dialogue.say("RCPT TO:<warm@up.example>")?;
            dialogue.expect(550)?;
            times.push(began.elapsed());
            thread::sleep(ASK_EVERY);
        }
        dialogue.say("QUIT")?;
        dialogue.expect(221)?;
    }
    Ok(times)
}

fn add_until(
    over: &AtomicBool,
    gate: &Path,
    folder: &Path,
    address: SocketAddr,
) -> Result<Vec<Duration>> {
    let mut times = Vec::new();
    for count in 0_u64.. {
        if over.load(Ordering::Relaxed) {
            break;
        }
        let person = format!("byhand{count}@example.com");
        let began = Instant::now();
        add(gate, folder, &person)?;
        times.push(began.elapsed());
        let code = ask_once(address, &person)?;
        ensure!(code == 550, "{person} was added, and the gate says {code}");
        thread::sleep(ADD_EVERY);
    }
    Ok(times)
}

fn add(gate: &Path, folder: &Path, address: &str) -> Result<()> {
    let output =
        Command::new(gate).args(["optout", "add", address]).current_dir(folder).output()?;
    ensure!(output.status.success(), "optout add: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

fn spread(times: &[Duration]) -> String {
    let mut times = times.to_vec();
    times.sort_unstable();
    let at = |share: f64| {
        let place = (times.len().saturating_sub(1) as f64 * share) as usize;
        times.get(place).map_or(0.0, |time| time.as_secs_f64() * 1e3)
    };
    format!("{:.2} / {:.1} / {:.1} ms ({} times)", at(0.5), at(0.99), at(1.0), times.len())
}
