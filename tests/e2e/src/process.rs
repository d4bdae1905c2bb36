//! Programs with an end: commands that are waited for within a limit, and
//! servers that are stopped when their value is dropped.

use std::fs;
use std::io::Read;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::peers::Peers;

/// What a command printed, and how it ended.
#[derive(Debug)]
pub struct Ran {
    /// The exit code, or 128 plus the signal that ended it.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Ran {
    /// Everything it printed.
    pub fn text(&self) -> String {
        format!("{}{}", self.out, self.err)
    }
}

/// Runs a command to its end; standard input is empty unless it was set.
///
/// # Panics
/// When it cannot be started, or has not ended after `limit`.
pub fn run(command: &mut Command, limit: Duration) -> Ran {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start {name}: {error}"));
    let out = read_all(child.stdout.take());
    let err = read_all(child.stderr.take());
    let group = group_of(&child);
    let Some(code) = wait(&mut child, limit) else {
        signal(group, Signal::KILL);
        let _ = child.wait();
        panic!("{name} was still running after {limit:?}: {}", joined(err));
    };
    Ran { code, out: joined(out), err: joined(err) }
}

fn read_all(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            let _ = pipe.read_to_end(&mut bytes);
        }
        bytes
    })
}

fn joined(reader: JoinHandle<Vec<u8>>) -> String {
    String::from_utf8_lossy(&reader.join().unwrap_or_default()).into_owned()
}

fn wait(child: &mut Child, limit: Duration) -> Option<i32> {
    let mut code = None;
    wait_until(limit, || {
        let status = child.try_wait().expect("a child can be waited for")?;
        code = Some(status.code().or_else(|| Some(128 + status.signal()?)).unwrap_or(-1));
        code
    })
}

/// Asks again and again until there is an answer or the time is up.
pub fn wait_until<T>(limit: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        if Instant::now() >= deadline {
            return None;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn group_of(child: &Child) -> Option<Pid> {
    Pid::from_raw(i32::try_from(child.id()).ok()?)
}

fn signal(group: Option<Pid>, signal: Signal) {
    if let Some(group) = group {
        let _ = kill_process_group(group, signal);
    }
}

/// A running server. Its process leads a group, so that its children end with it.
pub struct Server {
    name: &'static str,
    child: Child,
    /// What it prints, for the one who has to find out what went wrong.
    log: PathBuf,
    note: PathBuf,
}

impl Server {
    /// Starts a program that stays in the foreground, its output going to `log`.
    pub fn start(name: &'static str, command: &mut Command, log: PathBuf) -> Self {
        let file = fs::OpenOptions::new().create(true).append(true).open(&log);
        let file = file.expect("a log can be written");
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone().expect("a file can be shared"))
            .stderr(file)
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {name}: {error}"));
        // Should this program be killed, xtask ends what is noted here.
        let note = Peers::get().running().join(child.id().to_string());
        let started = start_time(child.id()).unwrap_or_default();
        fs::write(&note, started).expect("a server can be noted");
        Self { name, child, log, note }
    }

    /// Waits until `ready` says so.
    ///
    /// # Panics
    /// When the server ends before, or is not ready in time; with what it printed.
    pub fn wait_ready(&mut self, limit: Duration, mut ready: impl FnMut() -> bool) {
        let outcome = wait_until(limit, || {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(Err(status));
            }
            ready().then_some(Ok(()))
        });
        match outcome {
            Some(Ok(())) => {}
            Some(Err(status)) => panic!("{} ended: {status}\n{}", self.name, self.printed()),
            None => panic!("{} was not ready after {limit:?}\n{}", self.name, self.printed()),
        }
    }

    /// What it has printed so far.
    pub fn printed(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Whether it is still running.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it as a power cut would: SIGKILL, nothing can be put in order.
    pub fn kill(&mut self) {
        signal(group_of(&self.child), Signal::KILL);
        let _ = self.child.wait();
    }

    /// Asks it to end, and says with which code it did.
    pub fn stop(&mut self, limit: Duration) -> Option<i32> {
        signal(group_of(&self.child), Signal::TERM);
        wait(&mut self.child, limit)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.is_running() {
            self.stop(Duration::from_secs(5));
        }
        // Also when the leader is gone: a child of it may still be there.
        self.kill();
        let _ = fs::remove_file(&self.note);
    }
}

/// Ends a process by its number as a power cut would, without owning it.
pub fn kill_nine(pid: u32) {
    signal_process(pid, Signal::KILL);
}

/// Signals a process by its number.
pub(crate) fn signal_process(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = rustix::process::kill_process(pid, signal);
    }
}

/// The processes that a process has started.
pub(crate) fn children_of(pid: u32) -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|child| stat_field(*child, 1).is_some_and(|of| of == pid.to_string())).collect()
}

/// When a process started, in the kernel's ticks: together with its number this
/// names one process for good.
fn start_time(pid: u32) -> Option<String> {
    stat_field(pid, 19)
}

/// A field of `/proc/PID/stat`, counted from the one behind the name: 1 is the parent.
fn stat_field(pid: u32, index: usize) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_ascii_whitespace().nth(index).map(str::to_owned)
}
