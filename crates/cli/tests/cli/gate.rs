//! A gate with a sink behind it: real mail through real processes.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::house::House;
use crate::smtp::Client;

/// A process that is ended with the test.
pub(crate) struct Running {
    child: Child,
    /// What it wrote to standard error until it was ready.
    pub(crate) log: Vec<String>,
    pub(crate) address: SocketAddr,
    rest: Option<BufReader<std::process::ChildStderr>>,
}

impl Running {
    /// Starts the binary and waits for a line of its log with ` word127.0.0.1:port`.
    pub(crate) fn start(house: &House, words: &[&str], before: &str) -> Self {
        let mut child = house
            .command(words)
            .stdin(Stdio::null())
            .stdout(Stdio::from(std::fs::File::create(house.path("stdout")).unwrap()))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut reader = BufReader::new(child.stderr.take().unwrap());
        let mut log = Vec::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap() == 0 {
                let _ = child.wait();
                panic!("it ended: {log:#?}");
            }
            log.push(line.clone());
            let Some((_, rest)) = line.split_once(before) else { continue };
            let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == ':'));
            let Ok(address) = rest[..end.unwrap_or(rest.len())].parse() else { continue };
            return Self { child, log, address, rest: Some(reader) };
        }
    }

    /// Not by the program `kill`, which a small system lacks.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).unwrap();
    }

    /// Waits for its end; its exit code and the rest of its log.
    pub(crate) fn wait(mut self) -> (Option<i32>, String) {
        let mut log = String::new();
        self.rest.take().unwrap().read_to_string(&mut log).unwrap();
        (self.child.wait().unwrap().code(), log)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A sink and a gate before it.
pub(crate) struct Pair {
    pub(crate) house: House,
    pub(crate) sink: Running,
    pub(crate) gate: Running,
}

impl Pair {
    /// A gate with more lines of configuration; `listener` goes into its listener.
    pub(crate) fn start(listener: &str, more: &str) -> Self {
        let house = House::empty();
        let sink = Running::start(
            &house,
            &["sink", "--listen", "127.0.0.1:0", "--dir", "mail"],
            "listening on ",
        );
        house.write("optgate.toml", config(&sink.address.to_string(), listener, more));
        let gate = serve(&house);
        Self { house, sink, gate }
    }

    pub(crate) fn client(&self) -> Client {
        Client::greeted(self.gate.address)
    }

    /// What the sink has stored, in order.
    pub(crate) fn stored(&self) -> Vec<String> {
        stored(&self.house)
    }
}

pub(crate) fn config(smarthost: &str, listener: &str, more: &str) -> String {
    format!(
        "[server]\nhostname = \"gate.example.com\"\n[smarthost]\naddress = \"{smarthost}\"\n{more}\n[[listener]]\naddress = \"127.0.0.1:0\"\n{listener}\n"
    )
}

pub(crate) fn serve(house: &House) -> Running {
    Running::start(house, &["serve"], "ready listeners=\"")
}

pub(crate) fn stored(house: &House) -> Vec<String> {
    let Ok(folder) = std::fs::read_dir(house.path("mail")) else { return Vec::new() };
    let mut files: Vec<_> = folder
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "eml"))
        .collect();
    files.sort();
    files
        .iter()
        .map(|file| String::from_utf8_lossy(&std::fs::read(file).unwrap()).into_owned())
        .collect()
}

#[track_caller]
pub(crate) fn within(seconds: u64, what: &str, is: impl Fn() -> bool) {
    let until = clock() + Duration::from_secs(seconds);
    while !is() {
        assert!(clock() < until, "not within {seconds} s: {what}");
        pause();
    }
}

#[expect(clippy::disallowed_methods, reason = "a test of real processes waits for them")]
fn clock() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "a test of real processes waits for them")]
fn pause() {
    std::thread::sleep(Duration::from_millis(20));
}

#[test]
fn mail_passes_with_one_received_field_more_and_nothing_else_changed() {
    let pair = Pair::start("", "");
    let mut client = pair.client();
    assert!(client.envelope(&["alice@example.com"])[0].starts_with("250"));
    let message = "Subject: x\r\n\r\n..a dot\r\nlast";
    assert!(client.data(message).starts_with("250 2.0.0 captured as 1"));
    let stored = pair.stored();
    assert!(stored[0].starts_with("Received: from client.test"), "{}", stored[0]);
    assert!(stored[0].ends_with("Subject: x\r\n\r\n.a dot\r\nlast\r\n"), "{}", stored[0]);
    assert!(client.say("QUIT").starts_with("221"));
}

#[test]
fn an_opt_out_added_while_it_runs_is_enforced_when_the_command_returns() {
    let pair = Pair::start("", "");
    let mut client = pair.client();
    assert!(client.envelope(&["bob@example.com"])[0].starts_with("250"));
    client.say("RSET");
    let ran = pair.house.run(&["optout", "add", "Bob+x@example.com"]).exits(0);
    assert!(ran.out.contains("The running gate refuses"), "{}", ran.out);
    let reply = client.envelope(&["bob@example.com"]).remove(0);
    assert!(reply.starts_with("550 5.7.1 <bob@example.com> opted out on "), "{reply}");
    let reference = reply.rsplit_once("ref ").unwrap().1;
    within(60, "the record, which is written behind the reply", || {
        std::fs::read_to_string(pair.house.path("evidence.jsonl")).unwrap().contains(reference)
    });
    let why = pair.house.run(&["-o", "json", "why", reference]).exits(1).json();
    assert_eq!(why["decisions"][0]["verdict"], "refuse");
    assert_eq!(why["entry"]["list"], "manual");
    // Read out on the phone: small letters, with a hyphen.
    let (head, tail) = reference.split_at(6);
    pair.house.run(&["why", &format!("{head}-{tail}").to_lowercase()]).exits(1);
    // The beginning of several names none.
    pair.house.run(&["why", &reference[..4]]).exits(65);
    let ran = pair.house.run(&["status"]).exits(0);
    assert!(ran.out.contains("running, process"), "{}", ran.out);
    assert!(ran.out.contains("recipients refused"), "{}", ran.out);
    let ran = pair.house.feed(&["replay", "-"], "bob@example.com\neve@example.com\n").exits(1);
    assert!(ran.err.contains("1 would be permitted, 1 refused"), "{}", ran.err);
}

