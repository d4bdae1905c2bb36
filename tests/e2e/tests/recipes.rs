//! Every recipe of `docs/recipes.md`, as it stands there, before tables with the columns that
//! the product has and people of every kind in them.
//!
//! What is changed of a recipe is where the list is, who reads it, and TLS where the server of
//! the test has none that could be verified.

use std::collections::BTreeSet;
use std::fs;

use e2e::{Aiosmtpd, Gate, Letter, Mariadb, Postgresql, Ran, Scratch, Setup, SqlServer};
use serde_json::Value;

const PAGE: &str = include_str!("../../../docs/recipes.md");

/// Mail of the test: offers may be about anything, receipts pass all but who wants none at all.
const STREAMS: &str = "[[stream]]\nname = \"receipts\"\nclass = \"transactional\"\n\
                       sender = [\"receipts@corp.example\"]\n\
                       [[stream]]\nname = \"weekly\"\nscopes = [\"listmonk-1\"]\n\
                       sender = [\"weekly@corp.example\"]\n\
                       [[stream]]\nname = \"monthly\"\nscopes = [\"listmonk-2\"]\n\
                       sender = [\"monthly@corp.example\"]\n\n";
const OFFERS: &str = "offers@corp.example";
const RECEIPTS: &str = "receipts@corp.example";
const WEEKLY: &str = "weekly@corp.example";
const MONTHLY: &str = "monthly@corp.example";

/// In the place of the words of a refusal: the mail passes.
const PASSES: &str = "";

/// The recipes of the page: the name of the source, and its table.
fn recipes() -> Vec<(String, String)> {
    let blocks = PAGE.split("```toml\n").skip(1);
    let blocks = blocks.map(|rest| rest.split_once("```").unwrap().0.to_owned());
    blocks.map(|block| (value_of(&block, "name").unwrap(), block)).collect()
}

/// What a key at the beginning of a line says, without its quotes.
fn value_of(block: &str, key: &str) -> Option<String> {
    let line = block.lines().find(|line| is_of(line, key))?;
    let (_, value) = line.split_once('=')?;
    Some(value.trim().trim_matches('"').to_owned())
}

fn is_of(line: &str, key: &str) -> bool {
    line.split_once('=').is_some_and(|(name, _)| name.trim_end() == key)
}

/// A recipe with other values for some of its keys.
#[track_caller]
fn recipe(name: &str, changes: &[(&str, &str)]) -> String {
    let (_, block) = recipes().into_iter().find(|(found, _)| found == name).unwrap();
    for (key, _) in changes {
        assert!(value_of(&block, key).is_some(), "{name} has no {key}");
    }
    let line = |line: &str| {
        let change = changes.iter().find(|(key, _)| is_of(line, key));
        change.map_or_else(|| format!("{line}\n"), |(key, value)| format!("{key} = {value:?}\n"))
    };
    block.lines().map(line).collect()
}

/// A gate with a recipe, in front of a smarthost that takes everything.
struct House {
    gate: Gate,
    smarthost: Aiosmtpd,
    name: &'static str,
    /// Whether only what is new is read after the first time.
    incremental: bool,
}

impl House {
    fn new(scratch: &Scratch, name: &'static str, source: &str, password: &str) -> Self {
        let smarthost = Aiosmtpd::start(scratch);
        let folder = scratch.folder("gate", None, 0o755);
        fs::write(folder.join("password"), format!("{password}\n")).unwrap();
        let setup = Setup {
            tables: format!("{STREAMS}{source}\n"),
            list: "email\nsomebody@example.net\n".to_owned(),
            ..Setup::new(smarthost.address)
        };
        let gate = Gate::start(&folder, &setup);
        Self { gate, smarthost, name, incremental: value_of(source, "watermark").is_some() }
    }

    /// Mail is sent to everybody, and who is refused is refused with these words; the others
    /// get it, and nobody else.
    #[track_caller]
    fn says(&self, expected: &[(&str, &str, &str)]) {
        let before = self.smarthost.taken().len();
        let mut passing = Vec::new();
        for (number, (sender, recipient, words)) in expected.iter().enumerate() {
            let letter = Letter::plain(&format!("m{number}")).content;
            let reply = self.gate.dialogue().mail(sender, &[recipient], &letter).unwrap();
            let told = format!("{sender} to {recipient}: {reply:?}\n{}", self.gate.log());
            if *words == PASSES {
                assert_eq!(reply.code, 250, "{told}");
                passing.push((*recipient).to_owned());
            } else {
                assert_eq!(reply.code, 550, "{told}");
                let words = format!("> {words}");
                assert!(reply.text.contains(&words), "not {words}: {told}");
                assert!(reply.text.contains(&format!("(list {})", self.name)), "{told}");
            }
        }
        let taken = self.smarthost.taken();
        let taken = taken.iter().skip(before).flat_map(|letter| letter.to.clone());
        assert_eq!(taken.collect::<Vec<_>>(), passing);
    }

