//! Lists in PostgreSQL.

use std::net::SocketAddr;

use e2e::{Authority, Postgresql, Scratch};

use super::{
    House, INJECTIONS, Keeper, Oracle, SOON, a_reading_cut_short_changes_nothing,
    a_wrong_password_defers_until_it_is_right, is_asked_about_each, is_not_read, is_read,
    is_read_and_followed, many_rows_are_read_once_in_little_memory, no_address_is_a_question,
    no_answer_is_never_a_yes, one, people, quoted, waited,
};

impl Keeper for Postgresql {
    const PASSWORD: &str = Self::PASSWORD;
    const ALL: &str = "query = \"SELECT email FROM optout\"\n";
    const NEW: &str = "query = \"SELECT id, email, changed FROM optout\"\nwatermark = \"changed\"\n\
                       full_every = \"1d\"\n";

    fn address(&self) -> SocketAddr {
        self.address
    }

    fn place(&self, server: SocketAddr) -> String {
        let (port, user) = (server.port(), Self::USER);
        format!(
            "postgres = \"postgres://localhost:{port}/crm\"\nuser = \"{user}\"\n\
             password_file = \"password\"\n"
        )
    }

    fn add(&self, addresses: &[String]) {
        self.sql(
            "CREATE TABLE IF NOT EXISTS optout (id bigserial PRIMARY KEY, email text NOT NULL, \
             changed timestamptz NOT NULL DEFAULT now())",
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

impl Oracle for Postgresql {
    const LIVE: &str = "query = \"SELECT email FROM optout WHERE email = @recipient\"\n";
}

/// The lines of the place with a setting of TLS.
fn with_tls(server: &Postgresql, lines: &str) -> String {
    format!("{}{lines}", server.place(server.address))
}

#[test]
fn a_list_is_read_and_followed_in_postgresql() {
    let scratch = Scratch::new();
    let server = Postgresql::start(&scratch);
    is_read_and_followed(&scratch, &server);
    let log = server.log();
    assert!(log.contains(">= $1::text::"), "never asked for what is new only: {log}");
}

#[test]
fn a_reading_that_is_cut_short_changes_nothing_in_postgresql() {
    let scratch = Scratch::new();
    a_reading_cut_short_changes_nothing(&scratch, &mut Postgresql::start(&scratch));
}

#[test]
fn many_rows_go_through_little_memory_in_postgresql() {
    let scratch = Scratch::new();
    many_rows_are_read_once_in_little_memory(&scratch, &Postgresql::start(&scratch));
}

#[test]
fn a_wrong_password_defers_everybody_in_postgresql() {
    let scratch = Scratch::new();
    a_wrong_password_defers_until_it_is_right(&scratch, &Postgresql::start(&scratch));
}

#[test]
fn no_list_is_read_without_the_tls_that_is_wanted_in_postgresql_openssl() {
    let scratch = Scratch::new();
    let (ours, theirs) = (Authority::new(&scratch, "ours"), Authority::new(&scratch, "theirs"));
    let server = Postgresql::start_with_tls(&scratch, &ours, true);
    server.add(&one("bob@example.com"));
    let verify = |ca: &Authority| {
        with_tls(&server, &format!("tls = \"verify\"\nca = \"{}\"\n", ca.ca.display()))
    };
    is_read::<Postgresql>(&Scratch::new(), &verify(&ours));
    is_read::<Postgresql>(&Scratch::new(), &with_tls(&server, "tls = \"unverified\"\n"));
    is_not_read::<Postgresql>(&Scratch::new(), &verify(&theirs), "tls");
    // The authorities of the system do not know ours.
    is_not_read::<Postgresql>(&Scratch::new(), &with_tls(&server, "tls = \"verify\"\n"), "tls");
    is_not_read::<Postgresql>(&Scratch::new(), &with_tls(&server, "tls = \"off\"\n"), "encryption");
    let open = Postgresql::start(&Scratch::new());
    let lines = with_tls(&open, "tls = \"unverified\"\n");
    is_not_read::<Postgresql>(&Scratch::new(), &lines, "tls");
}

#[test]
fn a_notification_brings_the_new_rows_at_once_in_postgresql() {
    let scratch = Scratch::new();
    let server = Postgresql::start(&scratch);
    server.add(&one("bob@example.com"));
    let lines = format!(
        "{}{}every = \"1h\"\nnotify = \"optouts\"\n",
        server.place(server.address),
        Postgresql::NEW
    );
    let house = House::new(&scratch, Postgresql::PASSWORD, &lines);
    house.wait_for("bob@example.com", 550);
    // Whoever listens is known to the server.
    waited(SOON, "it listens", || server.log().contains("LISTEN"));
    for name in ["dave", "erin"] {
        let address = format!("{name}@example.com");
        assert_eq!(house.code(&address), 250);
        server.add(&one(&address));
        // The log has LISTEN when it begins: the first notification may be too early for it.
        waited(SOON, "the new row counts", || {
            server.sql("NOTIFY optouts");
            house.code(&address) == 550
        });
    }
}

#[test]
fn the_verbs_of_a_source_try_it_and_read_it_in_postgresql() {
    let scratch = Scratch::new();
    let server = Postgresql::start(&scratch);
    server.add(&people("secret", 3));
    let lines = format!("{}{}every = \"1h\"\n", server.place(server.address), Postgresql::NEW);
    let house = House::new(&scratch, Postgresql::PASSWORD, &lines);
    house.wait_for("secret0@example.com", 550);
    let ask = |words: &[&str]| {
        let ran = house.gate.ask(words);
        assert!(!ran.text().contains("secret"), "an address is shown: {}", ran.text());
        ran
    };

    // A look: the columns and the rows, nothing recorded.
    server.add(&one("dave@example.com"));
    let position = house.position();
    let tried = ask(&["source", "test", "crm"]);
    assert_eq!(tried.code, 0, "{}", tried.text());
    for shown in ["email", "changed", "4"] {
        assert!(tried.out.contains(shown), "{shown}: {}", tried.text());
    }
    assert_eq!(house.position(), position);
    assert_eq!(house.code("dave@example.com"), 250);

    let read = ask(&["source", "sync", "crm"]);
    assert_eq!(read.code, 0, "{}", read.text());
    assert_eq!(house.code("dave@example.com"), 550, "when the command returns");
    let listed = ask(&["source", "list"]);
    assert!(listed.code == 0 && listed.out.contains("crm"), "{}", listed.text());

    // Nobody there: each says so by its code.
    drop(server);
    let tried = ask(&["source", "test", "crm"]);
    assert_eq!(tried.code, 69, "{}", tried.text());
    let read = ask(&["source", "sync", "crm"]);
    assert_eq!(read.code, 65, "{}", read.text());
    assert_eq!(house.code("dave@example.com"), 550);
    assert_eq!(house.code("alice@example.com"), 250);
}

#[test]
fn each_recipient_is_asked_about_in_postgresql() {
    let scratch = Scratch::new();
    is_asked_about_each(&scratch, &Postgresql::start(&scratch));
}

#[test]
fn no_answer_is_never_a_yes_in_postgresql() {
    let scratch = Scratch::new();
    no_answer_is_never_a_yes(&scratch, &mut Postgresql::start(&scratch));
}

#[test]
fn no_address_is_a_question_in_postgresql() {
    let scratch = Scratch::new();
    let server = Postgresql::start(&scratch);
    server.sql("CREATE TABLE canary (sings int); INSERT INTO canary VALUES (1)");
    // Whoever asks could do harm here.
    server.sql("GRANT ALL ON canary TO reader; ALTER TABLE canary OWNER TO reader");
    no_address_is_a_question(&scratch, &server);
    assert_eq!(server.sql("SELECT count(*) FROM canary"), "1");
    let log = server.log();
    for address in INJECTIONS {
        let bound = address.replace('\'', "''");
        assert!(log.contains(&bound), "{address} was not asked about as it stands");
    }
}
