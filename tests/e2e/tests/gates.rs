//! Gates over headers, completion, and messages that come again: between real clients and real
//! servers.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use e2e::{
    Aiosmtpd, Client, DkimKey, DkimKind, Gate, Impostor, Letter, Postfix, Scratch, Setup,
    Smarthost, opendkim_testmsg, signatures, wait_until,
};

use crate::SENDER;

const TO: [&str; 1] = ["alice@example.com"];
const GATES: &str = "[[gate]]\nname = \"own\"\ncheck = \"from\"\ndomains = [\"corp.example\"]\n\
    [[gate]]\nname = \"list\"\ncheck = \"field\"\nfield = \"List-Id\"\nregex = '.'\nverdict = \"shadow\"\n\
    [[gate]]\nname = \"probe\"\ncheck = \"field\"\nfield = \"X-Probe\"\nregex = '^yes$'\nverdict = \"permit\"\n\
    [[gate]]\nname = \"later\"\ncheck = \"forbidden\"\nfields = [\"X-Later\"]\nverdict = \"defer\"\n\
    [[gate]]\nname = \"words\"\ncheck = \"field\"\nfield = \"Subject\"\nregex = '(?i)lottery'\ntext = \"no lotteries here\"\n";

fn letter(id: &str, head: &str) -> Letter {
    let mut letter = Letter::plain(id);
    letter.content.splice(0..0, head.bytes());
    letter
}

/// What was found, in its order: the gate and what was done.
fn found(gate: &Gate, count: usize) -> Vec<(String, String)> {
    let text =
        |record: &serde_json::Value, key: &str| record[key].as_str().unwrap_or_default().to_owned();
    let all = gate.records("finding", count).into_iter();
    all.map(|record| (text(&record, "gate"), text(&record, "verdict"))).collect()
}