    /// `source sync` reads the list now.
    #[track_caller]
    fn sync(&self, added: u64) {
        let ran = self.gate.ask(&["source", "sync", self.name, "-o", "json"]);
        let outcome = done(&ran);
        assert_eq!(*at(&outcome, "whole"), !self.incremental, "{outcome}");
        assert_eq!(*at(&outcome, "added"), added, "{outcome}");
        assert_eq!(*at(&outcome, "bad"), 0, "{outcome}");
        assert_eq!(at(&outcome, "warnings").as_array().map(Vec::len), Some(0), "{outcome}");
    }

    /// `source test` tells how the list is understood, and nobody's address.
    #[track_caller]
    fn test(&self, entries: &[(&str, &str, u64)]) -> Value {
        let trial = done(&self.gate.ask(&["source", "test", self.name, "-o", "json"]));
        assert_eq!(*at(&trial, "refused"), Value::Null, "{trial}");
        assert_eq!(*at(&trial, "bad"), 0, "{trial}");
        assert_eq!(at(&trial, "warnings").as_array().map(Vec::len), Some(0), "{trial}");
        let tally = |tally: &Value| {
            let text = |field: &str| at(tally, field).as_str().unwrap().to_owned();
            (text("kind"), text("scope"), at(tally, "entries").as_u64().unwrap())
        };
        let found: BTreeSet<_> =
            at(&trial, "entries").as_array().unwrap().iter().map(tally).collect();
        let wanted = entries.iter().map(|(kind, scope, n)| ((*kind).into(), (*scope).into(), *n));
        assert_eq!(found, wanted.collect(), "{trial}");

        let text = self.gate.ask(&["source", "test", self.name]);
        assert_eq!(text.code, 0, "{}", text.text());
        assert!(text.out.contains("@xxxxxxx.xxx"), "{}", text.out);
        for told in [&trial.to_string(), &text.out] {
            assert!(!told.to_lowercase().contains("@example"), "{told}");
        }
        trial
    }
}

#[track_caller]
fn done(ran: &Ran) -> Value {
    assert_eq!(ran.code, 0, "{}", ran.text());
    serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{e}: {}", ran.text()))
}

/// A field of an answer.
fn at<'a>(answer: &'a Value, field: &str) -> &'a Value {
    answer.get(field).unwrap_or(&Value::Null)
}

/// How many rows of the first ten say a time.
fn dated(trial: &Value) -> usize {
    let rows = at(trial, "sample").as_array().unwrap();
    rows.iter().filter(|row| !at(row, "stated").is_null()).count()
}

/// MariaDB with the tables of a product, and its recipe there.
fn on_mariadb(scratch: &Scratch, name: &'static str, tables: &str) -> (Mariadb, House) {
    let server = Mariadb::start(scratch);
    server.load(tables);
    let place = format!("mysql://localhost:{}/crm", server.address.port());
    let changes =
        [("mysql", place.as_str()), ("user", Mariadb::USER), ("password_file", "password")];
    let house = House::new(scratch, name, &recipe(name, &changes), Mariadb::PASSWORD);
    (server, house)
}

/// PostgreSQL with the tables of listmonk, and its recipe there with more lines.
fn on_postgresql(scratch: &Scratch, more: &str) -> (Postgresql, House) {
    let server = Postgresql::start(scratch);
    server.load(include_str!("recipes/listmonk.sql"));
    let place = format!("postgres://localhost:{}/crm", server.address.port());
    let changes =
        [("postgres", place.as_str()), ("user", Postgresql::USER), ("password_file", "password")];
    let source = recipe("listmonk", &changes) + more;
    let house = House::new(scratch, "listmonk", &source, Postgresql::PASSWORD);
    (server, house)
}

#[test]
fn every_recipe_of_the_page_is_played_here() {
    let names: Vec<String> = recipes().into_iter().map(|(name, _)| name).collect();
    let played =
        ["dynamics", "salesforce", "suitecrm", "civicrm", "listmonk", "mautic", "wordpress"];
    assert_eq!(names, played);
}