#[test]
fn an_import_into_the_running_gate_is_enforced() {
    let pair = Pair::start("", "");
    let rows = (0..3000).fold("email\n".to_owned(), |all, n| all + &format!("u{n}@example.com\n"));
    pair.house.write("list.csv", rows);
    let look = ["-o", "json", "optout", "import", "--dry-run", "list.csv"];
    let foreseen = pair.house.run(&look).exits(0).json();
    assert_eq!((&foreseen["added"], &foreseen["dry_run"]), (&3000.into(), &true.into()));
    assert!(pair.client().envelope(&["u0@example.com"])[0].starts_with("250"), "nothing is done");
    let outcome = pair.house.run(&["-o", "json", "optout", "import", "list.csv"]).exits(0).json();
    assert_eq!(outcome["added"], 3000);
    let foreseen = pair.house.run(&look).exits(0).json();
    assert_eq!((&foreseen["added"], &foreseen["seen"]), (&0.into(), &3000.into()));
    let replies =
        pair.client().envelope(&["u0@example.com", "u2999@example.com", "u3000@example.com"]);
    assert!(replies[0].starts_with("550") && replies[1].starts_with("550"), "{replies:?}");
    assert!(replies[2].starts_with("250"), "{replies:?}");
}

#[test]
fn a_signal_lets_sessions_end_and_the_next_start_knows_everything() {
    let pair = Pair::start("", "");
    pair.house.run(&["optout", "add", "bob@example.com"]).exits(0);
    let mut client = pair.client();
    assert!(client.envelope(&["alice@example.com"])[0].starts_with("250"));
    pair.gate.signal(Signal::TERM);
    let done = client.data("Subject: x\r\n\r\nlast one");
    assert!(done.starts_with("250"), "a message under way is finished: {done}");
    drop(client);
    let Pair { house, gate, sink: _sink } = pair;
    let (code, log) = gate.wait();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("stopped"), "{log}");
    assert!(!house.path("optgate.sock").exists());
    let gate = serve(&house);
    let reply = Client::greeted(gate.address).envelope(&["bob@example.com"]).remove(0);
    assert!(reply.starts_with("550"), "{reply}");
}

#[test]
fn killed_at_any_time_no_acknowledged_opt_out_is_lost() {
    let mut pair = Pair::start("", "");
    for round in 0..3 {
        let mut acknowledged = Vec::new();
        for n in 0..5 {
            let address = format!("u{round}-{n}@example.com");
            pair.house.run(&["optout", "add", &address]).exits(0);
            acknowledged.push(address);
        }
        let _ = pair.gate.child.kill();
        let _ = pair.gate.child.wait();
        pair.gate = serve(&pair.house);
        let to: Vec<&str> = acknowledged.iter().map(String::as_str).collect();
        let replies = pair.client().envelope(&to);
        assert!(replies.iter().all(|r| r.starts_with("550")), "{replies:?}");
    }
}

#[test]
fn a_second_gate_on_the_ledger_says_who_has_it() {
    let pair = Pair::start("", "");
    let ran = pair.house.run(&["serve"]).exits(75);
    assert!(
        ran.err.contains("a gate (process") && ran.err.contains("One gate at a time"),
        "{}",
        ran.err
    );
}

#[test]
fn a_taken_port_is_told() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap();
    let house = House::with(&format!(
        "[server]\nhostname = \"gate.example.com\"\n[smarthost]\naddress = \"127.0.0.1:9\"\n[[listener]]\naddress = \"{port}\"\n"
    ));
    let ran = house.run(&["serve"]).exits(69);
    assert!(ran.err.contains(&port.to_string()), "{}", ran.err);
    let ran = house.run(&["demo", "--once", "--listen", &port.to_string()]).exits(69);
    assert!(ran.err.contains("--listen"), "{}", ran.err);
}

#[test]
fn a_configuration_with_a_mistake_does_not_start() {
    let house = House::with("[smarthost]\naddres = \"127.0.0.1:9\"\n");
    let ran = house.run(&["serve"]).exits(78);
    assert!(ran.err.contains("did you mean `address`?"), "{}", ran.err);
}

#[test]
fn the_demo_runs_twice_and_everything_can_be_tried_afterwards() {
    let house = House::empty();
    for _ in 0..2 {
        let ran = house.run(&["demo", "--once", "--listen", "127.0.0.1:0"]).exits(0);
        assert!(ran.out.contains("4 opt-outs"), "{}", ran.out);
        assert!(
            ran.out.contains(
                "550 5.7.1 <bob@example.com> opted out on 2026-03-02 (list newsletter); ref"
            ),
            "{}",
            ran.out
        );
        assert!(ran.out.contains("curl smtp://127.0.0.1:"), "{}", ran.out);
    }
    house.run(&["why", "eve@example.com", "--config", "demo-data/optgate.toml"]).exits(1);
    house.run(&["check", "--config", "demo-data/optgate.toml"]).exits(0);
}
