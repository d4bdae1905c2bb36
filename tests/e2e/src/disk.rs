//! What a disk holds after the power went out: a program's writes, recorded by strace,
//! and played back up to any of them.
//!
//! Between two calls of fsync a disk may have kept any of the writes and lost any other,
//! in pieces of a sector; a name that was made, moved or removed is certain only once its
//! folder was synced. [`Recording::crashes`] gives, for every write of the program, what a
//! kill leaves behind (everything written so far), what the worst disk does (only what was
//! synced), and what an ordinary one may do (some of the rest, chosen by a seed).

mod played;
mod strace;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use self::played::{Dice, Disk};
use self::strace::{CALLS, Deed, deed};
use crate::gate::optgate;
use crate::peers::Peers;
use crate::process::{Ran, Server, wait_until};

/// How long a program that is watched at every step may take to start, or to end.
const LIMIT: Duration = Duration::from_secs(60);

/// The files of one folder, while a program worked there.
pub struct Recording {
    folder: PathBuf,
    before: BTreeMap<String, Vec<u8>>,
    deeds: Vec<Deed>,
}

/// What is on the disk after a crash.
pub struct Crash {
    /// The contents of the files, by name.
    pub files: BTreeMap<String, Vec<u8>>,
    /// What the program had said until then.
    pub said: Vec<Vec<u8>>,
    /// Where and how, for a person.
    pub what: String,
}

impl Crash {
    /// Puts the files into an empty folder.
    pub fn unpack(&self, folder: &Path) {
        for (name, content) in &self.files {
            fs::write(folder.join(name), content).expect("a file can be written");
        }
    }
}

impl Recording {
    /// The command to run instead of `program`: the same under strace, which writes to `log`.
    pub fn command(program: &Path, log: &Path) -> Command {
        let mut command = Command::new(Peers::get().field("strace", "program"));
        command.args(["-f", "-qq", "-y", "-xx", "-s", "16777216", "-e"]);
        command.arg(format!("trace={CALLS}")).arg("-o").arg(log).arg("--").arg(program);
        command
    }

    /// Runs a verb of `optgate` in `folder` to its end, and records it.
    pub fn of_verb(folder: &Path, words: &[&str]) -> (Self, i32) {
        let before = contents(folder);
        let log = folder.with_extension("trace");
        let mut command = Self::command(&Peers::get().optgate(), &log);
        let status = command
            .args(words)
            .current_dir(folder)
            .stdin(Stdio::null())
            .status()
            .expect("strace can be started");
        (Self::read(folder, before, &log), status.code().unwrap_or(-1))
    }

    /// Starts `optgate serve` in `folder`, lets `work` ask it things, ends it in order, and
    /// records all of it.
    pub fn of_gate(folder: &Path, work: impl FnOnce(&dyn Fn(&[&str]) -> Ran)) -> Self {
        let before = contents(folder);
        let log = folder.with_extension("trace");
        let mut command = Self::command(&Peers::get().optgate(), &log);
        command.args(["serve", "--config", "optgate.toml"]).current_dir(folder);
        let mut server = Server::start("optgate", &mut command, folder.with_extension("log"));
        let ask = |words: &[&str]| optgate(folder, words);
        let process = || {
            let status: Value = serde_json::from_str(&ask(&["status", "-o", "json"]).out).ok()?;
            i32::try_from(status.get("pid")?.as_u64()?).ok()
        };
        let mut gate = None;
        server.wait_ready(LIMIT, || {
            gate = process();
            gate.is_some()
        });
        work(&ask);
        // Not strace, which would let go of it.
        let gate = gate.and_then(Pid::from_raw).expect("the gate has told its number");
        kill_process(gate, Signal::TERM).expect("the gate is there");
        wait_until(LIMIT, || (!server.is_running()).then_some(())).expect("the gate ends");
        Self::read(folder, before, &log)
    }

    /// Reads what strace wrote. `before`: the files as they were, all of them on disk.
    pub fn read(folder: &Path, before: BTreeMap<String, Vec<u8>>, log: &Path) -> Self {
        let folder = folder.canonicalize().expect("the folder is there");
        let text = fs::read_to_string(log).expect("strace wrote text");
        let mut begun: BTreeMap<&str, String> = BTreeMap::new();
        let mut deeds = Vec::new();
        for line in text.lines() {
            let (process, call) = line.split_once(' ').expect("strace begins with the process");
            let call = call.trim_start();
            if let Some(start) = call.strip_suffix("<unfinished ...>") {
                begun.insert(process, start.trim_end().to_owned());
            } else if let Some(rest) = call.strip_prefix("<... ") {
                let (_, rest) = rest.split_once("resumed>").expect("strace resumes a call");
                let start = begun.remove(process).expect("a call that was begun");
                deeds.extend(deed(&folder, &format!("{start}{rest}")));
            } else {
                deeds.extend(deed(&folder, call));
            }
        }
        Self { folder, before, deeds }
    }

    /// How many things the program did to its files.
    pub fn len(&self) -> usize {
        self.deeds.len()
    }

    /// Whether it did nothing.
    pub fn is_empty(&self) -> bool {
        self.deeds.is_empty()
    }

    /// The folder it worked in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Everything the program said, in order.
    pub fn said(&self) -> Vec<Vec<u8>> {
        let said = |deed: &Deed| match deed {
            Deed::Say(bytes) => Some(bytes.clone()),
            _ => None,
        };
        self.deeds.iter().filter_map(said).collect()
    }

    /// What may be on the disk after a crash at any of its deeds, each state once.
    pub fn crashes(&self, seed: u64) -> Vec<Crash> {
        let mut disk = Disk::new(&self.before);
        let (mut seen, mut crashes, mut said) = (BTreeSet::new(), Vec::new(), Vec::new());
        for (count, deed) in self.deeds.iter().enumerate() {
            if let Deed::Say(bytes) = deed {
                said.push(bytes.clone());
                continue;
            }
            disk.play(deed);
            let mut dice = Dice(seed ^ (count as u64) << 20);
            let states = [
                ("killed", disk.all()),
                ("only what was synced", disk.synced()),
                ("some of it", disk.some(&mut dice)),
            ];
            for (how, files) in states {
                let mut hash = DefaultHasher::new();
                (&files, said.len()).hash(&mut hash);
                if seen.insert(hash.finish()) {
                    let what = format!("deed {count} of {}, {how}", self.deeds.len());
                    crashes.push(Crash { files, said: said.clone(), what });
                }
            }
        }
        crashes
    }
}

/// The files of a folder.
pub fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let entry = entry.expect("the folder can be read");
        if entry.file_type().expect("an entry has a type").is_file() {
            let name = entry.file_name().into_string().expect("names are text");
            files.insert(name, fs::read(entry.path()).expect("a file can be read"));
        }
    }
    files
}