#[test]
fn the_recipe_for_suitecrm_holds_aiosmtpd_mariadb() {
    let scratch = Scratch::new();
    let (server, house) = on_mariadb(&scratch, "suitecrm", include_str!("recipes/suitecrm.sql"));
    house.says(&[
        (OFFERS, "out@example.com", "opted out on "),
        (OFFERS, "bounced@example.com", "was found undeliverable on "),
        (OFFERS, "both@example.com", "opted out on "),
        (OFFERS, "undated@example.com", "opted out on "),
        (OFFERS, "deleted@example.com", PASSES),
        (OFFERS, "free@example.com", PASSES),
        (OFFERS, "late@example.com", PASSES),
        (RECEIPTS, "out@example.com", PASSES),
    ]);
    let tested = house.test(&[("opt-out", "commercial", 3), ("undeliverable", "commercial", 1)]);
    assert_eq!(dated(&tested), 0, "the change of a row is no opt-out: {tested}");
    assert_eq!(tested["without_address"], 1, "{tested}");
    server.sql(
        "UPDATE email_addresses SET opt_out = 1, date_modified = UTC_TIMESTAMP() \
         WHERE email_address = 'late@example.com'",
    );
    house.sync(1);
    house.says(&[
        (OFFERS, "late@example.com", "opted out on "),
        (OFFERS, "free@example.com", PASSES),
    ]);
}

#[test]
fn the_recipe_for_civicrm_holds_aiosmtpd_mariadb() {
    let scratch = Scratch::new();
    let (server, house) = on_mariadb(&scratch, "civicrm", include_str!("recipes/civicrm.sql"));
    house.says(&[
        (OFFERS, "out@example.com", "opted out on "),
        (OFFERS, "out.work@example.com", "opted out on "),
        (RECEIPTS, "out@example.com", PASSES),
        (OFFERS, "never@example.com", "opted out on "),
        (RECEIPTS, "never@example.com", "opted out on "),
        (RECEIPTS, "both@example.com", "opted out on "),
        (OFFERS, "bounced@example.com", "was found undeliverable on "),
        (OFFERS, "not.bounced@example.com", PASSES),
        (OFFERS, "held@example.com", "opted out on 2024-05-01 "),
        (OFFERS, "bounced.out@example.com", "opted out on "),
        (RECEIPTS, "held@example.com", PASSES),
        (OFFERS, "deleted@example.com", PASSES),
        (OFFERS, "free@example.com", PASSES),
        (OFFERS, "late@example.com", PASSES),
    ]);
    let tested = house.test(&[
        ("opt-out", "commercial", 4),
        ("opt-out", "all", 2),
        ("undeliverable", "commercial", 1),
    ]);
    assert_eq!(dated(&tested), 2, "{tested}");
    server.sql("UPDATE civicrm_contact SET is_opt_out = 1 WHERE id = 7");
    house.sync(1);
    house.says(&[
        (OFFERS, "late@example.com", "opted out on "),
        (RECEIPTS, "late@example.com", PASSES),
    ]);
    server.sql("UPDATE civicrm_contact SET do_not_email = 1 WHERE id = 7");
    house.sync(1);
    house.says(&[
        (RECEIPTS, "late@example.com", "opted out on "),
        (OFFERS, "free@example.com", PASSES),
    ]);
}

#[test]
fn the_recipe_for_mautic_holds_aiosmtpd_mariadb() {
    let scratch = Scratch::new();
    let (server, house) = on_mariadb(&scratch, "mautic", include_str!("recipes/mautic.sql"));
    house.says(&[
        (OFFERS, "out@example.com", "opted out on 2024-05-01 "),
        (OFFERS, "bounced@example.com", "was found undeliverable on "),
        (OFFERS, "manual@example.com", "was blocked on 2024-05-03 "),
        (OFFERS, "sms@example.com", PASSES),
        (OFFERS, "contactable@example.com", PASSES),
        (OFFERS, "free@example.com", PASSES),
        (OFFERS, "late@example.com", PASSES),
        (RECEIPTS, "manual@example.com", PASSES),
    ]);
    let tested = house.test(&[
        ("opt-out", "commercial", 1),
        ("undeliverable", "commercial", 1),
        ("manual", "commercial", 1),
    ]);
    assert_eq!(dated(&tested), 3, "{tested}");
    server.sql(
        "INSERT INTO lead_donotcontact (lead_id, date_added, reason, channel) \
         VALUES (6, UTC_TIMESTAMP(), 1, 'email')",
    );
    house.sync(1);
    house.says(&[
        (OFFERS, "late@example.com", "opted out on "),
        (OFFERS, "free@example.com", PASSES),
    ]);
    // The product writes a bounce over when the person opts out: same row, new time.
    server.sql(
        "UPDATE lead_donotcontact SET reason = 1, date_added = UTC_TIMESTAMP() WHERE lead_id = 2",
    );
    house.sync(1);
    let why = house.gate.ask(&["why", "bounced@example.com"]);
    assert!(why.out.contains("opt-out"), "{}", why.text());
}

