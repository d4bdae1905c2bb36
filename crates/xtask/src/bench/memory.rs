//! `cargo xtask bench memory`: what a session costs that does nothing, and one that is stuck.
//!
//! Every case has a gate of its own, because an allocator keeps what it once had: sessions are
//! opened and held, and the growth of the resident set is divided by their number. They come
//! from twenty addresses, so that no limit for one client stands in the way. Whether they were
//! really there is asked at the end: each must still answer.

mod client;
mod gate;
mod smarthost;

use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::meter::Meter;
use super::prepare;
use client::{Secrecy, Session};
use gate::Gate;
use smarthost::Smarthost;

/// The words behind `cargo xtask bench memory`.
#[derive(clap::Args, Debug)]
pub(crate) struct MemoryOptions {
    /// Sessions that do nothing after EHLO
    #[arg(long, default_value_t = 10_000)]
    idle: usize,
    /// Sessions stalled in DATA: the smarthost takes nothing, the client all it can
    #[arg(long, default_value_t = 500)]
    stalled: usize,
    /// Measure this optgate binary and build none
    #[arg(long)]
    gate: Option<PathBuf>,
}

/// Of the idle sessions with TLS this share logs in: what a login costs is a hard password hash.
const LOGINS: usize = 20;
/// Sessions that come and go before the first look, for what is made once.
const WARM_UP: usize = 50;
/// The longest that stalled clients go on trying.
const PUSH_LIMIT: Duration = Duration::from_secs(60);
/// Nobody could push a byte for this long: all are stalled.
const STILL: Duration = Duration::from_secs(3);

/// A line of the report.
struct Line {
    what: &'static str,
    sessions: usize,
    /// Resident set in KiB: of the fresh gate, with the sessions, and the highest.
    fresh: u64,
    held: u64,
    peak: u64,
    /// The most KiB a session may have.
    aim: f64,
}

impl Line {
    fn each(&self) -> f64 {
        self.held.saturating_sub(self.fresh) as f64 / self.sessions.max(1) as f64
    }
}

/// Runs the verb.
///
/// # Errors
/// When the gate does not take the sessions, loses one, or a session is larger than its bound.
pub(super) fn run(options: &MemoryOptions) -> Result<()> {
    let place = prepare::memory(options.gate.as_deref())?;
    super::interrupt::watch();
    prepare::raise_file_limit();
    let needed = options.idle.max(2 * options.stalled) + 200;
    let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let files = files.map_or(usize::MAX, |files| usize::try_from(files).unwrap_or(usize::MAX));
    ensure!(
        files >= needed,
        "{needed} files must be allowed to be open (ulimit -n); it is {files}"
    );
    let folder = place.folder.join("memory");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    println!("{}", super::circumstances::load_average("at the start"));
    let stage = Stage { program: place.gate, folder, smarthost: Smarthost::start()? };
    let mut lines = vec![stage.idle(options.idle)?];
    lines.extend(stage.idle_with_tls(options.idle)?);
    lines.push(stage.stalled("stalled in DATA", options.stalled, Secrecy::Clear, 128.0)?);
    let what = "stalled in DATA, TLS";
    lines.push(stage.stalled(what, options.stalled, Secrecy::Tls, 160.0)?);
    println!("{}", super::circumstances::load_average("at the end"));
    report(&lines)?;
    fs::remove_dir_all(&stage.folder)?;
    Ok(())
}

