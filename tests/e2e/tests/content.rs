//! Gates over content, decoded as a reader would see it, between a real client and Postfix.

use e2e::{Client, Gate, Letter, Postfix, Scratch, Setup, Smarthost, base64};

use crate::SENDER;

const GATES: &str = "[[gate]]\nname = \"programs\"\ncheck = \"attachments\"\nnames = [\"*.exe\"]\n\
    text = \"no programs here\"\n\
    [[gate]]\nname = \"words\"\ncheck = \"text\"\nregex = '(?i)lottery'\nverdict = \"defer\"\n\
    [[gate]]\nname = \"address\"\ncheck = \"postal-address\"\n\
    addresses = [\"Corp Ltd, 1 Example Street, Berlin\"]\n";
const ADDRESS: &str = "Corp Ltd,\r\n1 Example Street,\r\nBerlin\r\n";

/// A message in two alternatives, the second in base64.
fn alternatives(id: &str, plain: &str, html: &str) -> Letter {
    let mut letter = Letter::plain(id);
    let text = String::from_utf8_lossy(&letter.content).into_owned();
    let (header, _) = text.split_once("Content-Type:").expect("it has a type");
    letter.content = format!(
        "{header}Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\
         Content-Type: text/plain\r\n\r\n{plain}\r\n--b\r\nContent-Type: text/html\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{}\r\n--b--\r\n",
        base64(html.as_bytes())
    )
    .into_bytes();
    letter
}

/// A message with an attachment of this name, told by an encoded parameter.
fn attached(id: &str, name: &str) -> Letter {
    let mut letter = Letter::plain(id);
    let text = String::from_utf8_lossy(&letter.content).into_owned();
    let (header, _) = text.split_once("Content-Type:").expect("it has a type");
    letter.content = format!(
        "{header}Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\
         Content-Type: text/plain\r\n\r\n{ADDRESS}\r\n--b\r\n\
         Content-Type: application/octet-stream\r\n\
         Content-Disposition: attachment; filename*=utf-8''{name}\r\n\
         Content-Transfer-Encoding: base64\r\n\r\nAAAA\r\n--b--\r\n"
    )
    .into_bytes();
    letter
}

#[test]
fn smtplib_is_told_what_content_gates_found_and_postfix_gets_the_rest_as_it_was() {
    let scratch = Scratch::new();
    let server = Postfix::start(&scratch);
    let setup = Setup { tables: GATES.to_owned(), ..Setup::new(server.address()) };
    let gate = Gate::start(&scratch.path().join("gate"), &setup);
    let html = format!("<p>{}</p>", ADDRESS.replace("\r\n", "<br>"));
    let good = [
        alternatives("good", &format!("Good day.\r\n{ADDRESS}"), &html),
        attached("picture", "picture.png"),
    ];
    let bad = [
        ("no programs here", attached("program", "pay%2Eexe")),
        ("451", alternatives("lottery", ADDRESS, &format!("{html}<b>Lot</b>tery"))),
        ("550", alternatives("one-part", ADDRESS, "<p>no address in this one</p>")),
    ];
    let to = ["alice@example.com"];
    for (words, letter) in &bad {
        let told = Client::Smtplib.send(&scratch, gate.address, SENDER, &to, letter);
        assert!(!told.accepted && told.text.contains(words), "{words}: {}", told.text);
    }
    for letter in &good {
        let told = Client::Smtplib.send(&scratch, gate.address, SENDER, &to, letter);
        assert!(told.accepted, "{}\n{}", told.text, gate.log());
    }
    let stored = server.stored();
    assert_eq!(stored.len(), good.len());
    assert!(good.iter().all(|letter| stored.iter().any(|copy| copy.content == letter.content)));
}
