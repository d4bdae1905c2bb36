//! Open-relay and evasion vectors, through whole dialogues: from outside nothing is ever
//! answered 250 at RCPT; from inside no form with a second reading is, and nobody who opted
//! out is shown to the smarthost however the address is written.

use policy::RelayControl;
use relay::Access;

use crate::stage::{Scenery, Stage};

/// Outside domain, the server's name, its address: as the scripts put them in.
const D: &str = "there.example";
const S: &str = "mail.example.com";
const I: &str = "192.0.2.9";

/// `smtp-open-relay` of nmap, MAIL and RCPT, in its order; then the tester of mail-abuse.org.
fn relay_vectors() -> Vec<(String, String)> {
    let paths = [
        ("", "relaytest@D"),
        ("antispam@D", "relaytest@D"),
        ("antispam@S", "relaytest@D"),
        ("antispam@[I]", "relaytest@D"),
        ("antispam@[I]", "relaytest%D@[I]"),
        ("antispam@[I]", "relaytest%D@S"),
        ("antispam@[I]", "\"relaytest@D\""),
        ("antispam@[I]", "\"relaytest%D\""),
        ("antispam@[I]", "relaytest@D@[I]"),
        ("antispam@[I]", "\"relaytest@D\"@[I]"),
        ("antispam@[I]", "relaytest@D@S"),
        ("antispam@[I]", "@[I]:relaytest@D"),
        ("antispam@[I]", "@S:relaytest@D"),
        ("antispam@[I]", "D!relaytest"),
        ("antispam@[I]", "D!relaytest@[I]"),
        ("antispam@[I]", "D!relaytest@S"),
        ("spamtest@S", "\"nobody@D\""),
        ("nobody@D", "nobody@D"),
        ("spamtest@other.example", "nobody@D"),
        ("spamtest@localhost", "nobody@D"),
        ("spamtest", "nobody@D"),
        ("", "nobody@D"),
        ("spamtest@S", "nobody@D"),
        ("spamtest@S", "nobody%D@S"),
        ("spamtest@S", "@S:nobody@D"),
        ("spamtest@S", "D!nobody@S"),
        ("spamtest@S", "nobody@D@S"),
    ];
    let fill = |text: &str| text.replace('D', D).replace('S', S).replace('I', I);
    paths.iter().map(|(from, to)| (fill(from), fill(to))).collect()
}

/// Only these of them have one reading, and are ordinary mail for a client that may relay.
fn is_ordinary(to: &str) -> bool {
    ["relaytest@there.example", "nobody@there.example"].contains(&to)
}

/// Ways to write `joe@opt.example`, or to have it mailed.
const EVASIONS: [&str; 22] = [
    "<joe%opt.example@relay.example>",
    "<\"joe@opt.example\"@relay.example>",
    "<\"joe%opt.example\"@relay.example>",
    "<opt.example!joe@relay.example>",
    "<opt.example!joe>",
    "<@relay.example:joe@opt.example>",
    "<@a.example,@b.example:joe@opt.example>",
    "<joe@opt.example@relay.example>",
    "<\"joe\"@opt.example>",
    "<\"j\\oe\"@opt.example>",
    "<JOE@OPT.EXAMPLE>",
    "<joe@opt.example.>",
    "<joe@[192.0.2.66]>",
    "<joe@[IPv6:2001:db8::66]>",
    "<joe(comment)@opt.example>",
    "joe@opt.example",
    "< joe@opt.example>",
    "<joe@opt.example >",
    "<joe+tag@opt.example>",
    "<joe@opt.example> ORCPT=rfc822;alice@there.example",
    "<joe@opt.example> NOTIFY=NEVER",
    "<joe>",
];

fn last_line(stage: &mut Stage) -> String {
    let text = String::from_utf8(std::mem::take(&mut stage.to_client)).unwrap();
    text.lines().last().unwrap_or_default().to_owned()
}

fn ask(stage: &mut Stage, command: &str) -> String {
    stage.client_says(format!("{command}\r\n").as_bytes());
    last_line(stage)
}

fn begin(scenery: Scenery) -> Stage {
    let mut stage = Stage::new(Scenery { errors_max: 1000, ..scenery });
    ask(&mut stage, "EHLO pc.example");
    stage
}

