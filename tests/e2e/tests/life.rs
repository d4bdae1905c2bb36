//! The life of a gate: other configurations while mail flows, an end that cuts nobody off, and
//! what systemd sees of it.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use e2e::{
    Dialogue, GATE_NAME, Gate, Impostor, Letter, Peers, Postfix, Scratch, Server, Setup, Smarthost,
    free_port, optgate, run, wait_until,
};
use rustix::process::{Pid, Signal, kill_process};

use crate::SENDER;

const PATIENCE: Duration = Duration::from_secs(60);
/// How long the slow smarthost takes for its reply to the dot.
const SLOW: Duration = Duration::from_secs(2);

fn signal(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(pid.try_into().unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

/// A smarthost that takes its time over each message.
fn slow(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    stream.write_all(b"220 slow\r\n")?;
    let mut in_data = false;
    while let Some(line) = lines.next().transpose()? {
        if in_data {
            if line == "." {
                in_data = false;
                std::thread::sleep(SLOW);
                stream.write_all(b"250 2.0.0 taken at last\r\n")?;
            }
            continue;
        }
        let word = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        match word.as_str() {
            "EHLO" => stream.write_all(b"250-slow\r\n250-PIPELINING\r\n250 8BITMIME\r\n")?,
            "DATA" => {
                in_data = true;
                stream.write_all(b"354 go on\r\n")?;
            }
            "QUIT" => return stream.write_all(b"221 bye\r\n"),
            _ => stream.write_all(b"250 ok\r\n")?,
        }
    }
    Ok(())
}

/// The configuration file with something else in the place of a part of it.
struct File<'a> {
    gate: &'a Gate,
    text: String,
}

impl<'a> File<'a> {
    fn of(gate: &'a Gate) -> Self {
        let text = std::fs::read_to_string(gate.folder().join("optgate.toml")).unwrap();
        Self { gate, text }
    }

    fn write(&self, text: &str) {
        // As a careful editor does: a reload must not find half of it.
        let path = self.gate.folder().join("optgate.toml");
        let new = path.with_extension("new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, path).unwrap();
    }

    fn reload(&self, what: &str, with: &str) -> e2e::Ran {
        assert!(self.text.contains(what), "{what}");
        self.write(&self.text.replacen(what, with, 1));
        self.gate.ask(&["reload"])
    }
}

#[test]
fn mail_flows_on_while_the_configuration_is_exchanged_with_postfix() {
    let scratch = Scratch::new();
    let postfix = Postfix::start(&scratch);
    let gate = Gate::start(&scratch.path().join("gate"), &Setup::new(postfix.address()));
    let (over, number) = (AtomicBool::new(false), AtomicU32::new(0));
    let other = free_port();
    let file = File::of(&gate);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    // One session each: none may be refused, whatever moment it comes.
                    let (mut dialogue, greeting) = Dialogue::open(gate.address).unwrap();
                    assert_eq!(greeting.code, 220, "{greeting:?}");
                    dialogue.ask("EHLO client.test").unwrap();
                    let mine = number.fetch_add(1, Ordering::Relaxed);
                    let letter = Letter::plain(&format!("life-{mine}"));
                    let to = format!("customer{mine}@example.com");
                    let reply = dialogue.mail(SENDER, &[&to], &letter.content).unwrap();
                    assert_eq!(reply.code, 250, "{reply:?}");
                }
            });
        }
        for round in 0..12_u32 {
            let begun = number.load(Ordering::Relaxed);
            let more = format!(
                "[[listener]]\naddress = \"{other}\"\n[limits]\nerrors = {}\n[[stream]]\nname = \"s{round}\"\n[[listener]]",
                round + 5
            );
            let ran = match round % 3 {
                0 => file.reload("[[listener]]", &more),
                1 => file.reload("[[listener]]", "[[listener]]\nnotice = \"Other words.\""),
                _ => file.reload("[[listener]]", "[[listner]]"),
            };
            assert_eq!(ran.code == 0, round % 3 != 2, "{}", ran.text());
            let reached = || (number.load(Ordering::Relaxed) >= begun + 4).then_some(());
            wait_until(PATIENCE, reached).unwrap();
            if round % 3 == 0 {
                assert_eq!(Dialogue::open(other).unwrap().1.code, 220);
            }
        }
        over.store(true, Ordering::Relaxed);
    });
    let stored = postfix.stored();
    let sent = number.load(Ordering::Relaxed);
    for mine in 0..sent {
        let content = Letter::plain(&format!("life-{mine}")).content;
        let copies = stored.iter().filter(|copy| copy.content == content).count();
        assert_eq!(copies, 1, "message {mine} of {sent}");
    }
    assert!(Dialogue::open(other).is_err(), "the listener was taken away");
}

