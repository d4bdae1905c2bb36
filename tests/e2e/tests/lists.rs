//! Lists that a company has somewhere: on each kind of server, read into the ledger or
//! asked about each recipient.
//!
//! What must hold is the same for all of them and stands here; how a list is put on a
//! server and what the configuration says of it is in one file for each.

mod digests;
mod folder;
mod mariadb;
mod mirror;
mod nginx;
mod openldap;
mod postgresql;
mod pysqlbridge;
mod redis;
mod sqlite3;

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use e2e::{Gate, Impostor, Letter, Reply, Scratch, Setup, Tap, wait_until};

use crate::SENDER;

/// A list that is read every second counts within this time, on a shared machine.
const SOON: Duration = Duration::from_secs(90);
/// How many rows the lists of many have, for once.
const ROWS_VARIABLE: &str = "OPTGATE_E2E_ROWS";
/// Longer than a test takes, see [`House::set_max_age`].
const MAX_AGE: &str = "max_age = \"1h\"\n";
/// What the gate may need for a list of any length, in a debug build: a few times what it
/// needs for a short one, and far less than the million rows take.
const MEMORY: u64 = 300 << 20;

/// A server that has the list `optout` with a column `email`.
trait Keeper {
    /// The password of the login.
    const PASSWORD: &str;
    /// What reads the whole list.
    const ALL: &str;
    /// What reads only what is new.
    const NEW: &str;
    /// More rows than go through a network at once.
    const MANY: usize = 30_000;
    /// Rows in the ordinary run of the test of many; [`ROWS_VARIABLE`] says how many in
    /// another.
    const ROWS: usize = 100_000;

    /// Where the server listens.
    fn address(&self) -> SocketAddr;

    /// Where the list is and who reads it, as the configuration says it; `server` is the
    /// address of the server, or of a tap on it.
    fn place(&self, server: SocketAddr) -> String;

    /// Puts addresses on the list.
    fn add(&self, addresses: &[String]);

    /// Ends the server as a power cut would.
    fn kill(&mut self);

    /// Starts it again with what it had.
    fn restart(&mut self);
}

/// A server that can be asked about one recipient.
trait Oracle: Keeper {
    /// The question, as the configuration says it.
    const LIVE: &str;
}

/// A gate with the list `crm`.
struct House {
    gate: Gate,
    _smarthost: Impostor,
}

impl House {
    /// Starts it; the lines are those of the source.
    fn new(scratch: &Scratch, password: &str, lines: &str) -> Self {
        Self::within(Duration::from_secs(60), scratch, password, lines)
    }

    /// The same with a list that takes that long to read.
    fn within(limit: Duration, scratch: &Scratch, password: &str, lines: &str) -> Self {
        let smarthost = Impostor::start(take_everything);
        let folder = scratch.folder("gate", None, 0o755);
        fs::write(folder.join("password"), format!("{password}\n")).unwrap();
        let setup = Setup {
            tables: format!("[[source]]\nname = \"crm\"\n{lines}"),
            list: "email\nsomebody@example.net\n".to_owned(),
            start_limit: limit,
            ..Setup::new(smarthost.address)
        };
        Self { gate: Gate::start(&folder, &setup), _smarthost: smarthost }
    }

    fn status(&self) -> serde_json::Value {
        let status = self.gate.ask(&["status", "-o", "json"]);
        serde_json::from_str(&status.out).unwrap_or_else(|_| panic!("{}", status.text()))
    }

    /// A field of the status of the list; empty when there is none.
    fn told(&self, field: &str) -> String {
        let status = self.status();
        let sources = status.get("sources").and_then(serde_json::Value::as_array).unwrap().clone();
        let crm = sources.into_iter().find(|s| s.get("name").is_some_and(|n| n == "crm")).unwrap();
        crm.get(field).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
    }

    /// How many rows the ledger has.
    fn position(&self) -> u64 {
        self.status().get("position").and_then(serde_json::Value::as_u64).unwrap()
    }

    fn code(&self, recipient: &str) -> u16 {
        self.gate.verdict(recipient).code
    }

    /// Waits until the gate says `code` about somebody.
    #[track_caller]
    fn wait_for(&self, recipient: &str, code: u16) -> Reply {
        let mut last = None;
        wait_until(SOON, || {
            let reply = self.gate.verdict(recipient);
            last = Some(reply.clone());
            (reply.code == code).then_some(reply)
        })
        .unwrap_or_else(|| {
            panic!("not {code} but {last:?}\n{}\n{}", self.status(), self.gate.log())
        })
    }

