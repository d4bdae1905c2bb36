//! The disk is full from some write on, at every write in turn: strace lets the calls fail as
//! the kernel would. Whatever is said to be recorded is recorded, an error says that the disk is
//! full, nothing is damaged, and a gate that cannot write evidence defers.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use e2e::{Aiosmtpd, Dialogue, Gate, Letter, Peers, Ran, Scratch, Setup, optgate, run};

use crate::SENDER;

/// Longer than any verb takes when it is watched at every step.
const LIMIT: Duration = Duration::from_secs(60);
/// What a ledger is made of.
const LEDGER: [&str; 4] = ["optgate.db", "optgate.db-wal", "optgate.db-journal", "optgate.key"];

/// strace, letting every write to these files fail from the `first` one on; behind it comes the
/// program.
fn full_from(first: u32, folder: &Path, files: &[&str]) -> Vec<String> {
    let mut words = vec![Peers::get().field("strace", "program").to_owned()];
    words.extend(["-f", "-qq", "-o", "/dev/null"].map(str::to_owned));
    for file in files {
        words.extend(["-P".to_owned(), folder.join(file).to_string_lossy().into_owned()]);
    }
    words.extend([
        "-e".to_owned(),
        format!(
            "inject=write,pwrite64,writev,pwritev,ftruncate,fallocate:error=ENOSPC:when={first}+"
        ),
    ]);
    words
}

/// A folder with two opt-outs, one with a reason, and a list to import.
fn house(scratch: &Scratch) -> PathBuf {
    let folder = scratch.path().join("house");
    fs::create_dir(&folder).unwrap();
    let text = "[server]\nhostname = \"mail.example.com\"\n\
                [smarthost]\naddress = \"127.0.0.1:9\"\n";
    fs::write(folder.join("optgate.toml"), text).unwrap();
    fs::write(folder.join("list.csv"), "email\na@example.com\nb@example.com\n").unwrap();
    for words in [
        &["optout", "add", "old@example.com"][..],
        &["optout", "add", "bob@example.com", "--reason", "a letter"][..],
    ] {
        let ran = optgate(&folder, words);
        assert_eq!(ran.code, 0, "{}", ran.text());
    }
    folder
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

fn refuses(folder: &Path, address: &str) -> bool {
    let ran = optgate(folder, &["why", address]);
    assert!(ran.code == 0 || ran.code == 1, "{}", ran.text());
    ran.code == 1
}

/// Runs a verb with the disk full from its first write on, from its second one, and so on, until
/// it gets through. `check` looks at the folder after each, told whether it got through.
fn at_every_write(words: &[&str], check: &dyn Fn(&Path, &Ran)) {
    let scratch = Scratch::new();
    let house = house(&scratch);
    let (mut failed, mut unharmed) = (0, 0);
    for first in 1.. {
        let folder = scratch.path().join(format!("full-{first}"));
        copy(&house, &folder);
        let under = full_from(first, &folder, &LEDGER);
        let (strace, options) = under.split_first().unwrap();
        let mut command = Command::new(strace);
        command.args(options).arg(Peers::get().optgate()).args(words).current_dir(&folder);
        let ran = run(command.stdin(Stdio::null()), LIMIT);
        let at = format!("{words:?}, full from write {first}: {}", ran.text());
        assert!(ran.code != 101 && ran.code < 128, "it crashed: {at}");
        if ran.code != 0 {
            failed += 1;
            unharmed = 0;
            assert!(ran.err.contains("full"), "{at}");
        }
        let verified = optgate(&folder, &["ledger", "verify"]);
        assert_eq!(verified.code, 0, "{at}\n{}", verified.text());
        assert!(refuses(&folder, "old@example.com"), "{at}");
        check(&folder, &ran);
        fs::remove_dir_all(&folder).unwrap();
        // Some writes may fail without harm: those of what can be made again.
        unharmed += 1;
        if unharmed > 12 {
            break;
        }
        assert!(first < 400, "{at}");
    }
    assert!(failed > 0, "{words:?} never met a full disk");
}

#[test]
fn an_opt_out_strace() {
    at_every_write(&["optout", "add", "new@example.com"], &|folder, ran| {
        assert!(ran.code != 0 || refuses(folder, "new@example.com"), "{}", ran.text());
    });
}

#[test]
fn an_import_strace() {
    at_every_write(&["optout", "import", "list.csv"], &|folder, ran| {
        assert!(ran.code != 0 || refuses(folder, "b@example.com"), "{}", ran.text());
    });
}

#[test]
fn a_withdrawal_strace() {
    at_every_write(&["optout", "withdraw", "bob@example.com", "--reason", "x"], &|folder, ran| {
        assert!(ran.code != 0 || !refuses(folder, "bob@example.com"), "{}", ran.text());
    });
}

#[test]
fn an_erasure_strace() {
    at_every_write(&["ledger", "erase", "bob@example.com", "--reason", "x"], &|folder, _| {
        assert!(refuses(folder, "bob@example.com"));
    });
}

#[test]
fn a_rekey_strace() {
    at_every_write(&["ledger", "rekey"], &|folder, _| {
        let ran = optgate(folder, &["optout", "add", "next@example.com"]);
        assert_eq!(ran.code, 0, "{}", ran.text());
        assert!(refuses(folder, "next@example.com") && refuses(folder, "bob@example.com"));
    });
}

/// Evidence cannot be written: what the smarthost has not got is deferred, never accepted.
#[test]
fn a_gate_without_room_for_evidence_defers_strace_aiosmtpd() {
    let scratch = Scratch::new();
    let smarthost = Aiosmtpd::start(&scratch);
    let folder = scratch.path().join("gate");
    let under = full_from(9, &folder, &["evidence.jsonl"]);
    let gate = Gate::start(&folder, &Setup { under, ..Setup::new(smarthost.address) });
    let (mut accepted, mut deferred) = (0, 0);
    for number in 0..12 {
        let (mut dialogue, _) = Dialogue::open(gate.address).unwrap();
        dialogue.ask("EHLO client.test").unwrap();
        let letter = Letter::plain(&format!("full-{number}"));
        let reply = dialogue.mail(SENDER, &["alice@example.com"], &letter.content).unwrap();
        // The smarthost has it below our Received field.
        let stored = smarthost.taken().iter().any(|copy| copy.content.ends_with(&letter.content));
        match reply.code {
            250 => accepted += 1,
            451 => deferred += 1,
            _ => panic!("{reply:?}"),
        }
        assert_eq!(stored, reply.code == 250, "message {number}: {reply:?}");
        // Whoever opted out is refused all the same.
        assert_eq!(gate.verdict("bob@example.com").code, 550);
    }
    assert!(accepted > 0 && deferred > 0, "{accepted} accepted, {deferred} deferred");
    assert!(gate.log().contains("evidence cannot be written"), "{}", gate.log());
}
