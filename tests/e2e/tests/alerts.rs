//! Whoever looks after the gate is told what is wrong, and that it is over.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use e2e::{Aiosmtpd, Gate, Postfix, Scratch, Setup, free_port, wait_until};

use crate::recipients;

const PATIENCE: Duration = Duration::from_secs(90);

/// The command of a program that writes down what it hears, one line a message. The shell reads
/// it: a file just written can for a moment not be run, while a child of another test holds it.
fn program(folder: &Path) -> String {
    let (program, heard) = (folder.join("page.sh"), folder.join("heard"));
    let text = format!(
        "json=$(cat)\n\
         printf '%s|%s|%s\\n' \"$OPTGATE_ALERT_EVENT\" \"$OPTGATE_ALERT_ABOUT\" \"$json\" >> {0}\n",
        heard.display()
    );
    fs::write(&program, text).unwrap();
    format!("[\"/bin/sh\", \"{}\"]", program.display())
}

fn heard(folder: &Path) -> Vec<String> {
    let text = fs::read_to_string(folder.join("heard")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Whether a line of this event about this was heard.
fn is_heard(folder: &Path, event: &str, about: &str) -> Option<String> {
    let begins = format!("{event}|{about}|");
    heard(folder).into_iter().find(|line| line.starts_with(&begins))
}

/// A web server that answers 200 and passes on what was posted: header and body.
fn webhook() -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hooks/s3cret", listener.local_addr().unwrap());
    let (posted, posts) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let (mut text, mut buffer) = (Vec::new(), [0; 4096]);
            while let Ok(read @ 1..) = stream.read(&mut buffer) {
                text.extend(buffer.iter().take(read));
                let whole = String::from_utf8_lossy(&text).into_owned();
                let length = whole.lines().find_map(|line| {
                    line.to_ascii_lowercase()
                        .strip_prefix("content-length: ")?
                        .parse::<usize>()
                        .ok()
                });
                let body = whole.split_once("\r\n\r\n").map_or(0, |(_, body)| body.len());
                if length.is_some_and(|length| body >= length) {
                    break;
                }
            }
            let _ = stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            if posted.send(String::from_utf8_lossy(&text).into_owned()).is_err() {
                return;
            }
        }
    });
    (url, posts)
}

/// A list that is not there yet.
fn absent_list() -> String {
    "[[source]]\nname = \"shop\"\ncsv = \"shop.csv\"\n\n".to_owned()
}

#[test]
fn the_first_451_is_told_by_program_webhook_and_mail_to_aiosmtpd() {
    let scratch = Scratch::new();
    let server = Aiosmtpd::start(&scratch);
    let (url, posts) = webhook();
    let folder = scratch.path().join("gate");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("token"), "t0ken\n").unwrap();
    let alert = format!(
        "[alert]\ncommand = {}\nwebhook = \"{url}\"\nwebhook_token_file = \"token\"\n\
         mail = \"ops@corp.example\"\n\n",
        program(&folder)
    );
    let tables = absent_list() + &alert;
    let gate = Gate::start(&folder, &Setup { tables, ..Setup::new(server.address) });
    for _ in 0..3 {
        assert_eq!(gate.verdict("alice@example.com").code, 451);
    }

    let line = wait_until(PATIENCE, || is_heard(&folder, "deferring", "shop"));
    let line = line.unwrap_or_else(|| panic!("{:?}\n{}", heard(&folder), gate.log()));
    assert!(line.contains("\"text\":\"optgate on "), "{line}");
    let post = wait_until(PATIENCE, || {
        posts.try_iter().find(|post| post.contains("\"event\":\"deferring\""))
    });
    let post = post.unwrap_or_else(|| panic!("{}", gate.log()));
    assert!(post.contains("POST /hooks/s3cret HTTP/1.1"), "{post}");
    assert!(post.to_ascii_lowercase().contains("authorization: bearer t0ken"), "{post}");
    let mail = wait_until(PATIENCE, || {
        let all = server.taken();
        all.into_iter().find(|one| String::from_utf8_lossy(&one.content).contains("deferring on"))
    });
    let mail = mail.unwrap_or_else(|| panic!("{}", gate.log()));
    assert_eq!((mail.from.as_str(), mail.to), ("<>", vec!["ops@corp.example".to_owned()]));
    let content = String::from_utf8(mail.content).unwrap();
    assert!(content.contains("\r\nAuto-Submitted: auto-generated\r\n"), "{content}");
    assert!(content.contains("Subject: optgate trouble: shop\r\n"), "{content}");
    assert!(!content.contains("alice"), "{content}");
    // Three recipients, one message.
    let all = heard(&folder);
    assert_eq!(all.iter().filter(|line| line.starts_with("deferring|")).count(), 1, "{all:?}");

    // The list comes: told as well.
    fs::write(folder.join("shop.csv"), "email\nbob@example.com\n").unwrap();
    let solved = wait_until(PATIENCE, || is_heard(&folder, "solved", "shop"));
    assert!(solved.is_some(), "{:?}\n{}", heard(&folder), gate.log());
    assert_eq!(gate.verdict("alice@example.com").code, 250);
    assert!(!gate.log().contains("s3cret"), "the URL of a webhook is a secret");
}

#[test]
fn a_smarthost_that_is_down_is_told_and_the_mail_waits_for_postfix() {
    let scratch = Scratch::new();
    let address = free_port();
    let folder = scratch.path().join("gate");
    fs::create_dir_all(&folder).unwrap();
    let tables = format!(
        "[alert]\ncommand = {}\nmail = \"ops@corp.example\"\nsmarthost_down = \"1s\"\n\n",
        program(&folder)
    );
    let gate = Gate::start(&folder, &Setup { tables, ..Setup::new(address) });
    let about = address.to_string();
    let told = wait_until(PATIENCE, || is_heard(&folder, "smarthost-down", &about));
    assert!(told.is_some(), "{:?}\n{}", heard(&folder), gate.log());

    let postfix = Postfix::start_at(&scratch, address);
    let solved = wait_until(PATIENCE, || is_heard(&folder, "solved", &about));
    assert!(solved.is_some(), "{:?}\n{}", heard(&folder), gate.log());
    let arrived = wait_until(PATIENCE, || (recipients(&postfix).len() >= 2).then_some(()));
    assert!(arrived.is_some(), "{}", gate.log());
    assert!(recipients(&postfix).iter().all(|to| to == "ops@corp.example"));
}

/// The operator's own address may be on a list: it is told all the same.
#[test]
fn who_is_told_is_told_whatever_the_lists_say_of_them_with_aiosmtpd() {
    let scratch = Scratch::new();
    let server = Aiosmtpd::start(&scratch);
    let tables = absent_list() + "[alert]\nmail = \"bob@example.com\"\n\n";
    let gate =
        Gate::start(&scratch.path().join("gate"), &Setup { tables, ..Setup::new(server.address) });
    assert_eq!(gate.verdict("bob@example.com").code, 550);
    assert_eq!(gate.verdict("alice@example.com").code, 451);
    let mail = wait_until(PATIENCE, || server.taken().into_iter().next());
    let mail = mail.unwrap_or_else(|| panic!("{}", gate.log()));
    assert_eq!(mail.to, ["bob@example.com"]);
}