#[test]
fn an_open_session_ends_with_what_it_began_with() {
    let scratch = Scratch::new();
    let smarthost = Impostor::start(slow);
    let gate = Gate::start(&scratch.path().join("gate"), &Setup::new(smarthost.address));
    let mut before = gate.dialogue();
    let file = File::of(&gate);
    let ran = file.reload("[[listener]]", "[[listener]]\naction = \"drop\"");
    assert_eq!(ran.code, 0, "{}", ran.text());
    assert!(ran.out.contains("[[listener]] 1 action"), "{}", ran.out);
    let mut after = gate.dialogue();
    for (dialogue, refused) in [(&mut before, 550), (&mut after, 250)] {
        let mut ask = |line: &str| dialogue.ask(line).unwrap().code;
        assert_eq!(ask(&format!("MAIL FROM:<{SENDER}>")), 250);
        assert_eq!(ask("RCPT TO:<bob@example.com>"), refused);
        assert_eq!(ask("RCPT TO:<alice@example.com>"), 250);
    }
    file.write(&file.text);
    let again = gate.ask(&["reload"]);
    assert_eq!(again.code, 0, "{}", again.text());
    let nothing = gate.ask(&["reload"]);
    assert!(nothing.out.contains("nothing changed"), "{}", nothing.text());
}

#[test]
fn a_new_list_counts_at_once_and_one_that_is_gone_holds_nobody_up() {
    let scratch = Scratch::new();
    let smarthost = Impostor::start(slow);
    let gate = Gate::start(&scratch.path().join("gate"), &Setup::new(smarthost.address));
    let file = File::of(&gate);
    std::fs::write(gate.folder().join("more.csv"), "email\ndave@example.com\n").unwrap();
    let more = "[[source]]\nname = \"more\"\ncsv = \"more.csv\"\n[[source]]";
    let ran = file.reload("[[source]]", more);
    assert_eq!(ran.code, 0, "{}", ran.text());
    let refused = || (gate.verdict("dave@example.com").code == 550).then_some(());
    wait_until(PATIENCE, refused).unwrap();
    // Unreadable from now on: what it could hold is not known.
    std::fs::write(gate.folder().join("empty.csv"), "").unwrap();
    let ran = file.reload(
        "[[source]]",
        &more.replace("more.csv", "empty.csv").replace("\"more\"", "\"none\""),
    );
    assert_eq!(ran.code, 0, "{}", ran.text());
    wait_until(PATIENCE, || (gate.verdict("eve@example.com").code == 451).then_some(())).unwrap();
    file.write(&file.text);
    assert_eq!(gate.ask(&["reload"]).code, 0);
    wait_until(PATIENCE, || (gate.verdict("eve@example.com").code == 250).then_some(())).unwrap();
    assert_eq!(gate.verdict("bob@example.com").code, 550);
}

#[test]
fn a_configuration_that_cannot_be_is_refused_whole() {
    let scratch = Scratch::new();
    let smarthost = Impostor::start(slow);
    let gate = Gate::start(&scratch.path().join("gate"), &Setup::new(smarthost.address));
    let file = File::of(&gate);
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = other.local_addr().unwrap();
    let listen = format!("[[listener]]\naddress = \"{taken}\"\n[[listener]]\nnotice = \"new\"");
    let cases: [(&str, &str, i32, &str); 6] = [
        ("[server]", "[server]\nhostnam = \"x\"", 78, "optgate.toml:2"),
        ("[smarthost]", "[smarthost", 78, "optgate.toml:4"),
        ("[[listener]]", listen.as_str(), 69, "cannot listen at"),
        ("csv = \"crm.csv\"", "csv = \"gone.csv\"", 78, "gone.csv is not there"),
        ("recipient = \"plain\"", "recipient = \"hashed\"", 78, "[evidence] recipient cannot"),
        ("[evidence]", "[log]\nformat = \"json\"\n[evidence]", 78, "[log] format cannot"),
    ];
    for (count, (what, with, code, words)) in (1..).zip(cases) {
        let ran = file.reload(what, with);
        assert_eq!(ran.code, code, "{with}: {}", ran.text());
        assert!(ran.err.contains(words), "{with}: {}", ran.err);
        let status = gate.ask(&["status", "-o", "json"]);
        let status: serde_json::Value = serde_json::from_str(&status.out).unwrap();
        assert_eq!(status["configuration"]["failures"], count);
        let why = status["configuration"]["last_failure"]["why"].as_str().unwrap();
        assert!(why.contains(words), "{why}");
        assert_eq!(gate.verdict("bob@example.com").code, 550);
        assert_eq!(Dialogue::open(gate.address).unwrap().1.text, format!("{GATE_NAME} ESMTP"));
    }
    file.write(&file.text);
    assert_eq!(gate.ask(&["reload"]).code, 0);
    let status = gate.ask(&["status"]);
    assert!(!status.out.contains("refused at"), "{}", status.out);
    // By signal it is the same, and told in the log.
    file.write(&file.text.replace("[server]", "[server]\nx = 1"));
    signal(gate.process_id(), Signal::HUP);
    let told = || gate.log().contains("unknown key `x` in [server]").then_some(());
    wait_until(PATIENCE, told).unwrap();
}

