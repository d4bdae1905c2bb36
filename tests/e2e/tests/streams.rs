//! What kind of mail a message is, and what that means for who opted out, agreed, or is on
//! a list that nobody has read.

use std::fs;
use std::process::Command;
use std::time::Duration;

use e2e::{
    Aiosmtpd, Client, Gate, Letter, Postfix, Ran, Reply, Scratch, Setup, Smarthost, run, wait_until,
};

use crate::{SENDER, recipients};

/// Mail servers write their logs within this time, on a shared machine.
const SOON: Duration = Duration::from_secs(60);

const RECEIPTS: &str = "[[stream]]\nname = \"receipts\"\nclass = \"transactional\"\nsender = [\"billing@corp.example\"]\n";

/// What the gate says to one recipient of this sender.
fn verdict(gate: &Gate, sender: &str, recipient: &str) -> Reply {
    let mut dialogue = gate.dialogue();
    let mail = dialogue.ask(&format!("MAIL FROM:<{sender}>")).unwrap();
    assert_eq!(mail.code, 250, "{mail:?}");
    dialogue.ask(&format!("RCPT TO:<{recipient}>")).unwrap()
}

fn done(ran: &Ran) {
    assert_eq!(ran.code, 0, "{}", ran.text());
}

/// The day so many days ago, by the system's own calendar.
fn days_ago(days: u32) -> String {
    let mut date = Command::new("date");
    date.args(["-u", "-d", &format!("{days} days ago"), "+%F"]);
    let ran = run(&mut date, Duration::from_secs(20));
    done(&ran);
    ran.out.trim().to_owned()
}

/// A letter of the list `news`.
fn news(id: &str) -> Letter {
    let mut letter = Letter::plain(id);
    let head = b"List-Id: News of the shop\r\n <news.corp.example>\r\n";
    letter.content.splice(0..0, *head);
    letter
}

#[test]
fn a_receipt_passes_an_opt_out_and_an_offer_does_not_swaks_smtplib_postfix() {
    let scratch = Scratch::new();
    let postfix = Postfix::start(&scratch);
    let setup = Setup { tables: RECEIPTS.to_owned(), ..Setup::new(postfix.address()) };
    let gate = Gate::start(&scratch.path().join("gate"), &setup);
    let to = ["bob@example.com"];
    for (client, id) in [(Client::Swaks, "swaks"), (Client::Smtplib, "smtplib")] {
        let letter = Letter::plain(id);
        let told = client.send(&scratch, gate.address, SENDER, &to, &letter);
        assert!(!told.accepted && told.text.contains("opted out on 2026-03-02"), "{}", told.text);
        let told = client.send(&scratch, gate.address, "billing@corp.example", &to, &letter);
        assert!(told.accepted, "{}", told.text);
    }
    assert_eq!(recipients(&postfix), ["bob@example.com", "bob@example.com"]);
    // Nothing at all is nothing at all.
    done(&gate.ask(&["optout", "add", "carol@example.com", "--scope", "all"]));
    assert_eq!(verdict(&gate, "billing@corp.example", "carol@example.com").code, 550);
}

#[test]
fn a_header_decides_before_data_and_is_refused_at_the_dot_smtplib_postfix() {
    let scratch = Scratch::new();
    let postfix = Postfix::start(&scratch);
    let setup = Setup {
        tables: "[[stream]]\nname = \"news\"\nheader = { List-Id = [\"*<news.corp.example>\"] }\n\
                 [[stream]]\nname = \"rest\"\nclass = \"transactional\"\n"
            .to_owned(),
        // Postfix tells at the end of a connection which commands it was given.
        smarthost_lines: "idle = 0\n".to_owned(),
        ..Setup::new(postfix.address())
    };
    let gate = Gate::start(&scratch.path().join("gate"), &setup);
    let reply = gate.dialogue().mail(SENDER, &["bob@example.com"], &news("n1").content).unwrap();
    assert_eq!(reply.code, 550, "{reply:?}");
    assert!(reply.text.contains("(list crm.csv), and this is \"news\" mail; ref "), "{reply:?}");
    let session = wait_until(SOON, || {
        let log = postfix.log();
        let line = log.lines().find(|line| line.contains(" rcpt=1") && line.contains("disconnect"));
        line.map(str::to_owned)
    });
    let session = session.unwrap_or_else(|| panic!("no session: {}", postfix.log()));
    assert!(!session.contains(" data="), "{session}");
    assert!(recipients(&postfix).is_empty());
    let told =
        Client::Smtplib.send(&scratch, gate.address, SENDER, &["bob@example.com"], &news("n2"));
    assert!(!told.accepted && told.text.contains("opted out"), "{}", told.text);
    // The same without the field is other mail, and others may get the news.
    let letter = Letter::plain("n3");
    let reply = gate.dialogue().mail(SENDER, &["bob@example.com"], &letter.content).unwrap();
    assert_eq!(reply.code, 250, "{reply:?}");
    let reply = gate.dialogue().mail(SENDER, &["alice@example.com"], &news("n4").content).unwrap();
    assert_eq!(reply.code, 250, "{reply:?}");
    assert_eq!(recipients(&postfix), ["alice@example.com", "bob@example.com"]);
}

