//! Front ends that say who the client is: PROXY protocol and XCLIENT, through a running gate.

use crate::gate::Pair;
use crate::smtp::Client;

const PROXY: &str = "allow = [\"192.0.2.0/24\"]\nproxy_protocol = [\"127.0.0.1\"]\n";

/// The 12 octets of version 2, PROXY, TCP over IPv4, 12 octets of addresses.
const BINARY: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x07\x7f\0\0\x01\x30\x39\0\x19";

#[test]
fn the_proxy_header_says_who_the_client_is() {
    let pair = Pair::start(PROXY, "");
    for header in [&b"PROXY TCP4 192.0.2.7 127.0.0.1 12345 25\r\n"[..], BINARY] {
        let mut client = Client::connect(pair.gate.address);
        // The client's first command comes along: it is not read as part of the header.
        client.write(&[header, b"EHLO client.test\r\n"].concat());
        assert!(client.reply().starts_with("220 "));
        assert!(client.reply().starts_with("250-"));
        assert!(client.envelope(&["alice@example.com"])[0].starts_with("250"));
        assert!(client.data("Subject: x\r\n\r\nx").starts_with("250"));
    }
    let stored = pair.stored();
    assert_eq!(stored.len(), 2);
    for message in stored {
        assert!(message.starts_with("Received: from client.test ([192.0.2.7])"), "{message}");
    }
    // Whom `allow` does not name is refused, though the front end may connect.
    let mut client = Client::connect(pair.gate.address);
    client.write(b"PROXY TCP4 203.0.113.1 127.0.0.1 12345 25\r\n");
    assert!(client.reply().starts_with("554 "));
    // So is the front end's own connection.
    let mut client = Client::connect(pair.gate.address);
    client.write(b"PROXY UNKNOWN\r\n");
    assert!(client.reply().starts_with("554 "));
}

#[test]
fn without_a_good_proxy_header_nothing_is_said() {
    let pair = Pair::start(PROXY, "");
    for header in [
        "EHLO client.test\r\n",
        "PROXY TCP4 192.0.2.7 127.0.0.1 12345 25\n",
        "PROXY TCP4 192.0.2.07 127.0.0.1 12345 25\r\n",
    ] {
        let mut client = Client::connect(pair.gate.address);
        client.write(header.as_bytes());
        assert_eq!(client.reply(), "", "{header}");
    }
    // Nor to a front end that never says it: no greeting comes before the header.
    let mut client = Client::connect(pair.gate.address);
    assert_eq!(client.reply(), "", "closed when the time for it is over");
}

#[test]
fn whoever_is_no_front_end_is_closed_without_a_word() {
    let pair = Pair::start("allow = [\"127.0.0.1\"]\nproxy_protocol = [\"192.0.2.9\"]\n", "");
    let mut client = Client::connect(pair.gate.address);
    assert_eq!(client.reply(), "");
}

#[test]
fn limits_count_the_clients_and_not_the_front_end() {
    let pair = Pair::start(PROXY, "[limits]\nconnections_per_client = 1\n");
    let connect = |last: u8| {
        let mut client = Client::connect(pair.gate.address);
        client.write(format!("PROXY TCP4 192.0.2.{last} 127.0.0.1 1 25\r\n").as_bytes());
        let greeting = client.reply();
        (client, greeting)
    };
    let (_first, greeting) = connect(1);
    assert!(greeting.starts_with("220 "), "{greeting}");
    let (_second, greeting) = connect(2);
    assert!(greeting.starts_with("220 "), "{greeting}");
    let (_third, greeting) = connect(1);
    assert!(greeting.starts_with("421 "), "{greeting}");
}

#[test]
fn xclient_says_who_the_client_is_where_it_may() {
    let pair = Pair::start("allow = [\"192.0.2.0/24\"]\nxclient = [\"127.0.0.1\"]\n", "");
    let mut client = pair.client();
    assert!(client.say("MAIL FROM:<a@corp.example>").starts_with("550 "), "by its own address");
    let told = client.say("XCLIENT NAME=[UNAVAILABLE] ADDR=192.0.2.7 PROTO=ESMTP HELO=pc.test");
    assert!(told.starts_with("220 "), "{told}");
    let offered = client.say("EHLO fe.test");
    assert!(offered.starts_with("250") && !offered.contains("XCLIENT"), "{offered}");
    assert!(client.envelope(&["alice@example.com"])[0].starts_with("250"));
    assert!(client.data("Subject: x\r\n\r\nx").starts_with("250"));
    let stored = pair.stored();
    assert!(stored[0].starts_with("Received: from pc.test ([192.0.2.7])"), "{}", stored[0]);

    let pair = Pair::start("", "");
    let mut client = pair.client();
    assert!(client.say("XCLIENT ADDR=192.0.2.7").starts_with("502 "), "offered to nobody");
}
