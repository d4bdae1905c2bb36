//! What is compared: how each subject is configured, started, known to be ready, and
//! ended. All of them relay to the same sink from a private folder and a free port of
//! 127.0.0.1.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use super::layout::pinned;
use super::load::Dialogue;
use super::meter::Meter;
use super::setting::Setting;
use super::{haproxy, mail, optgate, postfix};

/// The subjects, in the order of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(super) enum Subject {
    /// No proxy: the client talks to the sink.
    Direct,
    /// HAProxy in TCP mode: looks at nothing.
    Haproxy,
    /// A bare byte pump on the runtime that optgate uses: what remains when optgate does nothing.
    Pump,
    /// Postfix as before-queue proxy with an access map of the opt-outs.
    Postfix,
    /// The gate.
    Optgate,
}

impl Subject {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Haproxy => "haproxy",
            Self::Pump => "pump",
            Self::Postfix => "postfix",
            Self::Optgate => "optgate",
        }
    }

    /// Whether it knows the opt-outs; to the others suppressed recipients are not sent.
    pub(super) const fn filters(self) -> bool {
        matches!(self, Self::Postfix | Self::Optgate)
    }

    /// How much smaller its rounds are, so that a slow one does not take the evening.
    pub(super) const fn slowness(self) -> u32 {
        if matches!(self, Self::Postfix) { 4 } else { 1 }
    }
}

/// A subject that takes mail. Dropping it ends its processes.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) subject: Subject,
    pub(super) address: SocketAddr,
    /// Absent for direct delivery.
    pub(super) meter: Option<Meter>,
    /// From the start of the process until it refused an opted-out recipient.
    pub(super) ready_after: Duration,
    process: Option<Process>,
}

/// Starts a subject and waits until it does its work.
pub(super) fn start(subject: Subject, setting: &Setting) -> Result<Running> {
    let folder = setting.folder.join(subject.name());
    fs::create_dir_all(&folder)?;
    let address = free_address()?;
    let command = match subject {
        Subject::Direct => {
            return Ok(Running {
                subject,
                address: setting.sink,
                meter: None,
                ready_after: Duration::ZERO,
                process: None,
            });
        }
        Subject::Haproxy => haproxy::command(&folder, address, setting)?,
        Subject::Pump => pump(address, setting)?,
        Subject::Postfix => postfix::command(&folder, address, setting)?,
        Subject::Optgate => optgate::command(&folder, address, setting)?,
    };
    let began = Instant::now();
    let mut process =
        Process::start(&command, &folder.join("output.log"), setting.cpus.of_proxies())
            .with_context(|| format!("cannot start {}", subject.name()))?;
    wait_until_ready(subject, address, setting, &mut process).with_context(|| {
        format!("{} did not get ready; see {}", subject.name(), folder.join("output.log").display())
    })?;
    Ok(Running {
        subject,
        address,
        meter: Some(Meter::new(process.child.id())),
        ready_after: began.elapsed(),
        process: Some(process),
    })
}

impl Running {
    /// The process id of its first process.
    pub(super) fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(|process| process.child.id())
    }
}

/// Ready is who refuses the last entry of the list, or for the others who greets.
fn wait_until_ready(
    subject: Subject,
    address: SocketAddr,
    setting: &Setting,
    process: &mut Process,
) -> Result<()> {
    const LIMIT: Duration = Duration::from_secs(180);
    let deadline = Instant::now() + LIMIT;
    loop {
        if let Some(status) = process.child.try_wait()? {
            bail!("it ended with {status}");
        }
        let outcome = probe(subject, address, setting);
        match outcome {
            Ok(true) => return Ok(()),
            Ok(false) if Instant::now() > deadline => bail!("it never refused an opt-out"),
            Err(error) if Instant::now() > deadline => return Err(error),
            _ => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

fn probe(subject: Subject, address: SocketAddr, setting: &Setting) -> Result<bool> {
    let mut dialogue = Dialogue::open(address)?;
    dialogue.greet()?;
    let ready = if subject.filters() {
        dialogue.say("MAIL FROM:<news@shop.example>")?;
        dialogue.expect(250)?;
        let mut command = String::from("RCPT TO:<");
        mail::opt_out(setting.opt_outs.saturating_sub(1), &mut command);
        command.push('>');
        dialogue.say(&command)?;
        (550..560).contains(&dialogue.reply()?)
    } else {
        true
    };
    dialogue.say("QUIT")?;
    dialogue.expect(221)?;
    Ok(ready)
}

fn pump(address: SocketAddr, setting: &Setting) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["bench", "pump", &address.to_string(), &setting.sink.to_string()]);
    Ok(command)
}

/// A port that was free a moment ago.
pub(super) fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// A process in a group of its own, ended with the value.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
}

impl Process {
    /// On whatever CPU the scheduler likes.
    pub(super) fn start_anywhere(command: &mut Command, log: &Path) -> Result<Self> {
        let log = File::create(log)?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).process_group(0);
        let child = command.spawn()?;
        super::interrupt::note(child.id());
        Ok(Self { child })
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    pub(super) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    fn start(command: &Command, log: &Path, cpus: &str) -> Result<Self> {
        let log = File::create(log)?;
        let child = pinned(command, cpus)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            // Postfix's master ends its whole group, which must not be ours.
            .process_group(0)
            .spawn()?;
        super::interrupt::note(child.id());
        Ok(Self { child })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) else { return };
        let _ = kill_process(pid, Signal::TERM);
        let deadline = Instant::now() + Duration::from_secs(5);
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = kill_process_group(pid, Signal::KILL);
        let _ = self.child.wait();
        super::interrupt::forget(self.child.id());
    }
}
