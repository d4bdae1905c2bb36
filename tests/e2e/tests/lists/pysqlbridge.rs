//! Lists in what speaks as Microsoft SQL Server.

use std::net::SocketAddr;
use std::sync::Mutex;

use e2e::{Authority, Scratch, SqlServer};

use super::{
    INJECTIONS, Keeper, Oracle, a_reading_cut_short_changes_nothing,
    a_wrong_password_defers_until_it_is_right, is_asked_about_each, is_not_read, is_read,
    is_read_and_followed, many_rows_are_read_once_in_little_memory, no_address_is_a_question,
    no_answer_is_never_a_yes,
};

/// A server, and the rows of its table, which are written anew for each change.
struct Table {
    server: SqlServer,
    rows: Mutex<Vec<String>>,
}

impl Table {
    /// With somebody in it: the type of an empty column is unknown.
    fn start(scratch: &Scratch) -> Self {
        Self { server: SqlServer::start(scratch, &text(&[])), rows: Mutex::default() }
    }

    /// With a certificate that can be verified.
    fn start_with_tls(scratch: &Scratch, authority: &Authority) -> Self {
        let rows = vec!["bob@example.com".to_owned()];
        let server = SqlServer::start_with_tls(scratch, &text(&rows), authority);
        Self { server, rows: Mutex::new(rows) }
    }
}

fn text(addresses: &[String]) -> String {
    let mut text = "id,email\n0,first@example.net\n".to_owned();
    for (number, address) in addresses.iter().enumerate() {
        text += &format!("{},\"{}\"\n", number + 1, address.replace('"', "\"\""));
    }
    text
}

impl Keeper for Table {
    const PASSWORD: &str = SqlServer::PASSWORD;
    const ALL: &str = "query = \"SELECT email FROM optout\"\n";
    const NEW: &str = "query = \"SELECT id, email FROM optout\"\nwatermark = \"id\"\n\
                       full_every = \"1d\"\n";

    fn address(&self) -> SocketAddr {
        self.server.address
    }

    fn place(&self, server: SocketAddr) -> String {
        let (port, user) = (server.port(), SqlServer::USER);
        format!(
            "sqlserver = \"sqlserver://localhost:{port}/pysqlbridge\"\nuser = \"{user}\"\n\
             password_file = \"password\"\ntls = \"unverified\"\n"
        )
    }

    fn add(&self, addresses: &[String]) {
        let mut rows = self.rows.lock().unwrap();
        rows.extend_from_slice(addresses);
        self.server.write(&text(&rows));
    }

    fn kill(&mut self) {
        self.server.kill();
    }

    fn restart(&mut self) {
        self.server.restart();
    }
}

impl Oracle for Table {
    const LIVE: &str = "query = \"SELECT email FROM optout WHERE email = @recipient\"\n";
}

#[test]
fn a_list_is_read_and_followed_in_pysqlbridge() {
    let scratch = Scratch::new();
    let table = Table::start(&scratch);
    is_read_and_followed(&scratch, &table);
    let asked_for_new = table.server.log().lines().filter(|l| l.contains("[id] >=")).count();
    assert!(asked_for_new > 0, "never asked for what is new only: {}", table.server.log());
}

#[test]
fn a_reading_that_is_cut_short_changes_nothing_in_pysqlbridge() {
    let scratch = Scratch::new();
    a_reading_cut_short_changes_nothing(&scratch, &mut Table::start(&scratch));
}

#[test]
fn many_rows_go_through_little_memory_in_pysqlbridge() {
    let scratch = Scratch::new();
    many_rows_are_read_once_in_little_memory(&scratch, &Table::start(&scratch));
}

#[test]
fn a_wrong_password_defers_everybody_in_pysqlbridge() {
    let scratch = Scratch::new();
    a_wrong_password_defers_until_it_is_right(&scratch, &Table::start(&scratch));
}

#[test]
fn no_list_is_read_without_the_tls_that_is_wanted_in_pysqlbridge_openssl() {
    let scratch = Scratch::new();
    let (ours, theirs) = (Authority::new(&scratch, "ours"), Authority::new(&scratch, "theirs"));
    let table = Table::start_with_tls(&scratch, &ours);
    let place = |tls: &str| table.place(table.address()).replace("tls = \"unverified\"\n", tls);
    let verify =
        |ca: &Authority| place(&format!("tls = \"verify\"\nca = \"{}\"\n", ca.ca.display()));
    is_read::<Table>(&Scratch::new(), &verify(&ours));
    is_not_read::<Table>(&Scratch::new(), &verify(&theirs), "tls");
    is_not_read::<Table>(&Scratch::new(), &place("tls = \"verify\"\n"), "tls");
}

#[test]
fn each_recipient_is_asked_about_in_pysqlbridge() {
    let scratch = Scratch::new();
    is_asked_about_each(&scratch, &Table::start(&scratch));
}

#[test]
fn no_answer_is_never_a_yes_in_pysqlbridge() {
    let scratch = Scratch::new();
    no_answer_is_never_a_yes(&scratch, &mut Table::start(&scratch));
}

#[test]
fn no_address_is_a_question_in_pysqlbridge() {
    let scratch = Scratch::new();
    let table = Table::start(&scratch);
    no_address_is_a_question(&scratch, &table);
    let log = table.server.log();
    let asked = log.lines().filter(|line| line.contains("WHERE")).collect::<Vec<_>>();
    assert!(!asked.is_empty(), "{log}");
    for address in INJECTIONS {
        // Never in the text of a question, always among its parameters.
        let in_text = asked.iter().any(|line| {
            let text = line.split("parameters=").next().unwrap_or(line);
            text.contains(address)
        });
        assert!(!in_text, "{address} became part of a question");
    }
}