#[test]
fn a_gate_that_is_killed_while_it_reloads_starts_again() {
    let scratch = Scratch::new();
    let smarthost = Impostor::start(slow);
    let mut gate = Gate::start(&scratch.path().join("gate"), &Setup::new(smarthost.address));
    for round in 0..6_u64 {
        let file = File::of(&gate);
        let errors = format!("[limits]\nerrors = {}\n[[stream]]", round + 5);
        file.write(
            &file.text.replace("[[source]]", &format!("{errors}\nname = \"s{round}\"\n[[source]]")),
        );
        signal(gate.process_id(), Signal::HUP);
        std::thread::sleep(Duration::from_millis(round * 3));
        e2e::kill_nine(gate.process_id());
        file.write(&file.text);
        gate.kill_and_restart();
        assert_eq!(gate.verdict("bob@example.com").code, 550);
    }
    let verified = gate.ask(&["ledger", "verify"]);
    assert_eq!(verified.code, 0, "{}", verified.text());
}

#[test]
fn a_gate_that_is_stopped_ends_what_it_has_begun() {
    let scratch = Scratch::new();
    let smarthost = Impostor::start(slow);
    let mut gate = Gate::start(&scratch.path().join("gate"), &Setup::new(smarthost.address));
    let mut idle = gate.dialogue();
    let mut early = gate.dialogue();
    assert_eq!(early.ask(&format!("MAIL FROM:<{SENDER}>")).unwrap().code, 250);
    let mut late = gate.dialogue();
    let letter = Letter::plain("life-drain");
    let address = gate.address;
    std::thread::scope(|scope| {
        // Its dot waits for the smarthost when the signal comes.
        let sent = scope.spawn(|| {
            let reply = late.mail(SENDER, &["alice@example.com"], &letter.content).unwrap();
            (reply, late.read())
        });
        let intent = || gate.evidence().iter().any(|line| line.to_string().contains("intent"));
        wait_until(PATIENCE, || intent().then_some(())).unwrap();
        signal(gate.process_id(), Signal::TERM);
        let closed = idle.read().unwrap();
        assert_eq!((closed.code, closed.text.get(..5)), (421, Some("4.3.2")), "{closed:?}");
        wait_until(PATIENCE, || TcpStream::connect(address).is_err().then_some(())).unwrap();
        // It has begun, so it may end.
        for line in ["RCPT TO:<alice@example.com>", "DATA"] {
            assert!(early.ask(line).unwrap().code < 400, "{line}");
        }
        early.send(b"Subject: early\r\n\r\nx\r\n.\r\n").unwrap();
        let (reply, then) = sent.join().unwrap();
        assert_eq!((reply.code, reply.text.as_str()), (250, "2.0.0 taken at last"));
        assert!(then.is_ok_and(|reply| reply.code == 421));
        assert_eq!(early.read().unwrap().text, "2.0.0 taken at last");
        assert_eq!(early.read().unwrap().code, 421);
    });
    drop((idle, early, late));
    let ended = wait_until(PATIENCE, || (!gate.is_running()).then_some(()));
    ended.expect("it ends when its sessions have");
    assert!(gate.log().contains("stopped"), "{}", gate.log());
    let evidence: String = gate.evidence().iter().map(|line| format!("{line}\n")).collect();
    assert_eq!(evidence.matches("taken at last").count(), 2, "{evidence}");
}

