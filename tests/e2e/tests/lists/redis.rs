//! Lists in Redis: the members of a set.

use std::fmt::Write as _;
use std::net::SocketAddr;

use e2e::{Authority, Redis, Scratch};

use super::{
    Keeper, Oracle, a_reading_cut_short_changes_nothing, a_wrong_password_defers_until_it_is_right,
    is_asked_about_each, is_not_read, is_read, is_read_and_followed,
    many_rows_are_read_once_in_little_memory, no_address_is_a_question, no_answer_is_never_a_yes,
    one,
};

impl Keeper for Redis {
    const PASSWORD: &str = Self::PASSWORD;
    const ALL: &str = "key = \"optout\"\n";
    const NEW: &str = Self::ALL;

    fn address(&self) -> SocketAddr {
        self.address
    }

    fn place(&self, server: SocketAddr) -> String {
        let (port, user) = (server.port(), Self::USER);
        format!(
            "redis = \"redis://localhost:{port}\"\nuser = \"{user}\"\n\
             password_file = \"password\"\n"
        )
    }

    fn add(&self, addresses: &[String]) {
        let mut commands = String::new();
        for address in addresses {
            let length = address.len();
            let _ =
                write!(commands, "*3\r\n$4\r\nSADD\r\n$6\r\noptout\r\n${length}\r\n{address}\r\n");
        }
        self.load(&commands);
    }

    fn kill(&mut self) {
        Self::kill(self);
    }

    fn restart(&mut self) {
        Self::restart(self);
    }
}

impl Oracle for Redis {
    const LIVE: &str = Self::ALL;
}

/// The lines of the place with TLS as `lines` say.
fn with_tls(server: &Redis, lines: &str) -> String {
    format!("{}{lines}", server.place(server.address).replace("redis://", "rediss://"))
}

#[test]
fn a_list_is_read_and_followed_in_redis() {
    let scratch = Scratch::new();
    is_read_and_followed(&scratch, &Redis::start(&scratch));
}

#[test]
fn a_reading_that_is_cut_short_changes_nothing_in_redis() {
    let scratch = Scratch::new();
    a_reading_cut_short_changes_nothing(&scratch, &mut Redis::start(&scratch));
}

#[test]
fn many_rows_go_through_little_memory_in_redis() {
    let scratch = Scratch::new();
    many_rows_are_read_once_in_little_memory(&scratch, &Redis::start(&scratch));
}

#[test]
fn a_wrong_password_defers_everybody_in_redis() {
    let scratch = Scratch::new();
    a_wrong_password_defers_until_it_is_right(&scratch, &Redis::start(&scratch));
}

#[test]
fn no_list_is_read_without_the_tls_that_is_wanted_in_redis_openssl() {
    let scratch = Scratch::new();
    let (ours, theirs) = (Authority::new(&scratch, "ours"), Authority::new(&scratch, "theirs"));
    let server = Redis::start_with_tls(&scratch, &ours);
    server.add(&one("bob@example.com"));
    let verify = |ca: &Authority| {
        with_tls(&server, &format!("tls = \"verify\"\nca = \"{}\"\n", ca.ca.display()))
    };
    is_read::<Redis>(&Scratch::new(), &verify(&ours));
    is_read::<Redis>(&Scratch::new(), &with_tls(&server, "tls = \"unverified\"\n"));
    is_not_read::<Redis>(&Scratch::new(), &verify(&theirs), "tls");
    is_not_read::<Redis>(&Scratch::new(), &with_tls(&server, "tls = \"verify\"\n"), "tls");
    let clear = format!("{}timeout = \"2s\"\n", server.place(server.address));
    is_not_read::<Redis>(&Scratch::new(), &clear, "localhost");
    let open = Redis::start(&Scratch::new());
    // It waits for the rest of what is no command.
    let lines = with_tls(&open, "tls = \"unverified\"\ntimeout = \"2s\"\n");
    is_not_read::<Redis>(&Scratch::new(), &lines, "localhost");
}

#[test]
fn each_recipient_is_asked_about_in_redis() {
    let scratch = Scratch::new();
    is_asked_about_each(&scratch, &Redis::start(&scratch));
}

#[test]
fn no_answer_is_never_a_yes_in_redis() {
    let scratch = Scratch::new();
    no_answer_is_never_a_yes(&scratch, &mut Redis::start(&scratch));
}

#[test]
fn no_address_is_a_question_in_redis() {
    let scratch = Scratch::new();
    let server = Redis::start(&scratch);
    server.command(&["SET", "canary", "sings"]);
    // Whoever asks could do harm here.
    server.command(&["ACL", "SETUSER", Redis::USER, "+@all"]);
    no_address_is_a_question(&scratch, &server);
    assert_eq!(server.command(&["GET", "canary"]), "sings");
    // Every question was one of the kinds that it is to be.
    let commands = server.commands();
    for never in ["cmdstat_del:", "cmdstat_flushall:", "cmdstat_keys:", "cmdstat_eval:"] {
        assert!(!commands.contains(never), "{commands}");
    }
}
