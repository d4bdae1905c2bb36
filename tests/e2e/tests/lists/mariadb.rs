//! Lists in MariaDB.

use std::net::SocketAddr;

use e2e::{Authority, Mariadb, Scratch};

use super::{
    INJECTIONS, Keeper, Oracle, a_reading_cut_short_changes_nothing,
    a_wrong_password_defers_until_it_is_right, is_asked_about_each, is_not_read, is_read,
    is_read_and_followed, many_rows_are_read_once_in_little_memory, no_address_is_a_question,
    no_answer_is_never_a_yes, one, quoted,
};

impl Keeper for Mariadb {
    const PASSWORD: &str = Self::PASSWORD;
    const ALL: &str = "query = \"SELECT email FROM optout\"\n";
    const NEW: &str = "query = \"SELECT id, email FROM optout\"\nwatermark = \"id\"\n\
                       full_every = \"1d\"\n";

    fn address(&self) -> SocketAddr {
        self.address
    }

    fn place(&self, server: SocketAddr) -> String {
        let (port, user) = (server.port(), Self::USER);
        format!(
            "mysql = \"mysql://localhost:{port}/crm\"\nuser = \"{user}\"\n\
             password_file = \"password\"\n"
        )
    }

    fn add(&self, addresses: &[String]) {
        self.sql(
            "CREATE TABLE IF NOT EXISTS optout (id BIGINT AUTO_INCREMENT PRIMARY KEY, \
             email VARCHAR(320) CHARACTER SET utf8mb4 NOT NULL)",
        );
        for some in addresses.chunks(20_000) {
            let values: Vec<String> =
                some.iter().map(|address| format!("({})", quoted(address))).collect();
            self.load(&format!("INSERT INTO optout (email) VALUES {}", values.join(",")));
        }
    }

    fn kill(&mut self) {
        Self::kill(self);
    }

    fn restart(&mut self) {
        Self::restart(self);
    }
}

impl Oracle for Mariadb {
    const LIVE: &str = "query = \"SELECT email FROM optout WHERE email = @recipient\"\n";
}

/// The lines of the place with a setting of TLS.
fn with_tls(server: &Mariadb, lines: &str) -> String {
    format!("{}{lines}", server.place(server.address))
}

#[test]
fn a_list_is_read_and_followed_in_mariadb() {
    let scratch = Scratch::new();
    let server = Mariadb::start(&scratch);
    is_read_and_followed(&scratch, &server);
    let asked_for_new = server.log().lines().filter(|l| l.contains("`id` >=")).count();
    assert!(asked_for_new > 0, "never asked for what is new only: {}", server.log());
}

#[test]
fn a_reading_that_is_cut_short_changes_nothing_in_mariadb() {
    let scratch = Scratch::new();
    a_reading_cut_short_changes_nothing(&scratch, &mut Mariadb::start(&scratch));
}

#[test]
fn many_rows_go_through_little_memory_in_mariadb() {
    let scratch = Scratch::new();
    many_rows_are_read_once_in_little_memory(&scratch, &Mariadb::start(&scratch));
}

#[test]
fn a_wrong_password_defers_everybody_in_mariadb() {
    let scratch = Scratch::new();
    a_wrong_password_defers_until_it_is_right(&scratch, &Mariadb::start(&scratch));
}

#[test]
fn no_list_is_read_without_the_tls_that_is_wanted_in_mariadb_openssl() {
    let scratch = Scratch::new();
    let (ours, theirs) = (Authority::new(&scratch, "ours"), Authority::new(&scratch, "theirs"));
    let server = Mariadb::start_with_tls(&scratch, &ours, true);
    server.add(&one("bob@example.com"));
    let verify = |ca: &Authority| {
        with_tls(&server, &format!("tls = \"verify\"\nca = \"{}\"\n", ca.ca.display()))
    };
    is_read::<Mariadb>(&Scratch::new(), &verify(&ours));
    is_read::<Mariadb>(&Scratch::new(), &with_tls(&server, "tls = \"unverified\"\n"));
    is_not_read::<Mariadb>(&Scratch::new(), &verify(&theirs), "tls");
    is_not_read::<Mariadb>(&Scratch::new(), &with_tls(&server, "tls = \"verify\"\n"), "tls");
    is_not_read::<Mariadb>(&Scratch::new(), &with_tls(&server, "tls = \"off\"\n"), "login");
    let open = Mariadb::start(&Scratch::new());
    let lines = with_tls(&open, "tls = \"unverified\"\n");
    is_not_read::<Mariadb>(&Scratch::new(), &lines, "tls");
}

#[test]
fn each_recipient_is_asked_about_in_mariadb() {
    let scratch = Scratch::new();
    is_asked_about_each(&scratch, &Mariadb::start(&scratch));
}

#[test]
fn no_answer_is_never_a_yes_in_mariadb() {
    let scratch = Scratch::new();
    no_answer_is_never_a_yes(&scratch, &mut Mariadb::start(&scratch));
}

#[test]
fn no_address_is_a_question_in_mariadb() {
    let scratch = Scratch::new();
    let server = Mariadb::start(&scratch);
    // Whoever asks could do harm here.
    server.sql(
        "CREATE TABLE canary (sings int); INSERT INTO canary VALUES (1); \
         GRANT ALL ON crm.canary TO reader@'%'",
    );
    no_address_is_a_question(&scratch, &server);
    assert_eq!(server.sql("SELECT count(*) FROM canary"), "1");
    let log = server.log();
    for address in INJECTIONS {
        // As the log writes a value.
        let bound = address.replace('\\', "\\\\").replace('\'', "\\'").replace('"', "\\\"");
        assert!(log.contains(&bound), "{address} was not asked about as it stands:\n{log}");
    }
}
