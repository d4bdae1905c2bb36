//! `init`, `check`, `config show`: the configuration as a user meets it.

use crate::house::{House, SMALL};

#[test]
fn check_of_a_right_file_says_ok() {
    let house = House::with(SMALL);
    let ran = house.run(&["check"]).exits(0);
    assert_eq!(ran.out, "optgate.toml: ok\n");
    assert_eq!(ran.err, "");
}

#[test]
fn check_tells_every_mistake_with_its_place_and_exits_78() {
    let house = House::with(
        "[smarthost]\nadress = \"relay:587\"\n[[listener]]\naddress = \"0.0.0.0:25\"\n[limits]\nerrors = \"x\"\n[server]\nhostname = \"mail.example.com\"\n",
    );
    let ran = house.run(&["check"]).exits(78);
    for words in [
        "error: `address` is missing in [smarthost]",
        "help: did you mean `address`?",
        " --> optgate.toml:2:1",
        "error: who may relay through 0.0.0.0:25?",
        " --> optgate.toml:4:11",
        "error: expected a whole number, found a string",
        "optgate.toml: 4 mistakes",
    ] {
        assert!(ran.out.contains(words), "{words} in {}", ran.out);
    }
    let faults = house.run(&["check", "-o", "json"]).exits(78).json();
    assert_eq!(faults["ok"], false);
    assert_eq!(faults["faults"].as_array().unwrap().len(), 4);
    assert_eq!(faults["faults"][1]["line"], 2);
    assert_eq!(faults["faults"][1]["value"], "adress");
    assert_eq!(faults["faults"][1]["help"][0], "did you mean `address`?");
}

#[test]
fn a_missing_list_is_a_mistake_for_check() {
    let house = House::with(&format!("{SMALL}[[source]]\nname = \"crm\"\ncsv = \"gone.csv\"\n"));
    let ran = house.run(&["check"]).exits(78);
    assert!(ran.out.contains("gone.csv is not there"), "{}", ran.out);
}

#[test]
fn without_a_configuration_the_words_say_how_to_get_one() {
    let house = House::empty();
    let ran = house.run(&["check"]).exits(78);
    assert!(ran.err.contains("optgate init"), "{}", ran.err);
    let ran = house.run(&["check", "--config", "nowhere.toml"]).exits(78);
    assert!(ran.err.contains("nowhere.toml"), "{}", ran.err);
}

#[test]
fn init_writes_a_file_that_check_accepts_and_never_overwrites() {
    let house = House::empty();
    house.write("optouts.csv", "email\nbob@example.com\n");
    let words = [
        "init",
        "--smarthost",
        "relay.corp.example:587",
        "--listen",
        "0.0.0.0:25",
        "--allow",
        "10.0.0.0/8",
        "--csv",
        "optouts.csv",
    ];
    let ran = house.run(&words).exits(0);
    assert!(ran.out.contains("optgate serve --config optgate.toml"), "{}", ran.out);
    house.run(&["check"]).exits(0);
    let shown = house.run(&["config", "show", "--changed"]).exits(0).out;
    for line in [
        "address = \"relay.corp.example:587\"",
        "allow = [\"10.0.0.0/8\"]",
        "name = \"optouts\"",
        "csv = \"optouts.csv\"",
    ] {
        assert!(shown.contains(line), "{line} in {shown}");
    }
    let before = std::fs::read(house.path("optgate.toml")).unwrap();
    let ran = house.run(&words).exits(1);
    assert!(ran.err.contains("left as it is"), "{}", ran.err);
    assert_eq!(std::fs::read(house.path("optgate.toml")).unwrap(), before);
    // To standard output, and what is wrong is told before anything is written.
    assert!(house.run(&["init", "-"]).exits(0).out.contains("[smarthost]"));
    let ran = house.run(&["init", "other.toml", "--smarthost", "relay"]).exits(64);
    assert!(ran.err.contains("the port is missing"), "{}", ran.err);
    assert!(!house.path("other.toml").exists());
}

#[test]
fn config_show_names_the_origin_of_every_value() {
    let house = House::with(SMALL);
    let ran = house.run(&["config", "show"]).exits(0);
    let line = |start: &str| {
        ran.out.lines().find(|l| l.starts_with(start)).unwrap_or_else(|| panic!("{start}"))
    };
    assert!(line("hostname = ").ends_with("# optgate.toml:2"));
    assert!(line("contact = ").ends_with("# default"));
    assert!(line("allow = ").ends_with("# default: loopback, as the address"));
    let mut command = house.command(&["config", "show", "--changed"]);
    let out = command.env("OPTGATE_LOG", "debug").output().unwrap().stdout;
    let out = String::from_utf8(out).unwrap();
    assert!(out.contains("level = \"debug\""), "{out}");
    assert!(out.contains("# environment: OPTGATE_LOG"), "{out}");
    let values = house.run(&["config", "show", "-o", "json"]).exits(0).json();
    let host = &values.as_array().unwrap()[0];
    assert_eq!(host["key"], "hostname");
    assert_eq!(host["origin"]["from"], "file");
    assert_eq!(host["origin"]["line"], 2);
}

#[test]
fn the_configuration_may_be_named_by_the_environment() {
    let house = House::empty();
    house.write("elsewhere.toml", SMALL);
    let out = house.command(&["check"]).env("OPTGATE_CONFIG", "elsewhere.toml").output().unwrap();
    assert!(out.status.success());
}