fn report(lines: &[Line]) -> Result<()> {
    println!(
        "\n| | sessions | KiB each | at most | fresh MiB | held MiB | peak MiB |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    );
    let mib = |kib: u64| kib as f64 / 1024.0;
    for line in lines {
        println!(
            "| {} | {} | {:.1} | {:.0} | {:.1} | {:.1} | {:.1} |",
            line.what,
            line.sessions,
            line.each(),
            line.aim,
            mib(line.fresh),
            mib(line.held),
            mib(line.peak)
        );
    }
    for line in lines {
        ensure!(line.each() <= line.aim, "{}: more than {} KiB a session", line.what, line.aim);
    }
    Ok(())
}

/// What all cases have in common.
struct Stage {
    program: PathBuf,
    folder: PathBuf,
    smarthost: Smarthost,
}

impl Stage {
    /// A gate that has seen some sessions and is at rest, and its resident set.
    fn fresh(&self, secrecy: Secrecy) -> Result<(Gate, Meter, u64)> {
        let gate = Gate::start(&self.program, &self.folder, self.smarthost.address)?;
        let warm: Result<Vec<_>> = (0..WARM_UP).map(|at| gate.session(at, secrecy)).collect();
        drop(warm?);
        let meter = Meter::new(gate.id());
        meter.wait_until_quiet();
        let fresh = meter.rss();
        meter.reset_peak();
        Ok((gate, meter, fresh))
    }

    fn idle(&self, sessions: usize) -> Result<Line> {
        eprintln!("{sessions} idle sessions");
        let (gate, meter, fresh) = self.fresh(Secrecy::Clear)?;
        let mut held = hold(&gate, sessions, Secrecy::Clear)?;
        let line = Line {
            what: "idle after EHLO",
            sessions,
            fresh,
            held: at_rest(&meter),
            peak: meter.peak(),
            aim: 20.0,
        };
        all_answer(&mut held)?;
        Ok(line)
    }

    fn idle_with_tls(&self, sessions: usize) -> Result<Vec<Line>> {
        eprintln!("{sessions} idle sessions with TLS");
        let (gate, meter, fresh) = self.fresh(Secrecy::Tls)?;
        let mut held = hold(&gate, sessions, Secrecy::Tls)?;
        let (after, peak) = (at_rest(&meter), meter.peak());
        let logins = sessions.div_ceil(LOGINS);
        eprintln!("{logins} of them log in");
        for session in held.iter_mut().take(logins) {
            session.log_in(client::USER, client::PASSWORD)?;
        }
        let line = |what, held, peak, aim| Line { what, sessions, fresh, held, peak, aim };
        let lines = vec![
            line("idle after STARTTLS and EHLO", after, peak, 24.0),
            line("the same, every 20th logged in", at_rest(&meter), meter.peak(), 28.0),
        ];
        all_answer(&mut held)?;
        Ok(lines)
    }

    fn stalled(
        &self,
        what: &'static str,
        sessions: usize,
        secrecy: Secrecy,
        aim: f64,
    ) -> Result<Line> {
        eprintln!("{sessions} sessions {what}");
        let (gate, meter, fresh) = self.fresh(secrecy)?;
        let mut held = hold(&gate, sessions, secrecy)?;
        for session in &mut held {
            session.begin_data()?;
        }
        let began = Instant::now();
        let mut moved = began;
        while moved.elapsed() < STILL {
            let pushed = held.iter().map(Session::pushed).sum::<u64>() >> 20;
            let late = began.elapsed() > PUSH_LIMIT;
            ensure!(!late, "the gate goes on taking mail for nobody: {pushed} MiB by now");
            for session in &mut held {
                if session.push()? > 0 {
                    moved = Instant::now();
                }
            }
            thread::sleep(Duration::from_millis(20));
        }
        let pushed: u64 = held.iter().map(Session::pushed).sum();
        let each = pushed / 1024 / sessions.max(1) as u64;
        eprintln!("  {each} KiB were taken from each, those in the kernel's buffers included");
        let stuck = self.smarthost.stuck();
        ensure!(stuck >= sessions, "only {stuck} messages have come to the smarthost");
        let line = Line { what, sessions, fresh, held: at_rest(&meter), peak: meter.peak(), aim };
        // Whoever is still connected has not been answered, nor hung up on.
        for session in &mut held {
            session.is_waiting()?;
        }
        self.smarthost.let_go();
        Ok(line)
    }
}

fn hold(gate: &Gate, sessions: usize, secrecy: Secrecy) -> Result<Vec<Session>> {
    (0..sessions).map(|at| gate.session(at, secrecy)).collect()
}

fn at_rest(meter: &Meter) -> u64 {
    meter.wait_until_quiet();
    meter.rss()
}

fn all_answer(held: &mut [Session]) -> Result<()> {
    for session in held {
        session.say("NOOP")?;
        session.expect("250")?;
    }
    Ok(())
}