    /// Waits until the status of the list says something is wrong, and what.
    #[track_caller]
    fn wait_for_error(&self) -> String {
        let error = wait_until(SOON, || {
            let error = self.told("last_error");
            (!error.is_empty()).then_some(error)
        });
        error.unwrap_or_else(|| panic!("no error\n{}\n{}", self.status(), self.gate.log()))
    }

    /// Gives the lists another age from now on, in which they count as known.
    #[track_caller]
    fn set_max_age(&self, age: &str) {
        let file = self.gate.folder().join("optgate.toml");
        let text = fs::read_to_string(&file).unwrap();
        let changed = text.replace(MAX_AGE, &format!("max_age = \"{age}\"\n"));
        assert_ne!(changed, text);
        fs::write(&file, changed).unwrap();
        let told = self.gate.ask(&["reload"]);
        assert_eq!(told.code, 0, "{}", told.text());
    }

    /// Nothing of what was not to be told is in the log, nor has anything gone wrong badly.
    #[track_caller]
    fn log_is_clean(&self, password: &str) {
        let log = self.gate.log();
        assert!(!log.contains("panicked"), "{log}");
        assert!(!log.contains(password), "the password is in the log");
    }
}

/// `count` addresses of people whose names begin so.
fn people(name: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{name}{number}@example.com")).collect()
}

/// Waits until something is so.
#[track_caller]
fn waited(limit: Duration, what: &str, mut is_so: impl FnMut() -> bool) {
    let found = wait_until(limit, || is_so().then_some(()));
    assert!(found.is_some(), "not within {limit:?}: {what}");
}

/// A literal of SQL.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

fn one(address: &str) -> Vec<String> {
    vec![address.to_owned()]
}

/// First reading, mail that flows, and a row that is added meanwhile.
#[track_caller]
fn is_read_and_followed<K: Keeper>(scratch: &Scratch, keeper: &K) {
    keeper.add(&one("bob@example.com"));
    let lines = format!("{}{}every = \"1s\"\n", keeper.place(keeper.address()), K::NEW);
    let house = House::new(scratch, K::PASSWORD, &lines);
    let reply = house.wait_for("bob@example.com", 550);
    assert!(reply.text.contains("(list crm)"), "{reply:?}");
    assert_eq!(house.code("dave@example.com"), 250);
    let (over, sent) = (AtomicBool::new(false), AtomicU32::new(0));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    let letter = Letter::plain("flowing").content;
                    let mut dialogue = house.gate.dialogue();
                    let reply = dialogue.mail(SENDER, &["alice@example.com"], &letter).unwrap();
                    assert_eq!(reply.code, 250, "{reply:?}");
                    sent.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        keeper.add(&one("dave@example.com"));
        house.wait_for("dave@example.com", 550);
        for _ in 0..5 {
            assert_eq!(house.code("dave@example.com"), 550, "and it stays so");
        }
        over.store(true, Ordering::Relaxed);
    });
    assert!(sent.load(Ordering::Relaxed) > 0, "mail flowed");
    assert_eq!(house.code("bob@example.com"), 550);
    assert_eq!(house.told("last_error"), "");
    house.log_is_clean(K::PASSWORD);
}

/// A server that dies while a list is read: nothing of that reading counts, what was read
/// before does, until the list is too old.
#[track_caller]
fn a_reading_cut_short_changes_nothing<K: Keeper>(scratch: &Scratch, keeper: &mut K) {
    keeper.add(&one("bob@example.com"));
    let tap = Tap::on(keeper.address());
    let lines = format!("{}{}every = \"1s\"\n{MAX_AGE}", keeper.place(tap.address), K::ALL);
    let house = House::new(scratch, K::PASSWORD, &lines);
    house.wait_for("bob@example.com", 550);
    let position = house.position();

    let late = people("late", K::MANY);
    // First hold, then add: no reading can be through before.
    tap.hold_after(20_000);
    keeper.add(&late);
    waited(SOON, "a reading is in the middle", || tap.is_holding());
    keeper.kill();
    tap.cut();
    let error = house.wait_for_error();
    assert_eq!(house.position(), position, "something was applied: {error}");
    for address in late.iter().take(3).chain(late.last()) {
        assert_eq!(house.code(address), 250, "{address}: {error}");
    }
    assert_eq!(house.code("bob@example.com"), 550);

    house.set_max_age("20s");
    house.wait_for("alice@example.com", 451);
    assert_eq!(house.code("bob@example.com"), 550, "who is known to be out is out");
    tap.open();
    keeper.restart();
    house.wait_for("alice@example.com", 250);
    for address in late.iter().take(3).chain(late.last()) {
        house.wait_for(address, 550);
    }
    house.log_is_clean(K::PASSWORD);
}