#[test]
fn the_end_of_the_grace_period_or_a_second_signal_ends_it_at_once() {
    let scratch = Scratch::new();
    let smarthost = Impostor::start(slow);
    for (name, grace, twice) in [("grace", "5s", false), ("twice", "1h", true)] {
        let mut gate = Gate::start(&scratch.path().join(name), &Setup::new(smarthost.address));
        let file = File::of(&gate);
        let ran = file.reload("[server]", &format!("[server]\ngrace = \"{grace}\""));
        assert_eq!(ran.code, 0, "{}", ran.text());
        let mut begun = gate.dialogue();
        assert_eq!(begun.ask(&format!("MAIL FROM:<{SENDER}>")).unwrap().code, 250);
        let mut idle = gate.dialogue();
        signal(gate.process_id(), Signal::TERM);
        assert_eq!(idle.read().unwrap().code, 421);
        if twice {
            assert!(gate.is_running());
            signal(gate.process_id(), Signal::TERM);
        }
        wait_until(PATIENCE, || (!gate.is_running()).then_some(())).unwrap();
        assert_eq!(gate.log().contains("stopped at once"), twice, "{}", gate.log());
    }
}

/// What comes in at a socket of datagrams. They are taken at once: a socket keeps no more than ten,
/// and the watchdog's alone are that many in a second.
fn datagrams(path: &Path) -> Receiver<String> {
    let socket = UnixDatagram::bind(path).unwrap();
    let (told, heard) = channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(read) = socket.recv(&mut buffer) {
            let text = String::from_utf8_lossy(&buffer[..read]).into_owned();
            if told.send(text).is_err() {
                return;
            }
        }
    });
    heard
}

/// The datagrams until one that holds these words.
fn heard(datagrams: &Receiver<String>, words: &str) -> Vec<String> {
    let mut all = Vec::new();
    // For all together: those of the watchdog never end.
    let until = Instant::now() + PATIENCE;
    loop {
        let next = datagrams.recv_timeout(until.saturating_duration_since(Instant::now()));
        all.push(next.unwrap_or_else(|error| panic!("{words}: {error}, {all:?}")));
        if all.last().is_some_and(|last| last.contains(words)) {
            return all;
        }
    }
}

#[test]
fn systemd_is_told_of_each_state() {
    let scratch = Scratch::new();
    let smarthost = Impostor::start(slow);
    let path = scratch.path().join("notify");
    let socket = datagrams(&path);
    let setup = Setup {
        under: vec![
            "env".to_owned(),
            format!("NOTIFY_SOCKET={}", path.display()),
            "WATCHDOG_USEC=200000".to_owned(),
        ],
        ..Setup::new(smarthost.address)
    };
    let mut gate = Gate::start(&scratch.path().join("gate"), &setup);
    let ready = heard(&socket, "READY=1");
    assert!(ready.iter().any(|one| one.contains(&format!("STATUS=serving at {}", gate.address))));
    for _ in 0..3 {
        heard(&socket, "WATCHDOG=1");
    }
    let file = File::of(&gate);
    assert_eq!(file.reload("[server]", "[server]\nwrong = 1").code, 78);
    let reloading = heard(&socket, "RELOADING=1");
    let micros = reloading.last().and_then(|one| one.split_once("MONOTONIC_USEC="));
    let micros = micros.and_then(|(_, rest)| rest.lines().next()?.parse::<u64>().ok());
    assert!(micros.is_some_and(|micros| micros > 0), "{reloading:?}");
    let ready = heard(&socket, "READY=1");
    assert!(ready.last().is_some_and(|one| one.contains("refused")), "{ready:?}");
    file.write(&file.text);
    signal(gate.process_id(), Signal::HUP);
    heard(&socket, "RELOADING=1");
    let ready = heard(&socket, "READY=1");
    assert!(ready.last().is_some_and(|one| one.contains("serving at")), "{ready:?}");
    gate.stop();
    heard(&socket, "STOPPING=1");
}

fn config(folder: &Path, listeners: &[SocketAddr], smarthost: SocketAddr) {
    let listeners: String =
        listeners.iter().map(|at| format!("[[listener]]\naddress = \"{at}\"\n")).collect();
    let text = format!(
        "[server]\nhostname = \"gate.corp.example\"\n[smarthost]\naddress = \"{smarthost}\"\n{listeners}"
    );
    std::fs::write(folder.join("optgate.toml"), text).unwrap();
}

