//! `cargo xtask bench`: what a message costs that goes through optgate, measured in
//! one run and in turns with what one would otherwise put there: nothing, HAProxy in
//! TCP mode, and Postfix as before-queue proxy with an access map.
//!
//! Load generator, sink and byte pump are this same program under hidden verbs, so
//! that each is a process of its own and the proxies' CPU time is theirs alone. What
//! the figures mean and how they were taken is told in `bench/README.md`.

mod aims;
mod circumstances;
mod distance;
mod figures;
mod haproxy;
mod interrupt;
mod layout;
mod load;
mod mail;
mod memory;
mod meter;
mod optgate;
mod postfix;
mod prepare;
mod pump;
mod report;
mod run;
mod scale;
mod setting;
mod sink;
mod sources;
mod subject;
mod workload;

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use figures::Figures;
use layout::{Cpus, Layout};
use meter::Meter;
use report::Style;
use run::{Driver, Sink};
use setting::Setting;
use subject::{Running, Subject};
use workload::{Measures, WORKLOADS, Workload};

/// The words behind `cargo xtask bench`.
#[derive(clap::Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Options {
    /// A smoke test: few messages, one round, a list of 10 000
    #[arg(long)]
    quick: bool,
    /// Only these subjects, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "SUBJECT")]
    only: Vec<Subject>,
    /// Only these workloads, separated by commas; no memory measurement
    #[arg(long = "workload", value_delimiter = ',', value_name = "NAME")]
    workloads: Vec<String>,
    /// Rounds; the report gives medians [default: 5, with --quick 1]
    #[arg(long)]
    rounds: Option<u32>,
    /// Addresses on the opt-out list [default: 1000000, with --quick 10000]
    #[arg(long)]
    opt_outs: Option<u64>,
    /// Print the report as Markdown
    #[arg(long)]
    markdown: bool,
    /// After the rounds, keep sending the workloads through optgate (or the only
    /// proxy) and print its process id, for a profiler; Ctrl-C ends it, or ten minutes
    #[arg(long)]
    keep: bool,
    /// The cargo profile optgate is built with
    #[arg(long, default_value = "release")]
    profile: String,
    /// Measure this optgate binary and build none
    #[arg(long)]
    gate: Option<PathBuf>,
    /// Map type of Postfix: hash, or cdb and lmdb where their packages are installed
    #[arg(long, default_value = "hash")]
    postfix_map: String,
    /// On which CPUs the programs run, separated by commas [default: apart,together]
    #[arg(long, value_delimiter = ',', value_name = "LAYOUT")]
    layout: Vec<Layout>,
    #[command(subcommand)]
    role: Option<Role>,
}

/// The other processes of the benchmark.
#[derive(clap::Subcommand, Debug)]
enum Role {
    /// Ten million opt-outs: index, ledger, and a gate that imports them while it answers
    Scale(scale::ScaleOptions),
    /// Sessions that do nothing, 10 000 of them, and 500 stalled in DATA: memory for each
    Memory(memory::MemoryOptions),
    /// Every reader of lists: rows a second, CPU and memory
    Sources(sources::SourcesOptions),
    /// A smarthost 20 ms away with TLS and a login: direct, and through the pool
    Distance(distance::DistanceOptions),
    #[command(hide = true)]
    Load(load::LoadOptions),
    #[command(hide = true)]
    Sink,
    #[command(hide = true)]
    Pump { listen: SocketAddr, target: SocketAddr },
}

/// Runs the verb.
///
/// # Errors
/// When a program is missing, a subject does not start, or what arrives at the sink
/// is not what was sent.
pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    match &options.role {
        Some(Role::Load(load)) => load::run(load)?,
        Some(Role::Sink) => sink::run()?,
        Some(Role::Pump { listen, target }) => pump::run(*listen, *target)?,
        Some(Role::Sources(options)) => sources::run(options)?,
        Some(Role::Distance(options)) => distance::run(options)?,
        Some(Role::Scale(options)) => return scale(options),
        Some(Role::Memory(options)) => memory::run(options)?,
        None => return measure(options),
    }
    Ok(ExitCode::SUCCESS)
}