/// Many rows go through little memory, and the same rows again add nothing.
#[track_caller]
fn many_rows_are_read_once_in_little_memory<K: Keeper>(scratch: &Scratch, keeper: &K) {
    let lines = format!("{}{}", keeper.place(keeper.address()), K::ALL);
    many(scratch, K::PASSWORD, &lines, K::ROWS, &|addresses| keeper.add(addresses));
}

/// The same of any list. `add` puts addresses on it.
#[track_caller]
fn many(scratch: &Scratch, password: &str, lines: &str, rows: usize, add: &dyn Fn(&[String])) {
    let rows = std::env::var(ROWS_VARIABLE).map_or(rows, |rows| rows.parse().unwrap());
    let addresses = people("many", rows);
    add(&addresses);
    let wait = Duration::from_secs(60) + Duration::from_millis(u64::try_from(rows).unwrap());
    let house = House::within(wait, scratch, password, &format!("{lines}every = \"1s\"\n"));
    for address in addresses.iter().take(2).chain(addresses.last()) {
        assert_eq!(house.code(address), 550, "{address}");
    }
    assert_eq!(house.code("alice@example.com"), 250);
    let position = house.position();
    assert!(position >= u64::try_from(rows).unwrap(), "{position}");
    // One more row shows that all were read again, in whatever order.
    add(&one("dave@example.com"));
    let again = wait_until(wait, || (house.code("dave@example.com") == 550).then_some(()));
    assert!(again.is_some(), "{}\n{}", house.status(), house.gate.log());
    let last = house.told("last_success");
    waited(wait, "all was read again", || house.told("last_success") != last);
    assert_eq!(house.position(), position + 1, "one row is new, and no other");
    let peak = house.gate.peak_memory();
    assert!(peak < MEMORY, "{} MB for {rows} rows", peak >> 20);
}

/// A wrong password: nobody is let through, and the right one heals it.
#[track_caller]
fn a_wrong_password_defers_until_it_is_right<K: Keeper>(scratch: &Scratch, keeper: &K) {
    keeper.add(&one("bob@example.com"));
    let wrong = "no-such-password";
    let lines = format!("{}{}every = \"1s\"\n", keeper.place(keeper.address()), K::ALL);
    let house = House::new(scratch, wrong, &lines);
    let error = house.wait_for_error();
    assert!(error.contains("login"), "{error}");
    assert_eq!(house.code("alice@example.com"), 451, "{error}");
    house.log_is_clean(wrong);
    fs::write(house.gate.folder().join("password"), K::PASSWORD).unwrap();
    house.wait_for("alice@example.com", 250);
    assert_eq!(house.code("bob@example.com"), 550);
    house.log_is_clean(K::PASSWORD);
}

/// No list is read by a connection that is not as the configuration wants it. `lines`: of
/// the source.
#[track_caller]
fn is_not_read<K: Keeper>(scratch: &Scratch, lines: &str, because: &str) {
    let house = House::new(scratch, K::PASSWORD, &format!("{lines}{}every = \"1s\"\n", K::ALL));
    let error = house.wait_for_error();
    assert!(error.to_lowercase().contains(because), "{error}");
    assert_eq!(house.code("alice@example.com"), 451, "{error}");
    house.log_is_clean(K::PASSWORD);
}

/// A list is read by such a connection. `lines`: of the source.
#[track_caller]
fn is_read<K: Keeper>(scratch: &Scratch, lines: &str) {
    let house = House::new(scratch, K::PASSWORD, &format!("{lines}{}every = \"1s\"\n", K::ALL));
    house.wait_for("bob@example.com", 550);
    assert_eq!(house.code("alice@example.com"), 250);
}

/// Asked about each recipient: a row counts with the next message.
#[track_caller]
fn is_asked_about_each<K: Oracle>(scratch: &Scratch, keeper: &K) {
    keeper.add(&one("bob@example.com"));
    let house = House::new(scratch, K::PASSWORD, &live(keeper, keeper.address()));
    let reply = house.wait_for("bob@example.com", 550);
    assert!(reply.text.contains("(list crm)"), "{reply:?}");
    for number in 0..5 {
        let address = format!("dave{number}@example.com");
        assert_eq!(house.code(&address), 250);
        keeper.add(&one(&address));
        assert_eq!(house.code(&address), 550, "at once");
    }
    house.log_is_clean(K::PASSWORD);
}

