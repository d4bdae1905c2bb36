//! The rounds. Subjects take turns within a workload, and the order moves on with
//! every round, so that a disturbance of the machine falls on all of them.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::layout::{Layout, pin, pinned};
use super::load::{Dialogue, LoadReport};
use super::setting::Setting;
use super::sink::SinkReport;
use super::subject::{self, Running, Subject};
use super::workload::Workload;

/// One workload through one subject in one round.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    pub(super) subject: Subject,
    pub(super) layout: Layout,
    pub(super) workload: &'static str,
    pub(super) round: u32,
    /// CPU time of the subject for a message, microseconds. Nought for direct delivery.
    pub(super) cpu_us: f64,
    pub(super) per_second: f64,
    /// Median time of a message, and of a connection, microseconds.
    pub(super) message_us: f64,
    pub(super) connection_us: f64,
    /// Largest resident set during the run, KiB.
    pub(super) peak_kib: u64,
}

/// What idle sessions and the list cost a freshly started subject.
#[derive(Clone, Copy, Debug)]
pub(super) struct MemorySample {
    pub(super) subject: Subject,
    pub(super) ready_after: Duration,
    /// Resident and proportional set after the start, KiB.
    pub(super) rss_kib: u64,
    pub(super) pss_kib: u64,
    /// For one idle session, KiB.
    pub(super) idle_kib: f64,
}

/// The sink's process.
pub(super) struct Sink {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    pub(super) address: SocketAddr,
}

impl Sink {
    pub(super) fn start() -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["bench", "sink"]);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the sink")?;
        let input = child.stdin.take();
        let mut output = BufReader::new(child.stdout.take().context("the sink has no output")?);
        let mut line = String::new();
        output.read_line(&mut line)?;
        let address = line.trim().parse().context("the sink did not tell its address")?;
        Ok(Self { child, input, output, address })
    }

    fn ask(&mut self, question: &str) -> Result<SinkReport> {
        let input = self.input.as_mut().context("the sink is gone")?;
        writeln!(input, "{question}")?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        serde_json::from_str(&line).context("the sink did not answer")
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        // It ends with its input.
        drop(self.input.take());
        let _ = self.child.wait();
    }
}

/// Drives workloads through subjects and checks what arrives.
pub(super) struct Driver<'a> {
    pub(super) setting: &'a Setting,
    pub(super) sink: &'a mut Sink,
    pub(super) layout: Layout,
    /// The number of the next recipient: nobody is mailed twice.
    pub(super) next_person: u64,
}

