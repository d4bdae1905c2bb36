//! `optgate serve` with a configuration of its own, and the other verbs beside it.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::peers::Peers;
use crate::port::free_port;
use crate::process::{Ran, Server, run, wait_until};
use crate::smarthost::GATE_NAME;
use crate::wire::Dialogue;

/// A start reads the lists and the ledger; the machine is shared.
const START_LIMIT: Duration = Duration::from_secs(60);
/// A record is written within milliseconds.
const RECORD_LIMIT: Duration = Duration::from_secs(60);
/// What a verb may take.
const VERB_LIMIT: Duration = Duration::from_secs(60);

/// What a gate is started with: the parts of a configuration file that the tests
/// vary. Everything else is the default.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Where mail goes.
    pub smarthost: SocketAddr,
    /// More lines of `[[smarthost]]`, and more of those.
    pub smarthost_lines: String,
    /// More lines of `[[listener]]`, such as `action = "drop"`.
    pub listener_lines: String,
    /// More lines of `[evidence]`.
    pub evidence_lines: String,
    /// More tables.
    pub tables: String,
    /// A program that runs the gate, with its arguments, such as strace.
    pub under: Vec<String>,
    /// How long a start may take: it reads all lists.
    pub start_limit: Duration,
    /// The content of the list `crm.csv`, the one source unless `tables` adds more.
    pub list: String,
}

impl Setup {
    /// The list of the tests: bob and carol have opted out.
    pub const LIST: &str = "Email Address,Opted out\nbob@example.com,2026-03-02\n\
                            \"carol@example.com\",2026-04-05\n";

    /// Everything by default in front of a smarthost.
    pub fn new(smarthost: SocketAddr) -> Self {
        Self {
            smarthost,
            smarthost_lines: String::new(),
            listener_lines: String::new(),
            evidence_lines: String::new(),
            tables: String::new(),
            under: Vec::new(),
            start_limit: START_LIMIT,
            list: Self::LIST.to_owned(),
        }
    }

    fn text(&self, listen: SocketAddr) -> String {
        format!(
            "[server]\nhostname = \"{GATE_NAME}\"\n\n\
             [[smarthost]]\naddress = \"{smarthost}\"\n{smarthost_lines}\n\
             [[listener]]\naddress = \"{listen}\"\n{listener_lines}\n\
             [ledger]\npath = \"optgate.db\"\nkey_file = \"optgate.key\"\n\n\
             [evidence]\npath = \"evidence.jsonl\"\nrecipient = \"plain\"\n{evidence_lines}\n\
             [[source]]\nname = \"crm.csv\"\ncsv = \"crm.csv\"\n\n{tables}\n",
            smarthost = self.smarthost,
            smarthost_lines = self.smarthost_lines,
            listener_lines = self.listener_lines,
            evidence_lines = self.evidence_lines,
            tables = self.tables,
        )
    }
}

/// A running gate in a folder of its own.
pub struct Gate {
    server: Server,
    /// Where it listens.
    pub address: SocketAddr,
    folder: PathBuf,
    under: Vec<String>,
    start_limit: Duration,
}

impl Gate {
    /// Writes the configuration and starts `optgate serve` in `folder`.
    pub fn start(folder: &Path, setup: &Setup) -> Self {
        let address = free_port();
        fs::create_dir_all(folder).expect("a folder can be made");
        fs::write(folder.join("crm.csv"), &setup.list).expect("a list can be written");
        fs::write(folder.join("optgate.toml"), setup.text(address)).expect("a file can be written");
        let (folder, under) = (folder.to_owned(), setup.under.clone());
        let start_limit = setup.start_limit;
        let server = serve(&folder, address, &under, start_limit);
        Self { server, address, folder, under, start_limit }
    }

    /// Ends it as a power cut would, and starts it again with the same files.
    pub fn kill_and_restart(&mut self) {
        self.kill();
        self.restart();
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) {
        self.server.kill();
    }

    /// Starts it again after [`Gate::kill`].
    pub fn restart(&mut self) {
        self.server = serve(&self.folder, self.address, &self.under, self.start_limit);
    }

    /// Asks it to end, and says with which code it did.
    pub fn stop(&mut self) -> Option<i32> {
        self.server.stop(Duration::from_secs(30))
    }

    /// Runs `optgate VERB ... --config FILE` beside it.
    pub fn ask(&self, words: &[&str]) -> Ran {
        optgate(&self.folder, words)
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        self.server.printed()
    }