#[test]
fn from_outside_no_vector_gets_as_far_as_a_recipient() {
    let access = Access { control: RelayControl::default(), ..Access::default() };
    let outside = Scenery { access, ..Scenery::default() };
    let mut stage = begin(outside.clone());
    let mut vectors = relay_vectors();
    vectors.push((format!("a@{D}"), "postmaster".to_owned()));
    vectors.push((format!("a@{D}"), "postmaster@example.com".to_owned()));
    assert_eq!(vectors.len(), 29);
    for (from, to) in vectors {
        assert!(ask(&mut stage, "RSET").starts_with("250 "));
        let mail = ask(&mut stage, &format!("MAIL FROM:<{from}>"));
        assert!(mail.starts_with('5'), "<{from}>: {mail}");
        let rcpt = ask(&mut stage, &format!("RCPT TO:<{to}>"));
        assert!(rcpt.starts_with('5'), "<{to}>: {rcpt}");
        let both = ask(&mut stage, &format!("MAIL FROM:<{from}>\r\nRCPT TO:<{to}>\r\nDATA"));
        assert!(both.starts_with('5'), "<{to}>: {both}");
    }
    assert!(stage.to_smarthost.is_empty());
    let mut stage = begin(outside);
    for evasion in EVASIONS {
        ask(&mut stage, "MAIL FROM:<a@corp.example>");
        let rcpt = ask(&mut stage, &format!("RCPT TO:{evasion}"));
        assert!(rcpt.starts_with('5'), "{evasion}: {rcpt}");
    }
    assert!(stage.to_smarthost.is_empty());
}

#[test]
fn from_inside_only_addresses_with_one_reading_are_shown_to_the_smarthost() {
    let mut taken = 0;
    for (from, to) in relay_vectors() {
        let mut stage = begin(Scenery::default());
        let mail = ask(&mut stage, &format!("MAIL FROM:<{from}>"));
        if !mail.starts_with("250 ") {
            assert!(mail.starts_with("50") || mail.starts_with("553"), "<{from}>: {mail}");
            continue;
        }
        let rcpt = ask(&mut stage, &format!("RCPT TO:<{to}>"));
        if is_ordinary(&to) {
            // It waits for the smarthost's word.
            assert_eq!(rcpt, "", "<{to}>");
            let shown = String::from_utf8(stage.to_smarthost).unwrap();
            assert!(shown.ends_with(&format!("RCPT TO:<{to}>\r\n")), "{shown}");
            taken += 1;
        } else {
            assert!(rcpt.starts_with('5'), "<{to}>: {rcpt}");
            assert!(stage.to_smarthost.is_empty(), "<{to}>");
        }
    }
    assert!(taken >= 5, "{taken}");
}

fn suppressed() -> Scenery {
    let person = |address: &str| (String::new(), address.to_owned());
    Scenery {
        suppressed: vec![person("joe@opt.example"), person("joe@xn--bcher-kva.example")],
        ..Scenery::default()
    }
}

#[test]
fn nobody_who_opted_out_is_shown_to_the_smarthost_however_it_is_written() {
    for evasion in EVASIONS {
        let mut stage = begin(suppressed());
        // In the first transaction, in the second after RSET, and behind a refused DATA.
        for before in ["NOOP", "RSET", "DATA\r\nRSET", "EHLO again.example"] {
            ask(&mut stage, before);
            assert!(ask(&mut stage, "MAIL FROM:<a@corp.example>").starts_with("250 "));
            let rcpt = ask(&mut stage, &format!("RCPT TO:{evasion}"));
            assert!(rcpt.starts_with('5'), "{evasion} after {before}: {rcpt}");
            let data = ask(&mut stage, "DATA");
            assert!(data.starts_with('5'), "{evasion} after {before}: {data}");
        }
        assert!(stage.to_smarthost.is_empty(), "{evasion}");
    }
}

#[test]
fn other_scripts_have_one_key() {
    for address in
        ["joe@b\u{fc}cher.example", "JOE@B\u{dc}CHER.example", "joe@XN--BCHER-KVA.example"]
    {
        let mut stage = begin(suppressed());
        assert!(ask(&mut stage, "MAIL FROM:<a@corp.example> SMTPUTF8").starts_with("250 "));
        let rcpt = ask(&mut stage, &format!("RCPT TO:<{address}>"));
        assert!(rcpt.starts_with("550 5.7.1 "), "{address}: {rcpt}");
        assert!(stage.to_smarthost.is_empty(), "{address}");
    }
}

#[test]
fn bytes_that_are_no_address_and_the_way_by_bdat_end_the_session() {
    for line in [
        b"RCPT TO:<jo\0e@opt.example>\r\n" as &[u8],
        b"RCPT TO:<jo\xe9@opt.example>\r\n",
        b"RCPT TO:<joe@opt.example>\nRCPT TO:<x@there.example>\r\n",
        b"BDAT 10 LAST\r\nRCPT TO:<joe@opt.example>\r\n",
    ] {
        let mut stage = begin(suppressed());
        ask(&mut stage, "MAIL FROM:<a@corp.example>");
        stage.client_says(line);
        let reply = last_line(&mut stage);
        assert!(reply.starts_with("50"), "{reply}");
        assert!(stage.closed, "{reply}");
        assert!(stage.to_smarthost.is_empty());
    }
}