#[test]
fn recipients_that_differ_are_deferred_or_the_message_is_refused_whole_aiosmtpd() {
    let scratch = Scratch::new();
    let server = Aiosmtpd::start(&scratch);
    let tables = "[[stream]]\nname = \"news\"\nheader = { List-Id = [\"*news*\"] }\n\
                  [[stream]]\nname = \"rest\"\nclass = \"transactional\"\n";
    let setup = |mixed: &str| Setup {
        tables: tables.to_owned(),
        listener_lines: mixed.to_owned(),
        ..Setup::new(server.address)
    };
    let codes = |gate: &Gate| -> Vec<u16> {
        let mut dialogue = gate.dialogue();
        dialogue.ask(&format!("MAIL FROM:<{SENDER}>")).unwrap();
        let to = ["alice@example.com", "bob@example.com", "dave@example.com"];
        to.iter().map(|to| dialogue.ask(&format!("RCPT TO:<{to}>")).unwrap().code).collect()
    };
    let gate = Gate::start(&scratch.path().join("defers"), &setup(""));
    assert_eq!(codes(&gate), [250, 452, 250]);
    let gate = Gate::start(&scratch.path().join("refuses"), &setup("mixed = \"refuse\"\n"));
    assert_eq!(codes(&gate), [250, 250, 250]);
    let to = ["alice@example.com", "bob@example.com"];
    let reply = gate.dialogue().mail(SENDER, &to, &news("m1").content).unwrap();
    assert_eq!(reply.code, 550, "{reply:?}");
    assert!(server.taken().is_empty());
    let reply = gate.dialogue().mail(SENDER, &to, &Letter::plain("m2").content).unwrap();
    assert_eq!(reply.code, 250, "{reply:?}");
    assert_eq!(server.taken()[0].to, to);
}

#[test]
fn an_opt_in_stream_reaches_who_agreed_and_nobody_else_with_postfix() {
    let scratch = Scratch::new();
    let postfix = Postfix::start(&scratch);
    let folder = scratch.folder("gate", None, 0o755);
    let rows = format!(
        "email,OPTIN_TIME\nalice@example.com,{}\nbob@example.com,2026-02-01\ntoday@example.com,{}\n",
        days_ago(3),
        days_ago(0)
    );
    fs::write(folder.join("agreed.csv"), rows).unwrap();
    let setup = Setup {
        tables: "[[stream]]\nname = \"offers\"\npermission = \"opt-in\"\nsender = [\"@offers.corp.example\"]\n\
                 [[source]]\nname = \"agreed\"\ncsv = \"agreed.csv\"\nkind = \"consent\"\ndate = \"OPTIN_TIME\"\n"
            .to_owned(),
        ..Setup::new(postfix.address())
    };
    let gate = Gate::start(&folder, &setup);
    let code = |who| verdict(&gate, "x@offers.corp.example", who);
    assert_eq!(code("alice@example.com").code, 250);
    assert_eq!(code("today@example.com").code, 250);
    let never = code("dave@example.com");
    assert_eq!(never.code, 550, "{never:?}");
    assert!(never.text.contains("has not agreed to get \"offers\" mail"), "{never:?}");
    // An older consent ends no opt-out.
    assert_eq!(code("bob@example.com").code, 550);
    assert_eq!(verdict(&gate, SENDER, "dave@example.com").code, 250);
}

#[test]
fn a_newsletter_that_was_never_read_does_not_stop_password_resets_with_postfix() {
    let scratch = Scratch::new();
    let postfix = Postfix::start(&scratch);
    let setup = Setup {
        tables: format!(
            "{RECEIPTS}[[stream]]\nname = \"spring\"\nscopes = [\"spring\"]\nsender = [\"spring@corp.example\"]\n\
             [[stream]]\nname = \"newsletter\"\nscopes = [\"newsletter\"]\nsender = [\"news@corp.example\"]\n\
             [[source]]\nname = \"newsletter\"\ncsv = \"no-such-file.csv\"\nscope = \"newsletter\"\n"
        ),
        ..Setup::new(postfix.address())
    };
    let gate = Gate::start(&scratch.path().join("gate"), &setup);
    let code = |sender| verdict(&gate, sender, "dave@example.com").code;
    assert_eq!(code("billing@corp.example"), 250);
    assert_eq!(code("spring@corp.example"), 250);
    assert_eq!(code("news@corp.example"), 451);
    // Mail that no rule takes may be about anything.
    assert_eq!(code(SENDER), 451);
    let asked = scratch.write("asked.txt", "dave@example.com\n");
    let asked = asked.to_str().unwrap();
    let ran = gate.ask(&["replay", asked, "--stream", "receipts"]);
    assert_eq!(ran.code, 0, "{}", ran.text());
    let ran = gate.ask(&["replay", asked, "--stream", "newsletter"]);
    assert_eq!(ran.code, 75, "{}", ran.text());
}