#[test]
fn sockets_of_systemd_are_used_and_found_again_systemd() {
    let scratch = Scratch::new();
    let smarthost = Impostor::start(slow);
    let (folder, first, second) = (scratch.path().to_owned(), free_port(), free_port());
    config(&folder, &[first, second], smarthost.address);
    let mut command = Command::new("systemd-socket-activate");
    command.args(["-l", &first.to_string(), "-l", &second.to_string()]);
    command.arg(Peers::get().optgate()).args(["serve", "--config", "optgate.toml"]);
    command.current_dir(&folder);
    let mut server = Server::start("activated", &mut command, folder.join("gate.log"));
    let greeted = |at| Dialogue::open(at).is_ok_and(|(_, greeting)| greeting.code == 220);
    server.wait_ready(PATIENCE, || greeted(first));
    assert!(greeted(second));
    for listeners in [&[first][..], &[first, second]] {
        config(&folder, listeners, smarthost.address);
        let ran = optgate(&folder, &["reload"]);
        assert_eq!(ran.code, 0, "{}", ran.text());
    }
    // It is systemd's, so that nobody else could have bound it.
    assert!(greeted(first) && greeted(second));
    assert_eq!(server.stop(PATIENCE), Some(0), "{}", server.printed());

    config(&folder, &[first], smarthost.address);
    let mut command = Command::new("systemd-socket-activate");
    command.args(["-l", &second.to_string()]).arg(Peers::get().optgate()).arg("serve");
    command.current_dir(&folder);
    let server = Server::start("activated", &mut command, folder.join("second.log"));
    let told = wait_until(PATIENCE, || {
        // Which starts it.
        let _ = TcpStream::connect(second);
        server.printed().contains("no [[listener]] has this address").then_some(())
    });
    told.unwrap_or_else(|| panic!("{}", server.printed()));
}

#[test]
fn an_ordinary_user_serves_port_25_with_one_capability() {
    const NOBODY: u32 = 65534;
    let scratch = Scratch::new();
    let smarthost = Impostor::start(slow);
    let folder = scratch.path().join("gate");
    std::fs::create_dir(&folder).unwrap();
    std::os::unix::fs::chown(&folder, Some(NOBODY), Some(NOBODY)).unwrap();
    // The whole network is this machine; no other test has this address.
    let address: SocketAddr = "127.25.25.25:25".parse().unwrap();
    config(&folder, &[address], smarthost.address);
    for (capability, served) in [("-all,+net_bind_service", true), ("-all", false)] {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
        for of in ["--inh-caps", "--ambient-caps", "--bounding-set"] {
            command.args([of, capability]);
        }
        command.arg("--no-new-privs").arg(Peers::get().optgate()).arg("serve");
        command.current_dir(&folder);
        let mut server = Server::start("as nobody", &mut command, folder.join("gate.log"));
        if served {
            let greeted = || Dialogue::open(address).is_ok_and(|(_, g)| g.code == 220);
            server.wait_ready(PATIENCE, greeted);
            let status = std::fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
            // CAP_NET_BIND_SERVICE is the tenth bit.
            assert!(status.contains("CapEff:\t0000000000000400"), "{status}");
            assert_eq!(server.stop(PATIENCE), Some(0));
        } else {
            let told = || server.printed().contains("Permission denied").then_some(());
            wait_until(PATIENCE, told).unwrap_or_else(|| panic!("{}", server.printed()));
        }
    }
}

#[test]
fn the_unit_files_are_right_and_tight_systemd() {
    let scratch = Scratch::new();
    let packaging = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging");
    let binary = Peers::get().optgate().display().to_string();
    for unit in ["optgate.service", "optgate.socket"] {
        let text = std::fs::read_to_string(packaging.join(unit)).unwrap();
        let here = text.replace("/usr/bin/optgate", &binary);
        std::fs::write(scratch.path().join(unit), here).unwrap();
    }
    let analyze = |words: &[&str], unit: &str| {
        let mut command = Command::new("systemd-analyze");
        command.args(words).arg(scratch.path().join(unit)).stdin(Stdio::null());
        run(&mut command, PATIENCE)
    };
    for unit in ["optgate.service", "optgate.socket"] {
        let ran = analyze(&["verify", "--man=no"], unit);
        // Before 253 it does not know one word, and says so.
        let strange: Vec<_> =
            ran.err.lines().filter(|line| !line.contains("notify-reload")).collect();
        assert!(ran.code == 0 && strange.is_empty(), "{}", ran.text());
    }
    // In tenths of a point: what systemd calls OK ends at 4.9.
    let ran = analyze(&["security", "--offline=true", "--threshold=20"], "optgate.service");
    assert_eq!(ran.code, 0, "{}", ran.text());
}
