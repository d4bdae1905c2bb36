//! Lists in OpenLDAP: people with an address.

use std::net::SocketAddr;

use e2e::{Authority, Openldap, Scratch};

use super::{
    INJECTIONS, Keeper, Oracle, a_reading_cut_short_changes_nothing,
    a_wrong_password_defers_until_it_is_right, is_asked_about_each, is_not_read, is_read,
    is_read_and_followed, many_rows_are_read_once_in_little_memory, no_address_is_a_question,
    no_answer_is_never_a_yes, one,
};

impl Keeper for Openldap {
    const PASSWORD: &str = Self::PASSWORD;
    const ALL: &str = "base = \"ou=people,dc=corp,dc=example\"\nfilter = \"(employeeType=out)\"\n";
    const NEW: &str = Self::ALL;
    const MANY: usize = 5_000;
    const ROWS: usize = 20_000;

    fn address(&self) -> SocketAddr {
        self.address
    }

    fn place(&self, server: SocketAddr) -> String {
        let (port, user) = (server.port(), Self::USER);
        format!(
            "ldap = \"ldap://localhost:{port}\"\nuser = \"{user}\"\n\
             password_file = \"password\"\n"
        )
    }

    fn add(&self, addresses: &[String]) {
        let names: Vec<String> = addresses.iter().map(|address| name(address)).collect();
        let people = names.iter().zip(addresses);
        Self::add(
            self,
            people.map(|(name, mail)| (name.as_str(), mail.as_str(), "employeeType: out")),
        );
    }

    fn kill(&mut self) {
        Self::kill(self);
    }

    fn restart(&mut self) {
        Self::restart(self);
    }
}

impl Oracle for Openldap {
    const LIVE: &str = "base = \"ou=people,dc=corp,dc=example\"\n\
                        filter = \"(&(employeeType=out)(mail=@recipient))\"\n";
}

/// What may stand in a distinguished name without a thought.
fn name(address: &str) -> String {
    address.chars().filter(char::is_ascii_alphanumeric).collect()
}

/// The lines of the place with a setting of TLS.
fn with_tls(server: &Openldap, lines: &str) -> String {
    format!("{}{lines}", server.place(server.address))
}

#[test]
fn a_list_is_read_and_followed_in_openldap() {
    let scratch = Scratch::new();
    let server = Openldap::start(&scratch);
    server.add([("alice", "alice@example.com", "employeeType: in")]);
    is_read_and_followed(&scratch, &server);
}

#[test]
fn a_reading_that_is_cut_short_changes_nothing_in_openldap() {
    let scratch = Scratch::new();
    a_reading_cut_short_changes_nothing(&scratch, &mut Openldap::start(&scratch));
}

#[test]
fn many_rows_go_through_little_memory_in_openldap() {
    let scratch = Scratch::new();
    many_rows_are_read_once_in_little_memory(&scratch, &Openldap::start(&scratch));
}

#[test]
fn a_wrong_password_defers_everybody_in_openldap() {
    let scratch = Scratch::new();
    a_wrong_password_defers_until_it_is_right(&scratch, &Openldap::start(&scratch));
}

#[test]
fn no_list_is_read_without_the_tls_that_is_wanted_in_openldap_openssl() {
    let scratch = Scratch::new();
    let (ours, theirs) = (Authority::new(&scratch, "ours"), Authority::new(&scratch, "theirs"));
    let server = Openldap::start_with_tls(&scratch, &ours);
    Keeper::add(&server, &one("bob@example.com"));
    let verify = |ca: &Authority| {
        with_tls(&server, &format!("tls = \"verify\"\nca = \"{}\"\n", ca.ca.display()))
    };
    is_read::<Openldap>(&Scratch::new(), &verify(&ours));
    is_read::<Openldap>(&Scratch::new(), &with_tls(&server, "tls = \"unverified\"\n"));
    let at_once = verify(&ours).replace("ldap://", "ldaps://").replace(
        &server.address.port().to_string(),
        &server.tls_address.unwrap().port().to_string(),
    );
    is_read::<Openldap>(&Scratch::new(), &at_once);
    is_not_read::<Openldap>(&Scratch::new(), &verify(&theirs), "tls");
    is_not_read::<Openldap>(&Scratch::new(), &with_tls(&server, "tls = \"verify\"\n"), "tls");
    // This directory takes no password in the clear.
    is_not_read::<Openldap>(&Scratch::new(), &with_tls(&server, "tls = \"off\"\n"), "login");
    let open = Openldap::start(&Scratch::new());
    let lines = with_tls(&open, "tls = \"unverified\"\n");
    is_not_read::<Openldap>(&Scratch::new(), &lines, "tls");
}

#[test]
fn each_recipient_is_asked_about_in_openldap() {
    let scratch = Scratch::new();
    is_asked_about_each(&scratch, &Openldap::start(&scratch));
}

#[test]
fn no_answer_is_never_a_yes_in_openldap() {
    let scratch = Scratch::new();
    no_answer_is_never_a_yes(&scratch, &mut Openldap::start(&scratch));
}

#[test]
fn no_address_is_a_question_in_openldap() {
    let scratch = Scratch::new();
    let server = Openldap::start(&scratch);
    no_address_is_a_question(&scratch, &server);
    // Each address in one place of the one filter, with what has a meaning there escaped.
    // It writes a value as it compares it, in lower case.
    let log = server.log().to_lowercase();
    for address in INJECTIONS {
        let bound = address
            .to_lowercase()
            .replace('\\', "\\5c")
            .replace('*', "\\2a")
            .replace('(', "\\28")
            .replace(')', "\\29");
        assert!(log.contains(&format!("(mail={bound})")), "{address} was not asked about:\n{log}");
    }
}
