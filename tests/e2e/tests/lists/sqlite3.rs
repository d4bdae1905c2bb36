//! Lists in a file of SQLite, which another program writes.

use std::fs::File;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use e2e::{Peers, Scratch, Server, run, wait_until};

use super::{House, INJECTIONS, MAX_AGE, SOON, many, one, people, quoted};

const LIMIT: Duration = Duration::from_secs(60);

/// The file of another program.
struct Crm {
    file: PathBuf,
}

impl Crm {
    fn new(scratch: &Scratch) -> Self {
        let crm = Self { file: scratch.path().join("crm.db") };
        crm.sql(
            "CREATE TABLE optout (id INTEGER PRIMARY KEY, email TEXT NOT NULL, \
             changed TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP); \
             CREATE TABLE canary (sings); INSERT INTO canary VALUES (1)",
        );
        crm
    }

    fn sql(&self, sql: &str) -> String {
        let input = self.file.with_extension("sql");
        std::fs::write(&input, sql).unwrap();
        let input = File::open(input).unwrap();
        let mut command = Peers::get().command("sqlite3");
        // As any program that shares a file, it waits while somebody reads.
        command.args(["-bail", "-cmd", ".timeout 20000"]).arg(&self.file);
        let ran = run(command.stdin(Stdio::from(input)), LIMIT);
        assert_eq!(ran.code, 0, "{}", ran.text());
        ran.out.trim_end().to_owned()
    }

    fn add(&self, addresses: &[String]) {
        let values: Vec<String> = addresses.iter().map(|a| format!("({})", quoted(a))).collect();
        self.sql(&format!("INSERT INTO optout (email) VALUES {};", values.join(",")));
    }

    fn place(&self) -> String {
        format!("sqlite = \"{}\"\n", self.file.display())
    }

    /// Another program, which keeps the file to itself until it is gone.
    fn held(&self, scratch: &Scratch) -> Server {
        let mut command = Peers::get().command("sqlite3");
        command.arg(&self.file);
        command.args(["-cmd", "BEGIN EXCLUSIVE;", ".shell echo held; sleep 600"]);
        let log = scratch.path().join("holder.log");
        let mut holder = Server::start("sqlite3", &mut command, log.clone());
        holder.wait_ready(LIMIT, || {
            std::fs::read_to_string(&log).is_ok_and(|text| text.contains("held"))
        });
        holder
    }
}

const ALL: &str = "query = \"SELECT email FROM optout\"\n";
const NEW: &str = "query = \"SELECT id, email FROM optout\"\nwatermark = \"id\"\n";
const LIVE: &str = "query = \"SELECT email FROM optout WHERE email = @recipient\"\n\
                    mode = \"live\"\ncache = \"never\"\ntimeout = \"5s\"\n";

#[test]
fn a_list_is_read_and_followed_in_sqlite3() {
    let scratch = Scratch::new();
    let crm = Crm::new(&scratch);
    crm.add(&one("bob@example.com"));
    let house = House::new(&scratch, "", &format!("{}{NEW}every = \"1s\"\n", crm.place()));
    let reply = house.wait_for("bob@example.com", 550);
    assert!(reply.text.contains("(list crm)"), "{reply:?}");
    assert_eq!(house.code("dave@example.com"), 250);
    crm.add(&one("dave@example.com"));
    house.wait_for("dave@example.com", 550);
    // Gone from the table is not gone from the record.
    crm.sql("DELETE FROM optout WHERE email = 'bob@example.com'");
    crm.add(&one("erin@example.com"));
    house.wait_for("erin@example.com", 550);
    assert_eq!(house.code("bob@example.com"), 550);
    // Nothing was written into it.
    assert_eq!(crm.sql("PRAGMA integrity_check; SELECT count(*) FROM optout"), "ok\n2");
}

#[test]
fn a_file_that_somebody_keeps_to_himself_changes_nothing_in_sqlite3() {
    let scratch = Scratch::new();
    let crm = Crm::new(&scratch);
    crm.add(&one("bob@example.com"));
    let lines = format!("{}{ALL}every = \"1s\"\ntimeout = \"1s\"\n{MAX_AGE}", crm.place());
    let house = House::new(&scratch, "", &lines);
    house.wait_for("bob@example.com", 550);
    let holder = crm.held(&scratch);
    let error = house.wait_for_error();
    assert_eq!(house.code("alice@example.com"), 250, "{error}");
    house.set_max_age("20s");
    house.wait_for("alice@example.com", 451);
    assert_eq!(house.code("bob@example.com"), 550);
    drop(holder);
    house.wait_for("alice@example.com", 250);
}

#[test]
fn a_file_that_is_no_database_any_more_changes_nothing_in_sqlite3() {
    let scratch = Scratch::new();
    let crm = Crm::new(&scratch);
    crm.add(&people("out", 1_000));
    let house = House::new(&scratch, "", &format!("{}{ALL}every = \"1s\"\n", crm.place()));
    house.wait_for("out999@example.com", 550);
    let position = house.position();
    let good = std::fs::read(&crm.file).unwrap();
    let mut half = good.clone();
    half.truncate(good.len() / 2);
    half.extend(vec![0xa5; good.len() / 2]);
    for bad in [&half[..], b"no database", b""] {
        std::fs::write(&crm.file, bad).unwrap();
        let error = house.wait_for_error();
        assert_eq!(house.position(), position, "{error}");
        assert_eq!(house.code("out7@example.com"), 550);
        std::fs::write(&crm.file, &good).unwrap();
        let healed = wait_until(SOON, || house.told("last_error").is_empty().then_some(()));
        assert!(healed.is_some(), "{}", house.status());
    }
}

#[test]
fn many_rows_go_through_little_memory_in_sqlite3() {
    let scratch = Scratch::new();
    let crm = Crm::new(&scratch);
    let rows = 100_000;
    many(&scratch, "", &format!("{}{ALL}", crm.place()), rows, &|addresses| crm.add(addresses));
}

#[test]
fn each_recipient_is_asked_about_in_sqlite3() {
    let scratch = Scratch::new();
    let crm = Crm::new(&scratch);
    crm.add(&one("bob@example.com"));
    let house = House::new(&scratch, "", &format!("{}{LIVE}", crm.place()));
    house.wait_for("bob@example.com", 550);
    for number in 0..5 {
        let address = format!("dave{number}@example.com");
        assert_eq!(house.code(&address), 250);
        crm.add(&one(&address));
        assert_eq!(house.code(&address), 550, "at once");
    }
    let holder = crm.held(&scratch);
    for address in ["alice@example.com", "bob@example.com"] {
        assert_eq!(house.code(address), 451);
    }
    drop(holder);
    house.wait_for("alice@example.com", 250);
    house.wait_for("bob@example.com", 550);
}

#[test]
fn no_address_is_a_question_in_sqlite3() {
    let scratch = Scratch::new();
    let crm = Crm::new(&scratch);
    crm.add(&one("bob@example.com"));
    let house = House::new(&scratch, "", &format!("{}{LIVE}", crm.place()));
    house.wait_for("bob@example.com", 550);
    for address in INJECTIONS {
        assert_eq!(house.code(address), 250, "{address}");
        crm.add(&one(address));
        assert_eq!(house.code(address), 550, "{address}");
    }
    assert_eq!(crm.sql("SELECT count(*) FROM canary"), "1");
}