fn scale(options: &scale::ScaleOptions) -> Result<ExitCode> {
    if let Some(code) = prepare::hand_over()? {
        return Ok(code);
    }
    scale::run(options)?;
    Ok(ExitCode::SUCCESS)
}

fn measure(options: &Options) -> Result<ExitCode> {
    let subjects = subjects(options);
    let workloads = workloads(options)?;
    let layouts = layouts(options);
    let place = match prepare::place(options.gate.as_deref(), &options.profile, &subjects)? {
        prepare::Prepared::Here(place) => place,
        prepare::Prepared::RanElsewhere(code) => return Ok(code),
    };
    interrupt::watch();
    prepare::raise_file_limit();
    let mut sink = Sink::start()?;
    let setting = Setting {
        folder: place.folder,
        sink: sink.address,
        opt_outs: options.opt_outs.unwrap_or(if options.quick { 10_000 } else { 1_000_000 }),
        gate: place.gate,
        haproxy: place.haproxy,
        postfix: place.postfix,
        map: options.postfix_map.clone(),
        cpus: Cpus::allowed(&layouts)?,
    };
    let rounds = options.rounds.unwrap_or(if options.quick { 1 } else { 5 }).max(1);
    let mut circumstances = circumstances::describe(&setting, rounds, &options.profile, &subjects);
    let first = layouts.first().copied().unwrap_or(Layout::Apart);
    let mut driver = Driver { setting: &setting, sink: &mut sink, layout: first, next_person: 0 };
    let mut figures = Figures { layouts, ..Figures::default() };

    let running = start_all(&subjects, &setting, options.workloads.is_empty(), &mut figures)?;
    for round in 0..rounds {
        eprintln!("round {} of {rounds}", round + 1);
        play_round(&mut driver, &running, &workloads, round, options.quick, &mut figures)?;
    }
    driver.lay_out(first)?;
    for on in &running {
        eprintln!("round trips of {}", on.subject.name());
        figures.round_trips.push((on.subject, driver.round_trips(on)?));
    }
    if options.keep {
        keep(&mut driver, &running, &workloads)?;
    }
    drop(running);
    if options.workloads.is_empty() {
        measure_memory(&mut driver, &subjects, rounds, options.quick, &mut figures)?;
    }
    circumstances.push(circumstances::load_average("at the end"));
    write_report(options, &setting, &figures, &circumstances)
}

/// Every workload in every layout through every subject. The order of the subjects
/// moves on with each round.
fn play_round(
    driver: &mut Driver<'_>,
    running: &[Running],
    workloads: &[Workload],
    round: u32,
    quick: bool,
    figures: &mut Figures,
) -> Result<()> {
    for layout in figures.layouts.clone() {
        driver.lay_out(layout)?;
        for &workload in workloads {
            let workload = workload.reduced(if quick { 20 } else { 1 });
            let turns = running.iter().cycle().skip(round as usize % running.len().max(1));
            for on in turns.take(running.len()) {
                let sample = driver.sample(on, workload, round)?;
                eprintln!(
                    "  {:<16} {:<9} {:<8} {:>7.0}/s  {:>8.1} µs CPU  {:>8.0} µs a message",
                    workload.name,
                    layout.name(),
                    on.subject.name(),
                    sample.per_second,
                    sample.cpu_us,
                    sample.message_us
                );
                figures.samples.push(sample);
            }
        }
    }
    Ok(())
}

fn write_report(
    options: &Options,
    setting: &Setting,
    figures: &Figures,
    circumstances: &[String],
) -> Result<ExitCode> {
    let file = setting.folder.join("report.md");
    fs::write(&file, report::render(figures, circumstances, Style::Markdown))?;
    let style = if options.markdown { Style::Markdown } else { Style::Text };
    println!("{}", report::render(figures, circumstances, style));
    eprintln!("the same as Markdown: {}", file.display());
    Ok(ExitCode::SUCCESS)
}