#[test]
fn the_recipe_for_wordpress_holds_aiosmtpd_mariadb() {
    let scratch = Scratch::new();
    let (server, house) = on_mariadb(&scratch, "wordpress", include_str!("recipes/wordpress.sql"));
    house.says(&[
        (OFFERS, "out@example.com", "opted out on 2024-05-01 "),
        (OFFERS, "undated@example.com", "opted out on "),
        (OFFERS, "bounced@example.com", "was found undeliverable on "),
        (OFFERS, "complained@example.com", "complained on "),
        (OFFERS, "waiting@example.com", PASSES),
        (OFFERS, "back@example.com", PASSES),
        (OFFERS, "free@example.com", PASSES),
        (OFFERS, "late@example.com", PASSES),
        (RECEIPTS, "out@example.com", PASSES),
    ]);
    let tested = house.test(&[
        ("opt-out", "commercial", 2),
        ("undeliverable", "commercial", 1),
        ("complaint", "commercial", 1),
    ]);
    assert_eq!(dated(&tested), 2, "{tested}");
    server.sql(
        "UPDATE wp_newsletter SET status = 'U', unsub_time = UNIX_TIMESTAMP() \
         WHERE email = 'late@example.com'",
    );
    house.sync(1);
    house.says(&[
        (OFFERS, "late@example.com", "opted out on "),
        (OFFERS, "free@example.com", PASSES),
    ]);
}

#[test]
fn the_recipe_for_listmonk_holds_aiosmtpd_postgresql() {
    let scratch = Scratch::new();
    let (server, house) = on_postgresql(&scratch, "");
    house.says(&[
        // The zone of the time counts: it was the next day already.
        (MONTHLY, "out@example.com", "opted out on 2024-05-02 "),
        (RECEIPTS, "out@example.com", PASSES),
        (WEEKLY, "weekly.out@example.com", "opted out of \"listmonk-1\" on 2024-05-03 "),
        (MONTHLY, "weekly.out@example.com", PASSES),
        // Nobody said what offers are about.
        (OFFERS, "weekly.out@example.com", "opted out of \"listmonk-1\" on 2024-05-03 "),
        (WEEKLY, "disabled@example.com", PASSES),
        (WEEKLY, "waiting@example.com", PASSES),
        (WEEKLY, "free@example.com", PASSES),
        (OFFERS, "free@example.com", PASSES),
        (OFFERS, "late@example.com", PASSES),
        (WEEKLY, "weekly.late@example.com", PASSES),
    ]);
    let tested = house.test(&[("opt-out", "commercial", 1), ("opt-out", "listmonk-1", 2)]);
    assert_eq!(dated(&tested), 3, "{tested}");
    server.sql("UPDATE subscribers SET status = 'blocklisted', updated_at = NOW() WHERE id = 6");
    server.sql(
        "UPDATE subscriber_lists SET status = 'unsubscribed', updated_at = NOW() \
         WHERE subscriber_id = 7 AND list_id = 1",
    );
    house.sync(2);
    house.says(&[
        (MONTHLY, "late@example.com", "opted out on "),
        (WEEKLY, "weekly.late@example.com", "opted out of \"listmonk-1\" on "),
        (MONTHLY, "weekly.late@example.com", PASSES),
        (OFFERS, "free@example.com", PASSES),
    ]);
}

/// As the page says of `mirror`: who comes back in the program is free again.
#[test]
fn a_recipe_with_mirror_follows_who_comes_back_aiosmtpd_postgresql() {
    let scratch = Scratch::new();
    let (server, house) = on_postgresql(&scratch, "mirror = true\n");
    house.says(&[(MONTHLY, "out@example.com", "opted out on ")]);
    server.sql("UPDATE subscribers SET status = 'enabled', updated_at = NOW() WHERE id = 1");
    let outcome = done(&house.gate.ask(&["source", "sync", "listmonk", "-o", "json"]));
    assert_eq!(outcome["taken_back"], 1, "{outcome}");
    house.says(&[
        (MONTHLY, "out@example.com", PASSES),
        (WEEKLY, "out@example.com", "opted out of \"listmonk-1\" on 2024-05-02 "),
    ]);
}