/// A server that dies while it is asked: nobody is let through, until it is back.
#[track_caller]
fn no_answer_is_never_a_yes<K: Oracle>(scratch: &Scratch, keeper: &mut K) {
    keeper.add(&one("bob@example.com"));
    let tap = Tap::on(keeper.address());
    let house = House::new(scratch, K::PASSWORD, &live(keeper, tap.address));
    house.wait_for("bob@example.com", 550);
    house.wait_for("alice@example.com", 250);

    // Killed while an answer is on its way.
    tap.hold_after(0);
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| house.code("alice@example.com"));
        waited(SOON, "a question is asked", || tap.is_holding());
        keeper.kill();
        tap.cut();
        assert_eq!(asked.join().unwrap(), 451);
    });
    for number in 0..12 {
        for address in ["alice@example.com", "bob@example.com", &format!("new{number}@example.com")]
        {
            assert_eq!(house.code(address), 451, "{address}, the {number}th time");
        }
    }
    tap.open();
    keeper.restart();
    house.wait_for("alice@example.com", 250);
    house.wait_for("bob@example.com", 550);
    assert!(!house.gate.log().contains("panicked"), "{}", house.gate.log());
}

/// Addresses that would be something else than values in a language of questions. They are
/// mailboxes (RFC 5321 s4.1.2), on no list, and so may be mailed.
const INJECTIONS: [&str; 13] = [
    "o'brien@example.com",
    "'or'1'='1@example.com",
    "'or''='@example.com",
    "bob'--@example.com",
    "*@example.com",
    "_@example.com",
    "b_b@example.com",
    "$1@example.com",
    "?@example.com",
    "{0}@example.com",
    "\"' OR '1'='1\"@example.com",
    "\"x' UNION SELECT email FROM optout -- x\"@example.com",
    "\"a /* b */ $1 ? ${x} # `x`\"@example.com",
];

/// Those with what would end a statement or open a bracket are no mailboxes that the gate
/// takes from anybody.
const NO_MAILBOXES: [&str; 7] = [
    "\"\\\\' OR 1=1 -- x\"@example.com",
    "%@example.com",
    "\"'; DELETE FROM canary; --\"@example.com",
    "\"x'); DROP TABLE canary; SELECT ('\"@example.com",
    "\"*)(mail=*))(|(mail=*\"@example.com",
    "*)(mail=*@example.com",
    "\"' OR email LIKE '%@example.com\"@example.com",
];

/// No address changes the question that is asked about it.
#[track_caller]
fn no_address_is_a_question<K: Oracle>(scratch: &Scratch, keeper: &K) {
    keeper.add(&one("bob@example.com"));
    let house = House::new(scratch, K::PASSWORD, &live(keeper, keeper.address()));
    house.wait_for("bob@example.com", 550);
    for address in INJECTIONS {
        let reply = house.gate.verdict(address);
        assert_eq!(reply.code, 250, "{address}: {reply:?}\n{}", house.gate.log());
    }
    for address in NO_MAILBOXES {
        let reply = house.gate.verdict(address);
        assert!((500..=553).contains(&reply.code), "{address}: {reply:?}");
    }
    // Found as any other, once it is on the list: it was asked about as it stands.
    keeper.add(&one("o'brien@example.com"));
    assert_eq!(house.code("o'brien@example.com"), 550);
    assert_eq!(house.code("bob@example.com"), 550);
}

fn live<K: Oracle>(keeper: &K, server: SocketAddr) -> String {
    let (place, question) = (keeper.place(server), K::LIVE);
    // By default two seconds, which a busy machine may need for one answer.
    format!("{place}{question}mode = \"live\"\ncache = \"never\"\ntimeout = \"20s\"\n")
}

/// A smarthost that takes everything.
fn take_everything(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    stream.write_all(b"220 taker.test ESMTP\r\n")?;
    let (mut data, mut line) = (false, Vec::new());
    let mut byte = [0];
    loop {
        line.clear();
        while !line.ends_with(b"\r\n") {
            if stream.read(&mut byte)? == 0 {
                return Ok(());
            }
            line.extend_from_slice(&byte);
        }
        let reply: &[u8] = match line.as_slice() {
            b".\r\n" => {
                data = false;
                b"250 2.0.0 taken\r\n"
            }
            _ if data => continue,
            line if line.starts_with(b"EHLO") => b"250-taker.test\r\n250 PIPELINING\r\n",
            line if line.starts_with(b"DATA") => {
                data = true;
                b"354 go\r\n"
            }
            line if line.starts_with(b"QUIT") => {
                return stream.write_all(b"221 2.0.0 bye\r\n");
            }
            _ => b"250 2.0.0 ok\r\n",
        };
        stream.write_all(reply)?;
    }
}
