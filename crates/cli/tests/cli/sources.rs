//! `source list`, `source sync`, `source test` and `metrics`, without a gate and through one.

use crate::gate::Running;
use crate::house::{House, SMALL};

const LIST: &str = "email,date\nbob@example.com,2026-01-02\nann7@example.com,2026-01-03\nrubbish\n";

fn house(more: &str) -> House {
    let house = House::with(&format!(
        "{SMALL}[[source]]\nname = \"crm\"\ncsv = \"crm.csv\"\nbad_rows = \"50%\"\nmax_age = \"7d\"\n{more}"
    ));
    house.write("crm.csv", LIST);
    house
}

#[test]
fn a_source_is_tried_before_there_is_anything_else() {
    let house = house("");
    let text = house.run(&["source", "test", "crm"]).exits(0).out;
    for words in [
        "3 rows, 2 of them usable, 1 BAD",
        "CSV",
        "\"date\"",
        "xxx@xxxxxxx.xxx",
        "xxx9@xxxxxxx.xxx",
        "2026-01-02",
        "2 of kind opt-out, scope commercial",
        "Nothing was recorded.",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    assert!(!text.contains("bob") && !text.contains("ann"), "{text}");
    let json = house.run(&["-o", "json", "source", "test", "crm"]).exits(0).json();
    assert_eq!((json["rows"].as_u64(), json["usable"].as_u64()), (Some(3), Some(2)));
    assert_eq!(json["sample"].as_array().unwrap().len(), 2);
    // Neither a ledger nor its key was made.
    assert!(!house.path("optgate.db").exists() && !house.path("optgate.key").exists());
}

#[test]
fn what_would_not_be_believed_and_what_is_not_there_are_told_apart() {
    let house = house(
        "[[source]]\nname = \"gone\"\ncsv = \"gone.csv\"\n\
         [[source]]\nname = \"odd\"\ncsv = \"odd.csv\"\n\
         [[source]]\nname = \"db\"\nsqlite = \"gone.db\"\nquery = \"SELECT 1\"\n",
    );
    house.write("odd.csv", "name,age\nx,1\n");
    house.write("crm.csv", "email\nrubbish\nrubbish\n");
    let text = house.run(&["source", "test", "crm"]).exits(1).out;
    assert!(text.contains("IT WOULD NOT BE BELIEVED") && text.contains("none of its"), "{text}");
    let gone = house.run(&["source", "test", "gone"]).exits(69).err;
    assert!(gone.contains("gone.csv"), "{gone}");
    let odd = house.run(&["source", "test", "odd"]).exits(65).err;
    assert!(odd.contains("odd.csv") && odd.contains("email"), "{odd}");
    house.run(&["source", "test", "db"]).exits(69);
    let none = house.run(&["source", "test", "shop"]).exits(64).err;
    assert!(none.contains("no [[source]] is named \"shop\"; there is: crm, gone"), "{none}");
}

#[test]
fn a_source_is_read_without_a_gate_and_tells_what_is_new() {
    let house = house("");
    let first = house.run(&["source", "sync", "crm"]).exits(0).out;
    assert!(first.contains("3 rows; 2 entries added, 0 stood there already, 1 BAD"), "{first}");
    let same = house.run(&["source", "sync", "crm"]).exits(0).out;
    assert!(same.contains("as it was when it was last read, 2 rows"), "{same}");
    let all = house.run(&["-o", "json", "source", "sync", "crm", "--all"]).exits(0).json();
    assert_eq!((all["added"].as_u64(), all["known"].as_u64()), (Some(0), Some(2)));
    house.run(&["why", "bob@example.com"]).exits(1);
    house.write("crm.csv", "email\n");
    let refused = house.run(&["source", "sync", "crm"]).exits(65).err;
    assert!(refused.contains("allow_empty"), "{refused}");
    let list = house.run(&["source", "list"]).exits(0).out;
    assert!(list.contains("the last try failed") && list.contains("crm.csv"), "{list}");
}

#[test]
fn the_running_gate_reads_it_and_figures_are_for_prometheus() {
    let house = house("[[source]]\nname = \"gone\"\ncsv = \"gone.csv\"\nscope = \"news\"\n");
    let before = house.run(&["metrics"]);
    assert_ne!(before.code, 0, "{}", before.out);
    let gate = Running::start(&house, &["serve"], "ready listeners=\"");
    let synced = house.run(&["source", "sync", "crm"]).exits(0).out;
    assert!(synced.contains("crm: "), "{synced}");
    house.write("crm.csv", format!("{LIST}eve@example.com,2026-01-04\n"));
    house.run(&["source", "sync", "crm"]).exits(0);
    house.run(&["why", "eve@example.com"]).exits(1);
    let gone = house.run(&["source", "sync", "gone"]).exits(65).err;
    assert!(gone.contains("gone.csv"), "{gone}");
    let list = house.run(&["source", "list"]).exits(75).out;
    assert!(list.contains("gone: UNKNOWN, it was never loaded"), "{list}");
    let json = house.run(&["-o", "json", "source", "list"]).exits(75).json();
    assert_eq!(json[0]["mode"], "sync");
    assert!(json[0]["age"].as_u64().unwrap() < 3600, "{json}");
    assert_eq!(json[0]["max_age"].as_u64(), Some(604_800));
    let text = house.run(&["metrics"]).exits(0).out;
    for line in [
        "optgate_up 1",
        "# TYPE optgate_source_age_seconds gauge",
        "optgate_source_rows{source=\"crm\"} 3",
        "optgate_source_unknown{source=\"crm\"} 0",
        "optgate_source_unknown{source=\"gone\"} 1",
        "optgate_source_failed{source=\"gone\"} 1",
        "optgate_source_max_age_seconds{source=\"crm\"} 604800",
        "# TYPE optgate_recipients_refused_total counter",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    let status = house.run(&["status"]).exits(75).out;
    assert!(status.contains("age") && status.contains("UNKNOWN"), "{status}");
    gate.signal(rustix::process::Signal::TERM);
    assert_eq!(gate.wait().0, Some(0));
    let after = house.run(&["metrics"]).exits(0).out;
    assert!(after.contains("optgate_up 0\n"), "{after}");
}

#[test]
fn a_live_source_is_asked_about_nobody() {
    let config = |condition: &str| {
        format!(
            "{SMALL}[[source]]\nname = \"crm\"\nsqlite = \"crm.db\"\nmode = \"live\"\ntimeout = \"20s\"\n\
             query = \"SELECT email FROM o WHERE {condition}\"\n"
        )
    };
    let house = House::with(&config("email = @recipient"));
    let path = house.path("crm.db");
    rusqlite::Connection::open(&path)
        .unwrap()
        .execute_batch("CREATE TABLE o (email TEXT); INSERT INTO o VALUES ('bob@example.com')")
        .unwrap();
    let asked = house.run(&["source", "test", "crm"]).exits(0).out;
    assert!(asked.contains("mode live") && asked.contains("0 rows found"), "{asked}");
    let never = house.run(&["source", "sync", "crm"]).exits(65).err;
    assert!(never.contains("never read"), "{never}");
    house.write("optgate.toml", config("email = @recipient OR 1 = 1"));
    let everybody = house.run(&["source", "test", "crm"]).exits(1).out;
    assert!(everybody.contains("everybody would be refused"), "{everybody}");
}