fn subjects(options: &Options) -> Vec<Subject> {
    use Subject::{Direct, Haproxy, Optgate, Postfix, Pump};
    if options.only.is_empty() {
        return vec![Direct, Haproxy, Pump, Postfix, Optgate];
    }
    let mut subjects = options.only.clone();
    subjects.sort_unstable();
    subjects.dedup();
    subjects
}

fn layouts(options: &Options) -> Vec<Layout> {
    if options.layout.is_empty() {
        return vec![Layout::Apart, Layout::Together];
    }
    options.layout.clone()
}

fn workloads(options: &Options) -> Result<Vec<Workload>> {
    if options.workloads.is_empty() {
        return Ok(WORKLOADS.to_vec());
    }
    let named = options.workloads.iter().map(|name| {
        let names = WORKLOADS.map(|workload| workload.name).join(", ");
        Workload::named(name).with_context(|| format!("no workload {name}; there are {names}"))
    });
    named.collect()
}

/// Starts every subject. The gate, when the whole benchmark runs, from an empty
/// folder: its first start imports the list, which is measured too.
fn start_all(
    subjects: &[Subject],
    setting: &Setting,
    afresh: bool,
    figures: &mut Figures,
) -> Result<Vec<Running>> {
    let mut running = Vec::new();
    for &subject in subjects {
        let import = subject == Subject::Optgate && afresh;
        if import {
            optgate::forget(&setting.folder.join(subject.name()))?;
        }
        let on = subject::start(subject, setting)?;
        if let Some(pid) = on.pid() {
            eprintln!("{} takes mail on {}, process {pid}", subject.name(), on.address);
        }
        if let Some(meter) = &on.meter {
            meter.wait_until_quiet();
            if import {
                figures.import = Some((on.ready_after.as_secs_f64(), meter.rss(), meter.peak()));
            }
        }
        running.push(on);
    }
    Ok(running)
}

fn measure_memory(
    driver: &mut Driver<'_>,
    subjects: &[Subject],
    rounds: u32,
    quick: bool,
    figures: &mut Figures,
) -> Result<()> {
    let sessions = |subject| match subject {
        // One process each, and at most 100 of them (default_process_limit).
        Subject::Postfix => 80,
        _ if quick => 200,
        _ => 2000,
    };
    let proxies: Vec<Subject> =
        subjects.iter().copied().filter(|&s| s != Subject::Direct).collect();
    figures.idle_sessions = proxies.iter().map(|&subject| (subject, sessions(subject))).collect();
    for _ in 0..rounds {
        for &subject in &proxies {
            let sample = driver.memory(subject, sessions(subject))?;
            eprintln!("  idle session of {}: {:.1} KiB", subject.name(), sample.idle_kib);
            figures.memory.push(sample);
        }
    }
    Ok(())
}

/// Keeps one proxy busy for a profiler.
fn keep(driver: &mut Driver<'_>, running: &[Running], workloads: &[Workload]) -> Result<()> {
    const LIMIT: Duration = Duration::from_secs(600);
    let chosen = running.iter().find(|on| on.subject == Subject::Optgate);
    let Some(on) = chosen.or_else(|| running.iter().find(|on| on.meter.is_some())) else {
        bail!("--keep needs a proxy among the subjects")
    };
    let pid = on.pid().unwrap_or(0);
    println!("{} is process {pid}: perf record -g -p {pid} -- sleep 5", on.subject.name());
    let began = Instant::now();
    while began.elapsed() < LIMIT {
        for workload in workloads.iter().filter(|w| w.measures == Measures::Cost) {
            let sample = driver.sample(on, *workload, 0)?;
            let used = on.meter.as_ref().map_or(Duration::ZERO, Meter::cpu);
            println!(
                "{}: {:.1} µs CPU a message, {:.0}/s, {:.1} s CPU so far",
                workload.name,
                sample.cpu_us,
                sample.per_second,
                used.as_secs_f64()
            );
        }
    }
    Ok(())
}
