//! A header that decides what a message is, through real sockets.

use crate::gate::Pair;

const RULES: &str = "[[stream]]\nname = \"receipts\"\nclass = \"transactional\"\nheader = { X-Kind = [\"receipt*\"] }\n";

/// Much more than the sockets' buffers hold, so that the client is made to wait while the
/// smarthost is asked for its go-ahead.
fn long(kind: &str) -> String {
    let body: String =
        (0..60_000).map(|n| format!("{n:08} abcdefghijklmnopqrstuvwxyz\r\n")).collect();
    format!("Subject: x\r\nX-Kind:\r\n {kind}\r\n\r\n{}end", body)
}

#[test]
fn a_header_decides_and_nothing_of_a_long_message_is_lost() {
    let pair = Pair::start("", RULES);
    pair.house.run(&["optout", "add", "bob@example.com"]).exits(0);
    let mut client = pair.client();
    let receipt = long("Receipt 7");
    assert!(client.envelope(&["bob@example.com"])[0].starts_with("250"));
    assert!(client.data(&receipt).starts_with("250 2.0.0"));
    let stored = pair.stored();
    assert!(stored[0].ends_with(&format!("{receipt}\r\n")), "{} octets", stored[0].len());

    let replies = client.envelope(&["bob@example.com", "alice@example.com"]);
    assert!(replies[0].starts_with("250") && replies[1].starts_with("452 4.5.3"), "{replies:?}");
    let reply = client.data(&long("an offer"));
    assert!(reply.starts_with("550 5.7.1 <bob@example.com> opted out on "), "{reply}");
    assert!(reply.contains("and no stream claims this mail; ref "), "{reply}");
    assert_eq!(pair.stored().len(), 1);
    let reference = reply.rsplit_once("ref ").unwrap().1;
    let why = pair.house.run(&["-o", "json", "why", reference]).exits(1).json();
    assert_eq!(why["decisions"][0]["verdict"], "refuse");
    assert_eq!(why["decisions"][0]["stream"], "default");

    // Nobody's address is in the evidence, though the replies named them.
    let evidence = std::fs::read_to_string(pair.house.path("evidence.jsonl")).unwrap();
    assert!(evidence.contains("5.7.1 <***> opted out on ") && !evidence.contains("@example.com"));

    // The connection to the smarthost is as good as new.
    assert!(client.envelope(&["alice@example.com"])[0].starts_with("250"));
    assert!(client.data("Subject: x\r\n\r\nhello").starts_with("250 2.0.0"));
    assert_eq!(pair.stored().len(), 2);
    assert!(client.say("QUIT").starts_with("221"));
}