impl Driver<'_> {
    /// From now on load generator and sink run where this layout wants them.
    pub(super) fn lay_out(&mut self, layout: Layout) -> Result<()> {
        self.layout = layout;
        pin(self.sink.child.id(), self.setting.cpus.of_peers(layout))
    }

    /// One run, checked.
    pub(super) fn sample(
        &mut self,
        on: &Running,
        workload: Workload,
        round: u32,
    ) -> Result<Sample> {
        let workload = workload.reduced(on.subject.slowness());
        let title = format!("{} through {}", workload.name, on.subject.name());
        self.sink.ask("take")?;
        if let Some(meter) = &on.meter {
            meter.reset_peak();
        }
        let before = on.meter.map(|meter| meter.usage());
        let sent = self.load(on, workload).with_context(|| title.clone())?;
        // Connections are still being closed for a moment.
        std::thread::sleep(Duration::from_millis(20));
        let cpu =
            on.meter.map(|meter| meter.usage()).zip(before).map(|(after, before)| {
                after.since(&before).as_secs_f64() * 1e6 / sent.messages as f64
            });
        let arrived = self.sink.ask("take")?;
        check(on.subject, &sent, &arrived).with_context(|| title)?;
        Ok(Sample {
            subject: on.subject,
            layout: self.layout,
            workload: workload.name,
            round,
            cpu_us: cpu.unwrap_or(0.0),
            per_second: sent.messages as f64 / sent.seconds,
            message_us: sent.message_us[0],
            connection_us: sent.connection_us[0],
            peak_kib: on.meter.map_or(0, |meter| meter.peak()),
        })
    }

    /// Round trips that the subject makes to the smarthost for a message with 50
    /// recipients, counted at a smarthost that answers late.
    pub(super) fn round_trips(&mut self, on: &Running) -> Result<f64> {
        let workload = Workload::named("50rcpt").context("the workload is gone")?;
        let workload = Workload { messages: 5, per_connection: 5, sessions: 1, ..workload };
        self.sink.ask("delay 20")?;
        let sent = self.load(on, workload);
        let arrived = self.sink.ask("delay 0")?;
        let sent = sent?;
        check(on.subject, &sent, &arrived)?;
        Ok(arrived.round_trips as f64 / sent.messages as f64)
    }

    fn load(&mut self, on: &Running, workload: Workload) -> Result<LoadReport> {
        const LIMIT: Duration = Duration::from_secs(240);
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["bench", "load", "--workload", workload.name]);
        command.args(["--target", &on.address.to_string()]);
        command.args(["--per-connection", &workload.per_connection.to_string()]);
        command.args(["--messages", &workload.messages.to_string()]);
        command.args(["--sessions", &workload.sessions.to_string()]);
        command.args(["--first", &self.next_person.to_string()]);
        if on.subject.filters() {
            command.args(["--opt-outs", &self.setting.opt_outs.to_string()]);
        }
        self.next_person += u64::from(workload.messages) * u64::from(workload.recipients);
        let mut command = pinned(&command, self.setting.cpus.of_peers(self.layout));
        let mut report = None;
        let status = crate::processes::run_lines(&mut command, LIMIT, |line| {
            report = serde_json::from_str(line).ok();
        })?;
        ensure!(status.success(), "the load generator ended with {status}");
        report.context("the load generator told nothing")
    }

    /// Starts a subject afresh and measures what the start and idle sessions take.
    pub(super) fn memory(&mut self, subject: Subject, sessions: u32) -> Result<MemorySample> {
        let running = subject::start(subject, self.setting)?;
        let meter = running.meter.context("direct delivery has no process")?;
        meter.wait_until_quiet();
        let (rss_kib, pss_kib) = (meter.rss(), meter.pss());
        let warm_up = Workload::named("twenty").context("the workload is gone")?.reduced(u32::MAX);
        self.load(&running, warm_up)?;
        meter.wait_until_quiet();
        // The first sessions only make the subject give back what it no longer needs
        // and take what it needs once.
        let mut idle = open_idle(&running, sessions / 8)?;
        meter.wait_until_quiet();
        let before = meter.pss();
        idle.extend(open_idle(&running, sessions)?);
        meter.wait_until_quiet();
        let grown = meter.pss() as f64 - before as f64;
        Ok(MemorySample {
            subject,
            ready_after: running.ready_after,
            rss_kib,
            pss_kib,
            idle_kib: grown / f64::from(sessions),
        })
    }
}

/// Sessions that have said EHLO and then say nothing.
fn open_idle(running: &Running, count: u32) -> Result<Vec<Dialogue>> {
    let open = |_| {
        let mut session = Dialogue::open(running.address)?;
        session.greet()?;
        Ok(session)
    };
    (0..count).map(open).collect()
}

/// The sink must have got what was sent, all of it, and nobody who opted out.
fn check(subject: Subject, sent: &LoadReport, arrived: &SinkReport) -> Result<()> {
    /// A Received field and no more.
    const ADDED_MAX: u64 = 1000;
    ensure!(arrived.suppressed == 0, "{} suppressed recipients got through", arrived.suppressed);
    ensure!(arrived.messages == sent.messages, "sent {}, got {}", sent.messages, arrived.messages);
    ensure!(
        arrived.recipients == sent.accepted,
        "{} recipients accepted, {} arrived",
        sent.accepted,
        arrived.recipients
    );
    let added = arrived.bytes.checked_sub(sent.bytes).context("bytes were lost")?;
    if subject.filters() {
        ensure!(added > 0, "no Received field was added");
        ensure!(added <= ADDED_MAX * sent.messages, "{added} bytes were added");
    } else {
        ensure!(added == 0, "{added} bytes were added");
    }
    Ok(())
}
