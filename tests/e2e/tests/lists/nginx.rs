//! Lists behind a URL.

use std::net::SocketAddr;
use std::sync::Mutex;

use e2e::{Authority, Nginx, Scratch, wait_until};

use super::{
    House, Keeper, SOON, a_reading_cut_short_changes_nothing,
    a_wrong_password_defers_until_it_is_right, is_not_read, is_read, is_read_and_followed,
    many_rows_are_read_once_in_little_memory, one, waited,
};

/// A server, and the lines of its file, which is written anew for each change.
struct Web {
    nginx: Nginx,
    rows: Mutex<Vec<String>>,
}

impl Web {
    fn new(nginx: Nginx) -> Self {
        let web = Self { nginx, rows: Mutex::default() };
        web.add(&one("first@example.net"));
        web
    }

    fn url(&self, scheme: &str, folder: &str) -> String {
        let port = self.nginx.address.port();
        format!("csv = \"{scheme}://localhost:{port}/{folder}/optout.csv\"\n")
    }
}

impl Keeper for Web {
    const PASSWORD: &str = Nginx::PASSWORD;
    const ALL: &str = "";
    const NEW: &str = "";

    fn address(&self) -> SocketAddr {
        self.nginx.address
    }

    fn place(&self, server: SocketAddr) -> String {
        let (port, user) = (server.port(), Nginx::USER);
        format!(
            "csv = \"http://localhost:{port}/basic/optout.csv\"\nuser = \"{user}\"\n\
             password_file = \"password\"\n"
        )
    }

    fn add(&self, addresses: &[String]) {
        let mut rows = self.rows.lock().unwrap();
        rows.extend_from_slice(addresses);
        self.nginx.write("optout.csv", format!("email\n{}\n", rows.join("\n")));
    }

    fn kill(&mut self) {
        self.nginx.kill();
    }

    fn restart(&mut self) {
        // The age of a list counts from the date of the file.
        self.add(&[]);
        self.nginx.restart();
    }
}

#[test]
fn a_list_is_read_and_followed_from_nginx() {
    let scratch = Scratch::new();
    is_read_and_followed(&scratch, &Web::new(Nginx::start(&scratch)));
}

#[test]
fn what_has_not_changed_is_not_sent_again_from_nginx() {
    let scratch = Scratch::new();
    let web = Web::new(Nginx::start(&scratch));
    web.add(&one("bob@example.com"));
    let lines = format!("{}every = \"1s\"\n", web.url("http", "open"));
    let house = House::new(&scratch, "", &lines);
    house.wait_for("bob@example.com", 550);
    let count = |status: &str| web.nginx.log().lines().filter(|l| l.contains(status)).count();
    waited(SOON, "it is asked three times more", || count(" 304 0") >= 3);
    assert_eq!(count(" 200 "), 1, "{}", web.nginx.log());
    web.add(&one("dave@example.com"));
    house.wait_for("dave@example.com", 550);
    // It writes its log behind its answer.
    waited(SOON, "it is in the log", || count(" 200 ") > 1);
    assert_eq!(count(" 200 "), 2, "{}", web.nginx.log());
}

#[test]
fn a_reading_that_is_cut_short_changes_nothing_from_nginx() {
    let scratch = Scratch::new();
    a_reading_cut_short_changes_nothing(&scratch, &mut Web::new(Nginx::start(&scratch)));
}

#[test]
fn many_rows_go_through_little_memory_from_nginx() {
    let scratch = Scratch::new();
    many_rows_are_read_once_in_little_memory(&scratch, &Web::new(Nginx::start(&scratch)));
}

#[test]
fn a_wrong_password_defers_everybody_from_nginx() {
    let scratch = Scratch::new();
    a_wrong_password_defers_until_it_is_right(&scratch, &Web::new(Nginx::start(&scratch)));
}

#[test]
fn a_token_opens_what_is_closed_without_one_at_nginx() {
    let scratch = Scratch::new();
    let web = Web::new(Nginx::start(&scratch));
    web.add(&one("bob@example.com"));
    // What House writes into the file `password` is the token here.
    let lines = format!("{}token_file = \"password\"\nevery = \"1s\"\n", web.url("http", "bearer"));
    let house = House::new(&scratch, Nginx::TOKEN, &lines);
    house.wait_for("bob@example.com", 550);
    house.log_is_clean(Nginx::TOKEN);
    is_not_read::<Web>(&Scratch::new(), &web.url("http", "bearer"), "401");
    let lines = format!("{}token_file = \"password\"\n", web.url("http", "bearer"));
    is_not_read::<Web>(&Scratch::new(), &lines, "401");
}

#[test]
fn what_is_no_list_is_not_taken_for_one_from_nginx() {
    let scratch = Scratch::new();
    let web = Web::new(Nginx::start(&scratch));
    web.add(&one("bob@example.com"));
    let lines = format!("{}every = \"1s\"\n", web.url("http", "open"));
    let house = House::new(&scratch, "", &lines);
    house.wait_for("bob@example.com", 550);
    let position = house.position();
    // The page of a login, or of a proxy that has something to say, comes with 200 too.
    web.nginx.write("optout.csv", "<!DOCTYPE html>\n<html><body>Please log in</body></html>\n");
    house.wait_for_error();
    assert_eq!(house.position(), position);
    assert_eq!(house.code("bob@example.com"), 550);
    assert_eq!(house.code("alice@example.com"), 250);
    web.add(&one("dave@example.com"));
    house.wait_for("dave@example.com", 550);
    let healed = wait_until(SOON, || house.told("last_error").is_empty().then_some(()));
    assert!(healed.is_some(), "{}", house.status());
}

#[test]
fn no_list_is_read_without_the_tls_that_is_wanted_from_nginx_openssl() {
    let scratch = Scratch::new();
    let (ours, theirs) = (Authority::new(&scratch, "ours"), Authority::new(&scratch, "theirs"));
    let web = Web::new(Nginx::start_with_tls(&scratch, &ours));
    web.add(&one("bob@example.com"));
    let url = web.url("https", "open");
    let verify = |ca: &Authority| format!("{url}tls = \"verify\"\nca = \"{}\"\n", ca.ca.display());
    is_read::<Web>(&Scratch::new(), &verify(&ours));
    is_read::<Web>(&Scratch::new(), &format!("{url}tls = \"unverified\"\n"));
    is_not_read::<Web>(&Scratch::new(), &verify(&theirs), "tls");
    is_not_read::<Web>(&Scratch::new(), &format!("{url}tls = \"verify\"\n"), "tls");
    let open = Web::new(Nginx::start(&Scratch::new()));
    is_not_read::<Web>(&Scratch::new(), &open.url("https", "open"), "tls");
}