/// Each verdict, as clients see it; what was found is told by its reference and by the report.
#[test]
fn what_a_gate_finds_is_done_and_told_by_its_reference_swaks_smtplib_aiosmtpd() {
    let scratch = Scratch::new();
    let smarthost = Aiosmtpd::start(&scratch);
    let setup = Setup { tables: GATES.to_owned(), ..Setup::new(smarthost.address) };
    let gate = Gate::start(&scratch.path().join("gate"), &setup);
    let lottery = "Subject: =?utf-8?q?Lott?= =?utf-8?b?ZXJ5?=\r\n";
    for (client, id) in [(Client::Swaks, "swaks"), (Client::Smtplib, "smtplib")] {
        for (head, refused) in [
            ("From: ceo@bank.example\r\n", Some("more than one From")),
            (lottery, Some("550 5.7.1 no lotteries here; ref ")),
            ("X-Later: 1\r\n", Some("451")),
            ("List-Id: <news.corp.example>\r\n", None),
            (&format!("X-Probe: yes\r\n{lottery}"), None),
        ] {
            let told = client.send(&scratch, gate.address, SENDER, &TO, &letter(id, head));
            assert_eq!(told.accepted, refused.is_none(), "{head}{}", told.text);
            // Python tells code and text apart.
            let words = refused.unwrap_or_default().replace("550 ", "");
            assert!(told.text.contains(&words), "{head}{}", told.text);
        }
    }
    assert_eq!(smarthost.taken().len(), 4, "nobody got what was refused");
    let each = [
        ("gate own", "refuse"),
        ("gate words", "refuse"),
        ("gate later", "defer"),
        ("gate list", "shadow"),
        ("gate probe", "permit"),
    ];
    let each = each.map(|(gate, verdict)| (gate.to_owned(), verdict.to_owned()));
    assert_eq!(found(&gate, 10), [each.clone(), each].concat());
    let records = gate.evidence();
    let one = records.iter().find(|record| record["gate"] == "gate words").unwrap();
    let why = gate.ask(&["why", one["transaction"].as_str().unwrap()]);
    assert!(why.out.contains("gate words") && why.out.contains("no lotteries"), "{}", why.text());
    let report = gate.ask(&["-o", "json", "report", "findings"]);
    let report: serde_json::Value = serde_json::from_str(&report.out).unwrap();
    let rows = report["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 5, "{report}");
    assert!(rows.iter().all(|row| row["findings"] == 2 && row["stream"] == "default"), "{report}");
}

/// One click for newsletters alone; a client's own signature that lacks the fields is made good
/// by the gate's.
#[test]
fn newsletters_need_one_click_and_a_signature_over_it_smtplib_postfix_opendkim_dkimpy_openssl() {
    let scratch = Scratch::new();
    let server = Postfix::start(&scratch);
    let key = DkimKey::new(&scratch, DkimKind::Rsa, "corp.example", "rsa");
    let tables = "[[stream]]\nname = \"newsletter\"\nsender = [\"news@corp.example\"]\n\
        [[gate]]\nname = \"one-click\"\ncheck = \"one-click\"\nstream = [\"newsletter\"]\n"
        .to_owned();
    let signing = format!(
        "{tables}[[dkim]]\ndomain = \"corp.example\"\nselector = \"rsa\"\nkey = \"{}\"\n",
        key.file.display()
    );
    let start = |name: &str, tables: String| {
        let setup = Setup { tables, ..Setup::new(server.address()) };
        Gate::start(&scratch.path().join(name), &setup)
    };
    let (plain, signs) = (start("plain", tables), start("signs", signing));
    let fields = "List-Unsubscribe: <https://corp.example/u/1>\r\n\
        List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n";
    let short =
        "DKIM-Signature: v=1; a=rsa-sha256; d=corp.example; s=old; h=from; bh=AA==; b=AA==\r\n";
    let send = |gate: &Gate, sender: &str, head: &str| {
        let told = Client::Smtplib.send(&scratch, gate.address, sender, &TO, &letter("one", head));
        assert!(told.accepted || told.text.contains("no one-click unsubscribe"), "{}", told.text);
        told.accepted
    };
    let news = "news@corp.example";
    assert!(!send(&plain, news, ""));
    assert!(send(&plain, SENDER, ""), "another stream");
    assert!(send(&plain, news, fields));
    let signed_short = format!("{short}{fields}");
    assert!(!send(&plain, news, &signed_short), "and nobody signs it again");
    assert!(!send(&signs, news, short));
    assert!(send(&signs, news, &signed_short));
    // Three messages arrived, in an order of Postfix's own.
    let mut copies = server.stored().into_iter().map(|stored| stored.content);
    let is_it = |copy: &Vec<u8>| String::from_utf8_lossy(copy).contains("s=old;");
    let copy = copies.rfind(is_it).unwrap();
    let judged = signatures(&scratch, &[&key], &copy);
    let own = judged.iter().find(|one| one.true_one).unwrap_or_else(|| panic!("{judged:?}"));
    assert_eq!(own.domain, "corp.example");
    let text = String::from_utf8_lossy(&copy).to_ascii_lowercase();
    let (signature, _) =
        text.split_once("dkim-signature: v=1; a=rsa-sha256; d=corp.example; s=old").unwrap();
    assert!(signature.contains("list-unsubscribe") && signature.contains("list-unsubscribe-post"));
}

/// Completed once, and signed with what was added.
#[test]
fn smtplib_without_date_and_message_id_is_completed_and_signed_postfix_opendkim_dkimpy_openssl() {
    let scratch = Scratch::new();
    let server = Postfix::start(&scratch);
    let key = DkimKey::new(&scratch, DkimKind::Rsa, "corp.example", "rsa");
    let setup = Setup {
        listener_lines: "complete = true\n".to_owned(),
        tables: format!(
            "[[dkim]]\ndomain = \"corp.example\"\nselector = \"rsa\"\nkey = \"{}\"\n",
            key.file.display()
        ),
        ..Setup::new(server.address())
    };
    let gate = Gate::start(&scratch.path().join("gate"), &setup);
    let mut letter = Letter::plain("bare");
    let text = String::from_utf8_lossy(&letter.content).into_owned();
    let bare: String = text
        .split_inclusive("\r\n")
        .filter(|line| !line.starts_with("Date:") && !line.starts_with("Message-ID:"))
        .collect();
    letter.content = bare.clone().into_bytes();
    let told = Client::Smtplib.send(&scratch, gate.address, SENDER, &TO, &letter);
    assert!(told.accepted, "{}\n{}", told.text, gate.log());
    let copy = server.stored().pop().unwrap().content;
    let text = String::from_utf8_lossy(&copy).into_owned();
    assert!(text.ends_with(&bare), "{text}");
    for field in ["\r\nDate: ", "\r\nMessage-ID: <"] {
        assert_eq!(text.matches(field).count(), 1, "{text}");
    }
    assert_eq!(opendkim_testmsg(&scratch, &[&key], &copy), Ok(()), "{text}");
    assert!(signatures(&scratch, &[&key], &copy).iter().all(|one| one.true_one), "{text}");
    let outcome = gate.records("outcome", 1).remove(0);
    let id = outcome["message_id"].as_str().unwrap();
    assert!(text.contains(&format!("\r\nMessage-ID: {id}\r\n")), "{id}\n{text}");
}

fn next_line(stream: &mut TcpStream) -> std::io::Result<String> {
    let mut line = Vec::new();
    let mut byte = [0];
    while !line.ends_with(b"\r\n") {
        if stream.read(&mut byte)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        line.extend_from_slice(&byte);
    }
    Ok(String::from_utf8_lossy(&line).into_owned())
}

/// Takes everything, and says nothing to the final dot.
fn silent_at_the_dot(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(b"220 silent.test ESMTP\r\n")?;
    loop {
        let line = next_line(stream)?.to_ascii_uppercase();
        if !line.starts_with("DATA") {
            stream.write_all(b"250 2.0.0 as you like\r\n")?;
            continue;
        }
        stream.write_all(b"354 go on\r\n")?;
        while next_line(stream)? != ".\r\n" {}
        next_line(stream)?;
    }
}

/// Nobody knows what became of the first; the second is told from it, also by the next run.
#[test]
fn what_comes_again_after_a_dot_without_an_answer_is_told_smtplib() {
    let scratch = Scratch::new();
    let silent = Impostor::start(silent_at_the_dot);
    let setup = Setup {
        smarthost_lines: "reply_timeout = \"5s\"\n".to_owned(),
        ..Setup::new(silent.address)
    };
    let mut gate = Gate::start(&scratch.path().join("gate"), &setup);
    let send = |gate: &Gate, id: &str| {
        let told = Client::Smtplib.send(&scratch, gate.address, SENDER, &TO, &Letter::plain(id));
        assert!(!told.accepted && told.text.contains("451"), "{}", told.text);
    };
    send(&gate, "again");
    send(&gate, "another");
    assert_eq!(gate.records("outcome", 2).len(), 2);
    assert_eq!(found(&gate, 0), [], "nothing came twice");
    send(&gate, "again");
    let earlier = gate.records("outcome", 1).remove(0);
    let reference = earlier["transaction"].as_str().unwrap().to_owned();
    let finding = gate.records("finding", 1).remove(0);
    assert_eq!(finding["gate"], "duplicate");
    assert!(
        finding["reason"].as_str().unwrap().ends_with(&format!("ref {reference}")),
        "{finding}"
    );
    assert_eq!(finding["message_id"], "<again@corp.example>");
    let why = gate.ask(&["why", finding["transaction"].as_str().unwrap()]);
    assert!(why.out.contains("duplicate") && why.out.contains(&reference), "{}", why.text());
    gate.kill_and_restart();
    send(&gate, "another");
    send(&gate, "new");
    let duplicate = ("duplicate".to_owned(), "shadow".to_owned());
    assert_eq!(found(&gate, 2), [duplicate.clone(), duplicate], "{}", gate.log());
}

static CLIENT_HAS_CLOSED: AtomicBool = AtomicBool::new(false);
static DOT_CAME: AtomicBool = AtomicBool::new(false);

fn slow_to_go_on(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(b"220 impostor.test ESMTP\r\n")?;
    while next_line(stream)? != "DATA\r\n" {
        stream.write_all(b"250 ok\r\n")?;
    }
    let closed = || CLIENT_HAS_CLOSED.load(Ordering::Relaxed).then_some(());
    wait_until(Duration::from_secs(30), closed).expect("the client closes");
    stream.write_all(b"354 go on\r\n")?;
    while next_line(stream)? != ".\r\n" {}
    DOT_CAME.store(true, Ordering::Relaxed);
    stream.write_all(b"250 taken\r\n")
}

/// It is far ahead of a slow smarthost, and closes behind its dot: it will come again, and that
/// must be no second copy.
#[test]
fn a_client_that_has_closed_before_the_dot_goes_on_gets_nothing_sent() {
    let scratch = Scratch::new();
    let slow = Impostor::start(slow_to_go_on);
    let setup =
        Setup { listener_lines: "complete = true\n".to_owned(), ..Setup::new(slow.address) };
    let gate = Gate::start(&scratch.path().join("gate"), &setup);
    let mut client = gate.dialogue();
    for line in ["MAIL FROM:<a@corp.example>", "RCPT TO:<dave@example.com>", "DATA"] {
        let code = client.ask(line).unwrap().code;
        assert_eq!(code, if line == "DATA" { 354 } else { 250 }, "{line}");
    }
    // More than the gate reads ahead, and less than the sockets keep.
    let body = format!("{}\r\n", "x".repeat(70)).repeat(2_500);
    client.send(format!("Subject: x\r\n\r\n{body}.\r\n").as_bytes()).unwrap();
    drop(client);
    CLIENT_HAS_CLOSED.store(true, Ordering::Relaxed);
    let outcome = gate.records("outcome", 1).remove(0);
    assert_eq!(outcome["ending"], "abandoned", "{outcome}");
    assert!(!DOT_CAME.load(Ordering::Relaxed));
}
