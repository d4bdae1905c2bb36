//! The power goes out at any write of the ledger, the key file or the index image: what was
//! acknowledged is there afterwards, the chain verifies, and the index answers as one that is
//! made anew from the ledger. How disks lose writes is told in `e2e::disk`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use e2e::{Crash, Recording, Scratch, optgate};

/// Set to look at every state, not at an even choice of them.
const ALL: &str = "OPTGATE_POWER_LOSS_ALL";
/// States looked at in each recording otherwise.
const CHOICE: usize = 40;
/// Which writes an ordinary disk loses.
const SEED: u64 = 0x0707_2026;

/// A folder with a configuration, and perhaps a ledger.
struct House {
    scratch: Scratch,
}

impl House {
    fn new() -> Self {
        let house = Self { scratch: Scratch::new() };
        let folder = house.folder();
        fs::create_dir(&folder).unwrap();
        let text = "[server]\nhostname = \"mail.example.com\"\n\
                    [smarthost]\naddress = \"127.0.0.1:9\"\n";
        fs::write(folder.join("optgate.toml"), text).unwrap();
        house
    }

    /// With `old@example.com` opted out long ago.
    fn lived_in() -> Self {
        let house = Self::new();
        let ran = optgate(&house.folder(), &["optout", "add", "old@example.com"]);
        assert_eq!(ran.code, 0, "{}", ran.text());
        house
    }

    fn folder(&self) -> std::path::PathBuf {
        self.scratch.path().join("house")
    }

    fn record(&self, words: &[&str]) -> Recording {
        let (recording, code) = Recording::of_verb(&self.folder(), words);
        assert_eq!(code, 0, "{words:?}");
        assert!(recording.len() > 10, "strace saw {} deeds", recording.len());
        recording
    }
}

/// What must hold after each crash.
struct Promise<'a> {
    /// Addresses whose opt-out was acknowledged, given what was said until then.
    kept: &'a (dyn Fn(&str) -> Vec<String> + Sync),
    /// Every address that may be on the list.
    asked: &'a [String],
    /// Addresses that are all on the list, or none of them.
    whole: &'a [String],
    /// Whether there was a ledger before.
    lived_in: bool,
}

impl Promise<'_> {
    /// Looks at the states, on both cores.
    fn hold(&self, recording: &Recording) {
        // Not a promise about nothing: in the end everything was acknowledged, but for what
        // was taken back.
        let end = (self.kept)(&text(&recording.said()));
        assert_eq!(end.len() + self.whole.len(), self.asked.len(), "acknowledged: {end:?}");
        let crashes = chosen(recording.crashes(SEED));
        let next = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while let Some(crash) = crashes.get(next.fetch_add(1, Ordering::Relaxed)) {
                        self.holds_after(crash);
                    }
                });
            }
        });
    }

    fn holds_after(&self, crash: &Crash) {
        let scratch = Scratch::new();
        let folder = scratch.path();
        crash.unpack(folder);
        let kept = (self.kept)(&text(&crash.said));
        let at = &crash.what;
        if !self.lived_in && kept.is_empty() {
            // The very first command was cut off: the next one must be able to begin.
            opt_out_next(folder, at);
        }
        let verified = optgate(folder, &["ledger", "verify"]);
        assert_eq!(verified.code, 0, "{at}: {}", verified.text());
        let refused = self.refused(folder, at);
        for address in &kept {
            assert!(refused.contains(address), "{at}: {address} was acknowledged, and is lost");
        }
        let whole = self.whole.iter().filter(|address| refused.contains(*address)).count();
        assert!(whole == 0 || whole == self.whole.len(), "{at}: {whole} of an import are there");
        let image = folder.join("optgate.db.index");
        if image.exists() {
            fs::remove_file(&image).unwrap();
            assert_eq!(self.refused(folder, at), refused, "{at}: the index made anew differs");
        }
        // And life goes on.
        opt_out_next(folder, at);
        let verified = optgate(folder, &["ledger", "verify"]);
        assert_eq!(verified.code, 0, "{at}, and one more: {}", verified.text());
    }

    fn refused(&self, folder: &Path, at: &str) -> BTreeSet<String> {
        fs::write(folder.join("asked.txt"), self.asked.join("\n")).unwrap();
        let ran = optgate(folder, &["replay", "asked.txt", "-o", "json"]);
        assert!(ran.code == 0 || ran.code == 1, "{at}: {}", ran.text());
        verdicts(&ran.out, "refuse")
    }
}

fn opt_out_next(folder: &Path, at: &str) {
    let ran = optgate(folder, &["optout", "add", "next@example.com"]);
    assert_eq!(ran.code, 0, "{at}: {}", ran.text());
    fs::write(folder.join("next.txt"), "next@example.com\n").unwrap();
    let ran = optgate(folder, &["replay", "next.txt", "-o", "json"]);
    assert_eq!(verdicts(&ran.out, "refuse").len(), 1, "{at}: {}", ran.text());
}

fn text(said: &[Vec<u8>]) -> String {
    said.iter().map(|bytes| String::from_utf8_lossy(bytes)).collect()
}

/// The addresses with that verdict.
fn verdicts(out: &str, wanted: &str) -> BTreeSet<String> {
    let lines = out.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let is = |line: &serde_json::Value| line.get("verdict").is_some_and(|v| v == wanted);
    let address = |line: serde_json::Value| line.get("address")?.as_str().map(str::to_owned);
    lines.filter(is).filter_map(address).collect()
}