/// The server of the test has no type for bytes: `VersionNumber` is a whole number here, and
/// not the ROWVERSION that it is in the product.
#[test]
fn the_recipe_for_dynamics_holds_aiosmtpd_pysqlbridge() {
    let scratch = Scratch::new();
    let contacts = include_str!("recipes/dynamics.csv");
    let server = SqlServer::start_tables(&scratch, &[("ContactBase", contacts)]);
    let place = format!("sqlserver://localhost:{}/pysqlbridge", server.address.port());
    let changes =
        [("sqlserver", place.as_str()), ("user", SqlServer::USER), ("password_file", "password")];
    let source = recipe("dynamics", &changes) + "tls = \"unverified\"\n";
    let house = House::new(&scratch, "dynamics", &source, SqlServer::PASSWORD);
    house.says(&[
        (OFFERS, "out@example.com", "opted out on "),
        (RECEIPTS, "out@example.com", PASSES),
        (OFFERS, "never@example.com", "opted out on "),
        (RECEIPTS, "never@example.com", "opted out on "),
        (RECEIPTS, "both@example.com", "opted out on "),
        (OFFERS, "left@example.com", "opted out on "),
        (OFFERS, "free@example.com", PASSES),
        (OFFERS, "late@example.com", PASSES),
    ]);
    let tested = house.test(&[("opt-out", "commercial", 2), ("opt-out", "all", 2)]);
    assert_eq!(dated(&tested), 0, "{tested}");
    let late = contacts.replace(
        "late@example.com,0,0,0,2024-05-07T10:00:00,2007",
        "late@example.com,1,0,0,2024-06-01T10:00:00,2008",
    );
    assert_ne!(late, contacts);
    server.write_table("ContactBase", &late);
    house.sync(1);
    house.says(&[
        (OFFERS, "late@example.com", "opted out on "),
        (RECEIPTS, "late@example.com", "opted out on "),
        (OFFERS, "free@example.com", PASSES),
    ]);
}

#[test]
fn the_recipe_for_salesforce_holds_aiosmtpd() {
    let scratch = Scratch::new();
    let folder = scratch.folder("salesforce", None, 0o755);
    let head = "\"Id\",\"Email\",\"HasOptedOutOfEmail\",\"LastModifiedDate\"\n";
    let export = |name: &str, people: &[(&str, &str)]| {
        let mut text = head.to_owned();
        for (number, (address, out)) in people.iter().enumerate() {
            text += &format!(
                "\"{name}{number}\",\"{address}\",\"{out}\",\"2024-05-01T10:00:00.000Z\"\n"
            );
        }
        fs::write(folder.join("new.tmp"), text).unwrap();
        fs::rename(folder.join("new.tmp"), folder.join(name)).unwrap();
    };
    export("contacts.csv", &[("Out@example.com", "true"), ("", "true")]);
    export("leads.csv", &[("lead@example.com", "true")]);
    let files = format!("{}/*.csv", folder.display());
    let house =
        House::new(&scratch, "salesforce", &recipe("salesforce", &[("csv", &files)]), "none");
    house.says(&[
        (OFFERS, "out@example.com", "opted out on "),
        (OFFERS, "lead@example.com", "opted out on "),
        (RECEIPTS, "out@example.com", PASSES),
        (OFFERS, "late@example.com", PASSES),
        (OFFERS, "free@example.com", PASSES),
    ]);
    let tested = house.test(&[("opt-out", "commercial", 2)]);
    assert_eq!(dated(&tested), 0, "the change of a contact is no opt-out: {tested}");
    assert_eq!(tested["without_address"], 1, "{tested}");
    export("late.csv", &[("late@example.com", "true")]);
    // The gate may have seen the file by itself.
    let ran = house.gate.ask(&["source", "sync", "salesforce"]);
    assert_eq!(ran.code, 0, "{}", ran.text());
    house.says(&[(OFFERS, "late@example.com", "opted out on ")]);

    // An export that nobody has filtered: those who are in it did not all opt out.
    export("all.csv", &[("more@example.com", "true"), ("free@example.com", "false")]);
    let ran = house.gate.ask(&["source", "sync", "salesforce"]);
    assert_eq!(ran.code, 65, "{}", ran.text());
    assert!(ran.text().contains("HasOptedOutOfEmail"), "{}", ran.text());
    house.says(&[
        (OFFERS, "free@example.com", PASSES),
        (OFFERS, "out@example.com", "opted out on "),
    ]);
}
