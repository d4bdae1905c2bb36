//! The first command of the README.

use std::process::{Command, Stdio};
use std::time::Duration;

use e2e::{Client, Dialogue, Letter, Peers, Scratch, Server, free_port, run};

#[test]
fn the_demo_runs_once_and_shows_a_yes_and_a_no() {
    let scratch = Scratch::new();
    let listen = free_port().to_string();
    let mut command = Command::new(Peers::get().optgate());
    command.args(["demo", "--once", "--dir", "demo-data", "--listen", &listen]);
    command.current_dir(scratch.path()).stdin(Stdio::null()).env("NO_COLOR", "1");
    let ran = run(&mut command, Duration::from_secs(60));
    assert_eq!(ran.code, 0, "{}", ran.text());
    for shown in ["250", "550 5.7.1", "opted out", "ref ", "curl", &listen, "demo-data"] {
        assert!(ran.out.contains(shown), "{shown} is not shown:\n{}", ran.text());
    }
    assert!(scratch.path().join("demo-data").is_dir());
    // The same command again, on what it left behind.
    let ran = run(&mut command, Duration::from_secs(60));
    assert_eq!(ran.code, 0, "{}", ran.text());
}

#[test]
fn the_demo_stays_up_and_takes_mail_from_curl() {
    let scratch = Scratch::new();
    let listen = free_port();
    let mut command = Command::new(Peers::get().optgate());
    command.args(["demo", "--dir", "demo-data", "--listen", &listen.to_string()]);
    command.current_dir(scratch.path()).env("NO_COLOR", "1");
    let log = scratch.path().join("demo.log");
    let mut demo = Server::start("optgate demo", &mut command, log.clone());
    // It takes connections before its lists are read, and answers 451 until then; it is
    // ready when it says what to try.
    demo.wait_ready(Duration::from_secs(60), || {
        std::fs::read_to_string(&log).is_ok_and(|said| said.contains("try it yourself"))
            && Dialogue::open(listen).is_ok()
    });
    let told = Client::Curl.send(
        &scratch,
        listen,
        "you@corp.example",
        &["someone.new@example.org"],
        &Letter::plain("demo"),
    );
    assert!(told.accepted, "{}\n{}", told.text, demo.printed());
    assert!(demo.is_running());
    assert_eq!(demo.stop(Duration::from_secs(20)), Some(0), "{}", demo.printed());
}