fn chosen(mut crashes: Vec<Crash>) -> Vec<Crash> {
    let every = if std::env::var_os(ALL).is_some() { 1 } else { crashes.len().div_ceil(CHOICE) };
    let mut count = 0;
    crashes.retain(|_| {
        count += 1;
        (count - 1) % every.max(1) == 0
    });
    crashes
}

#[test]
fn the_very_first_opt_out_strace() {
    let house = House::new();
    let recording = house.record(&["optout", "add", "bob@example.com"]);
    Promise {
        kept: &|said| {
            said.contains("bob@").then(|| "bob@example.com".to_owned()).into_iter().collect()
        },
        asked: &["bob@example.com".to_owned()],
        whole: &[],
        lived_in: false,
    }
    .hold(&recording);
}

#[test]
fn an_opt_out_strace() {
    let house = House::lived_in();
    let recording = house.record(&["optout", "add", "bob@example.com"]);
    Promise {
        kept: &|said| {
            let bob = said.contains("bob@").then(|| "bob@example.com".to_owned());
            bob.into_iter().chain(["old@example.com".to_owned()]).collect()
        },
        asked: &["bob@example.com".to_owned(), "old@example.com".to_owned()],
        whole: &[],
        lived_in: true,
    }
    .hold(&recording);
}

#[test]
fn an_import_strace() {
    let house = House::lived_in();
    let people: Vec<String> = (0..3000).map(|n| format!("p{n}@example.com")).collect();
    fs::write(house.folder().join("list.csv"), format!("email\n{}\n", people.join("\n"))).unwrap();
    let recording = house.record(&["optout", "import", "list.csv"]);
    let mut asked = people.clone();
    asked.push("old@example.com".to_owned());
    Promise {
        kept: &|said| {
            let all = if said.contains("3000") { people.as_slice() } else { &[] };
            all.iter().cloned().chain(["old@example.com".to_owned()]).collect()
        },
        asked: &asked,
        whole: &[],
        lived_in: true,
    }
    .hold(&recording);
}

/// The gate writes, and commands beside it ask it to: each is told only what is on disk.
#[test]
fn a_gate_at_work_strace() {
    let house = House::lived_in();
    let folder = house.folder();
    let listed: Vec<String> = (0..200).map(|n| format!("listed{n}@example.com")).collect();
    fs::write(folder.join("list.csv"), format!("email\n{}\n", listed.join("\n"))).unwrap();
    let people: Vec<String> = (0..8).map(|n| format!("leaver{n}@example.com")).collect();
    let recording = Recording::of_gate(&folder, |gate| {
        for (count, address) in people.iter().enumerate() {
            let ran = gate(&["optout", "add", address]);
            assert_eq!(ran.code, 0, "{}", ran.text());
            if count == 3 {
                let ran = gate(&["optout", "import", "list.csv"]);
                assert_eq!(ran.code, 0, "{}", ran.text());
            }
        }
    });
    let mut asked: Vec<String> = people.iter().chain(&listed).cloned().collect();
    asked.push("old@example.com".to_owned());
    Promise {
        kept: &|said| {
            // The answer that goes over the socket names the address it is about.
            let told = |address: &&String| said.contains(&format!("\"address\":\"{address}\""));
            let list = if said.contains("\"added\":200,") { listed.as_slice() } else { &[] };
            let kept = people.iter().filter(told).chain(list).cloned();
            kept.chain(["old@example.com".to_owned()]).collect()
        },
        asked: &asked,
        whole: &[],
        lived_in: true,
    }
    .hold(&recording);
}

fn old() -> Vec<String> {
    vec!["old@example.com".to_owned()]
}

/// The new key is in its file before an entry is hashed under it, and the old one stays there.
#[test]
fn a_rekey_strace() {
    let house = House::lived_in();
    let recording = house.record(&["ledger", "rekey"]);
    Promise { kept: &|_| old(), asked: &old(), whole: &[], lived_in: true }.hold(&recording);
}

/// An import is taken back whole, by one row.
#[test]
fn an_undone_import_strace() {
    let house = House::lived_in();
    let people: Vec<String> = (0..500).map(|n| format!("p{n}@example.com")).collect();
    fs::write(house.folder().join("list.csv"), format!("email\n{}\n", people.join("\n"))).unwrap();
    let ran = optgate(&house.folder(), &["-o", "json", "optout", "import", "list.csv"]);
    let answer: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let id = answer.get("import").and_then(|id| id.as_str()).unwrap();
    let recording = house.record(&["optout", "import", "--undo", id, "--reason", "the wrong file"]);
    let asked: Vec<String> = people.iter().cloned().chain(old()).collect();
    Promise { kept: &|_| old(), asked: &asked, whole: &people, lived_in: true }.hold(&recording);
}

/// Erasure touches what is written already, and the chain must hold all the same.
#[test]
fn an_erasure_strace() {
    let house = House::lived_in();
    let words = ["optout", "add", "bob@example.com", "--reason", "a letter"];
    assert_eq!(optgate(&house.folder(), &words).code, 0);
    let recording =
        house.record(&["ledger", "erase", "bob@example.com", "--reason", "asked to be forgotten"]);
    let asked: Vec<String> = old().into_iter().chain(["bob@example.com".to_owned()]).collect();
    Promise { kept: &|_| asked.clone(), asked: &asked, whole: &[], lived_in: true }
        .hold(&recording);
}