    /// Its process.
    pub fn process_id(&self) -> u32 {
        self.server.id()
    }

    /// The most memory it has had at a time, in bytes.
    pub fn peak_memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process_id()));
        let status = status.expect("the gate is running");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
        kibibytes.and_then(|number| number.parse::<u64>().ok()).expect("Linux tells VmHWM") * 1024
    }

    /// Whether it is still running.
    pub fn is_running(&mut self) -> bool {
        self.server.is_running()
    }

    /// Its folder: configuration, lists, ledger, evidence.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The lines of the evidence file so far.
    pub fn evidence(&self) -> Vec<serde_json::Value> {
        let text = fs::read_to_string(self.folder.join("evidence.jsonl")).unwrap_or_default();
        // The last one may just be being written.
        text.split_inclusive('\n')
            .filter(|line| line.ends_with('\n'))
            .map(|line| serde_json::from_str(line).expect("each line of evidence is JSON"))
            .collect()
    }

    /// The records of one kind, in their order, as soon as there are `count`: most are written
    /// behind the reply. After a minute, those that there are.
    pub fn records(&self, kind: &str, count: usize) -> Vec<serde_json::Value> {
        let mut found = Vec::new();
        let _ = wait_until(RECORD_LIMIT, || {
            found = self.evidence();
            found.retain(|record| record["record"] == kind);
            (found.len() >= count).then_some(())
        });
        found
    }

    /// Opens a session by hand: greeting and EHLO are done.
    pub fn dialogue(&self) -> Dialogue {
        let (mut dialogue, greeting) = Dialogue::open(self.address).expect("the gate answers");
        assert_eq!(greeting.code, 220, "{greeting:?}");
        let hello = dialogue.ask("EHLO client.test").expect("the gate answers EHLO");
        assert_eq!(hello.code, 250, "{hello:?}");
        dialogue
    }

    /// What the gate says to one recipient.
    pub fn verdict(&self, recipient: &str) -> crate::wire::Reply {
        let mut dialogue = self.dialogue();
        let mail = dialogue.ask("MAIL FROM:<shop@corp.example>").expect("the gate answers MAIL");
        assert_eq!(mail.code, 250, "{mail:?}");
        dialogue.ask(&format!("RCPT TO:<{recipient}>")).expect("the gate answers RCPT")
    }
}

/// Runs any verb of `optgate` in a folder, within a limit.
pub fn optgate(folder: &Path, words: &[&str]) -> Ran {
    let mut command = command(folder);
    run(command.args(words).stdin(Stdio::null()), VERB_LIMIT)
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new(Peers::get().optgate());
    command.current_dir(folder).env("NO_COLOR", "1").env_remove("RUST_LOG");
    command
}

fn serve(folder: &Path, address: SocketAddr, under: &[String], limit: Duration) -> Server {
    let mut command = command(folder);
    if let [program, arguments @ ..] = under {
        let optgate = command.get_program().to_owned();
        command = Command::new(program);
        command.args(arguments).arg(optgate);
        command.current_dir(folder).env("NO_COLOR", "1").env_remove("RUST_LOG");
    }
    command.args(["serve", "--config", "optgate.toml"]);
    let mut server = Server::start("optgate", &mut command, folder.join("gate.log"));
    // Not by its greeting: some listeners want TLS or a front end first.
    server.wait_ready(limit, || TcpStream::connect(address).is_ok());
    // The gate listens at once and defers until it has tried its lists; what a test
    // is about comes after that.
    server.wait_ready(limit, || every_list_was_tried(folder));
    server
}

fn every_list_was_tried(folder: &Path) -> bool {
    let status = optgate(folder, &["status", "--config", "optgate.toml", "-o", "json"]);
    let Ok(status) = serde_json::from_str::<serde_json::Value>(&status.out) else { return false };
    let lines = |what| status.get(what).and_then(serde_json::Value::as_array).into_iter().flatten();
    let name = |line: &serde_json::Value| line.get("name").cloned();
    // Those that are asked live are not read.
    let live: Vec<_> = lines("live").filter_map(name).collect();
    let mut sources =
        lines("sources").filter(|source| name(source).is_none_or(|name| !live.contains(&name)));
    sources.all(|source| {
        let known = |field| source.get(field).is_some_and(|value| !value.is_null());
        (known("last_success") && !known("unknown")) || known("last_error")
    })
}
