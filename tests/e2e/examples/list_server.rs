//! A list on a server, for `cargo xtask bench sources`: starts one of the servers that the
//! end-to-end tests know how to start, fills it with the people of a CSV file (email, created,
//! reason), and says in one line of JSON how they are asked for: all of them, and the first
//! tenth. It goes on until its input ends.
//!
//! `list_server sqlite|postgres|mysql|sqlserver|ldap|redis|http CSV`, with
//! `OPTGATE_E2E_PEERS` as `cargo xtask test` sets it.

#![expect(
    clippy::print_stdout,
    clippy::panic,
    clippy::expect_used,
    reason = "it stands on the stage of the tests: what goes wrong ends it, with its reason"
)]

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use e2e::{Mariadb, Nginx, Openldap, Peers, Postgresql, Redis, Scratch, SqlServer, run};
use serde_json::{Value, json};

const LOAD_LIMIT: Duration = Duration::from_secs(300);
const TABLE: &str = "email varchar(200), created varchar(40), reason varchar(200)";
const SELECT: &str = "SELECT email, created, reason FROM optout";

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [server, csv] = words.as_slice() else { panic!("which server, and with what?") };
    let scratch = Scratch::new();
    let list = List::read(Path::new(csv));
    match server.as_str() {
        "sqlite" => until_unwanted(&sqlite(&scratch, csv, &list)),
        "postgres" => postgres(&scratch, &list),
        "mysql" => mysql(&scratch, csv, &list),
        "sqlserver" => sqlserver(&scratch, &list),
        "ldap" => ldap(&scratch, &list),
        "redis" => redis(&scratch, &list),
        "http" => http(&scratch, &list),
        _ => panic!("{server}: there is no such server"),
    }
}

/// A file, made by SQLite's own program.
fn sqlite(scratch: &Scratch, csv: &str, list: &List) -> Value {
    let file = scratch.path().join("crm.sqlite");
    let mut client = Peers::get().command("sqlite3");
    client.arg(&file).arg(".mode csv").arg(format!(".import \"{csv}\" optout"));
    let ran = run(&mut client, LOAD_LIMIT);
    assert_eq!(ran.code, 0, "sqlite3: {}", ran.text());
    json!({ "url": file, "whole": SELECT, "tenth": list.limited() })
}

fn postgres(scratch: &Scratch, list: &List) {
    let server = Postgresql::start(scratch);
    server.load(&format!(
        "CREATE TABLE optout ({TABLE});\nCOPY optout FROM stdin WITH (FORMAT csv, HEADER);\n\
         {}\\.\n",
        list.text
    ));
    until_unwanted(&json!({
        "url": format!("postgres://{}/crm", server.address),
        "user": Postgresql::USER, "password": Postgresql::PASSWORD,
        "whole": SELECT, "tenth": list.limited(),
    }));
}

fn mysql(scratch: &Scratch, csv: &str, list: &List) {
    let server = Mariadb::start(scratch);
    // The server reads the file itself, and it runs as this user.
    server.load(&format!(
        "CREATE TABLE optout ({TABLE});\n\
         LOAD DATA INFILE '{csv}' INTO TABLE optout FIELDS TERMINATED BY ',' \
         OPTIONALLY ENCLOSED BY '\"' IGNORE 1 LINES;\n"
    ));
    until_unwanted(&json!({
        "url": format!("mysql://{}/crm", server.address),
        "user": Mariadb::USER, "password": Mariadb::PASSWORD,
        "whole": SELECT, "tenth": list.limited(),
    }));
}

fn sqlserver(scratch: &Scratch, list: &List) {
    let server = SqlServer::start(scratch, &list.text);
    let top = format!("SELECT TOP {}", list.tenth());
    until_unwanted(&json!({
        "url": format!("sqlserver://{}", server.address),
        "user": SqlServer::USER, "password": SqlServer::PASSWORD,
        "whole": SELECT, "tenth": SELECT.replace("SELECT", &top),
    }));
}

fn ldap(scratch: &Scratch, list: &List) {
    let server = Openldap::start(scratch);
    let names: Vec<String> = (0..list.rows).map(|n| format!("p{n}")).collect();
    let people = names.iter().zip(list.addresses()).enumerate();
    server.add(people.map(|(n, (name, address))| {
        let mark = if n < list.tenth() { "employeeType: tenth" } else { "employeeType: other" };
        (name.as_str(), address, mark)
    }));
    let question = |filter| format!("{};{filter};mail,employeeType", Openldap::BASE);
    until_unwanted(&json!({
        "url": format!("ldap://{}", server.address),
        "user": Openldap::USER, "password": Openldap::PASSWORD,
        "whole": question("(mail=*)"), "tenth": question("(employeeType=tenth)"),
    }));
}

fn redis(scratch: &Scratch, list: &List) {
    let server = Redis::start(scratch);
    let mut commands = String::new();
    for (n, address) in list.addresses().enumerate() {
        // Writing into a text does not fail.
        let _ = writeln!(commands, "SADD whole {address}");
        if n < list.tenth() {
            let _ = writeln!(commands, "SADD tenth {address}");
        }
    }
    server.load(&commands);
    until_unwanted(&json!({
        "url": format!("redis://{}", server.address),
        "user": Redis::USER, "password": Redis::PASSWORD,
        "whole": "whole", "tenth": "tenth",
    }));
}

fn http(scratch: &Scratch, list: &List) {
    let server = Nginx::start(scratch);
    server.write("whole.csv", &list.text);
    server.write("tenth.csv", list.first(list.tenth()));
    let url = |name: &str| format!("http://{}/open/{name}.csv", server.address);
    until_unwanted(&json!({ "whole": url("whole"), "tenth": url("tenth") }));
}

/// Says where the list is, and waits until nobody wants it any more.
fn until_unwanted(told: &Value) {
    println!("{told}");
    let mut rest = Vec::new();
    let _ = std::io::stdin().read_to_end(&mut rest);
}

/// The people.
struct List {
    text: String,
    rows: usize,
}

impl List {
    fn read(csv: &Path) -> Self {
        let text = std::fs::read_to_string(csv).expect("the list can be read");
        let rows = text.lines().count().saturating_sub(1);
        Self { text, rows }
    }

    fn tenth(&self) -> usize {
        self.rows / 10
    }

    fn limited(&self) -> String {
        format!("{SELECT} LIMIT {}", self.tenth())
    }

    fn addresses(&self) -> impl Iterator<Item = &str> {
        self.text.lines().skip(1).filter_map(|line| line.split(',').next())
    }

    /// The header and so many people.
    fn first(&self, people: usize) -> &str {
        let end = self.text.split_inclusive('\n').take(people + 1).map(str::len).sum();
        self.text.get(..end).expect("a line ends between characters")
    }
}