#[test]
fn grace_lets_a_young_opt_out_pass_and_no_old_one_with_postfix() {
    let scratch = Scratch::new();
    let postfix = Postfix::start(&scratch);
    let setup = Setup {
        tables: "[enforcement]\ngrace = \"10 business days\"\n".to_owned(),
        ..Setup::new(postfix.address())
    };
    let gate = Gate::start(&scratch.path().join("gate"), &setup);
    let add = |who: &str, more: &[&str]| {
        done(&gate.ask(&[&["optout", "add", who], more].concat()));
    };
    // Ten business days end on the 12th to the 14th day, by the weekday; and midnight may come
    // between here and the questions.
    add("young@example.com", &["--date", &days_ago(11)]);
    add("old@example.com", &["--date", &days_ago(19)]);
    add("angry@example.com", &["--kind", "complaint", "--date", &days_ago(1)]);
    assert_eq!(gate.verdict("young@example.com").code, 250);
    assert_eq!(gate.verdict("old@example.com").code, 550);
    assert_eq!(gate.verdict("angry@example.com").code, 550);
    let recorded = wait_until(SOON, || {
        gate.evidence().into_iter().find(|line| {
            line.get("recipient_plain").and_then(|p| p.as_str()) == Some("<young@example.com>")
        })
    });
    let recorded = recorded.expect("the decision is recorded");
    assert!(recorded.get("until").is_some(), "{recorded}");
    let why = gate.ask(&["why", "young@example.com"]);
    assert_eq!(why.code, 0, "{}", why.text());
    assert!(why.out.contains("(grace)"), "{}", why.out);
}

#[test]
fn a_whole_domain_is_refused_but_its_role_addresses_with_postfix() {
    let scratch = Scratch::new();
    let postfix = Postfix::start(&scratch);
    let gate = Gate::start(&scratch.path().join("gate"), &Setup::new(postfix.address()));
    assert_eq!(gate.verdict("anybody@closed.example").code, 250);
    done(&gate.ask(&["optout", "add", "--domain", "closed.example", "--scope", "all"]));
    let reply = gate.verdict("anybody@CLOSED.example");
    assert_eq!(reply.code, 550, "{reply:?}");
    assert!(reply.text.contains("is at a domain that opted out"), "{reply:?}");
    for role in ["abuse@closed.example", "Postmaster@closed.example", "abuse+x@closed.example"] {
        assert_eq!(gate.verdict(role).code, 250, "{role}");
    }
    assert_eq!(gate.verdict("anybody@sub.closed.example").code, 250);
}

#[test]
fn a_later_consent_reopens_and_a_withdrawn_entry_is_none_with_postfix() {
    let scratch = Scratch::new();
    let postfix = Postfix::start(&scratch);
    let gate = Gate::start(&scratch.path().join("gate"), &Setup::new(postfix.address()));
    assert_eq!(gate.verdict("bob@example.com").code, 550);
    let consent = |date: &str| {
        done(&gate.ask(&[
            "consent",
            "add",
            "bob@example.com",
            "--date",
            date,
            "--reason",
            "signed at the fair",
        ]));
    };
    consent("2026-03-02");
    assert_eq!(gate.verdict("bob@example.com").code, 550, "the same day re-opens nothing");
    consent("2026-03-03");
    assert_eq!(gate.verdict("bob@example.com").code, 250);
    assert_eq!(gate.verdict("bob+x@example.com").code, 550, "a consent is of one spelling");
    done(&gate.ask(&["optout", "add", "bob@example.com", "--kind", "manual"]));
    assert_eq!(gate.verdict("bob@example.com").code, 550, "no consent ends a block");
    // Where the list is wrong, it is corrected first.
    let corrected = "Email Address,Opted out\nbob@example.com,2026-03-02\n";
    fs::write(gate.folder().join("crm.csv"), corrected).unwrap();
    // Withdrawn while the gate still has her from the list, the list is unknown until it is read
    // again.
    let read = wait_until(SOON, || {
        let status = gate.ask(&["status", "-o", "json"]);
        let status: serde_json::Value = serde_json::from_str(&status.out).unwrap();
        (status["sources"][0]["rows"] == 1).then_some(())
    });
    assert!(read.is_some(), "{}", gate.log());
    done(&gate.ask(&["optout", "withdraw", "carol@example.com", "--reason", "the wrong Carol"]));
    assert_eq!(gate.verdict("carol@example.com").code, 250);
}
