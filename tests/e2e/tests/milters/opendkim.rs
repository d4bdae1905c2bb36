//! Signatures that a milter puts in must arrive, and must be true of what arrives; those of a
//! client must be true behind the gate as well.

use std::fmt::Write as _;

use e2e::{
    DkimKey, DkimKind, Door, Letter, OpenDkim, Postfix, Pymilter, Scratch, Smarthost,
    opendkim_testmsg, signatures,
};
use serde_json::json;

use super::{RECIPIENT, field, gate_with, letter, only, send};

const DOMAIN: &str = "corp.example";

/// One signature, by this key, and both judges find it true.
fn is_signed(scratch: &Scratch, key: &DkimKey, content: &[u8]) {
    let judged = signatures(scratch, &[key], content);
    let header = String::from_utf8_lossy(content).into_owned();
    assert_eq!(judged.len(), 1, "{header}");
    assert_eq!(judged[0].algorithm, key.kind.algorithm());
    assert_eq!(judged[0].domain, DOMAIN);
    assert!(judged[0].true_one, "dkimpy: {judged:?}\n{header}");
    assert_eq!(opendkim_testmsg(scratch, &[key], content), Ok(()), "{header}");
}

/// The judges are judged first: a changed message is not true.
#[test]
fn opendkim_testmsg_and_dkimpy_see_a_change_with_postfix_and_openssl() {
    let scratch = Scratch::new();
    let key = DkimKey::new(&scratch, DkimKind::Rsa, DOMAIN, "rsa");
    let door = Door::port();
    let _opendkim = OpenDkim::signing(&scratch, &door, &key);
    let postfix = Postfix::start_with_milters(&scratch, &[&door]);
    assert_eq!(send(postfix.address(), &[RECIPIENT], &Letter::plain("judged")).code, 250);
    let content = only(&postfix).content;
    is_signed(&scratch, &key, &content);
    let changed = String::from_utf8_lossy(&content).replace("Good day", "Good night");
    assert!(!signatures(&scratch, &[&key], changed.as_bytes())[0].true_one);
    assert!(opendkim_testmsg(&scratch, &[&key], changed.as_bytes()).is_err());
}

#[test]
fn opendkim_signs_with_an_openssl_key_for_postfix_and_dkimpy_agrees() {
    for kind in [DkimKind::Rsa, DkimKind::Ed25519] {
        let scratch = Scratch::new();
        let key = DkimKey::new(&scratch, kind, DOMAIN, "mail");
        let opendkim = OpenDkim::signing(&scratch, &Door::file(&scratch, "signer"), &key);
        let server = Postfix::start(&scratch);
        let gate = gate_with(&scratch, server.address(), &opendkim.door.table("opendkim", ""));
        for letter in Letter::all() {
            let told = send(gate.address, &[RECIPIENT], &letter);
            assert_eq!(told.code, 250, "{}: {told:?}\n{}", letter.name, gate.log());
        }
        let stored = server.stored();
        assert_eq!(stored.len(), Letter::all().len());
        for copy in stored {
            assert!(copy.trace.is_some(), "our field is on top, no signature has it");
            // The field stands above all of the client's.
            assert!(copy.content.starts_with(b"DKIM-"), "{copy:?}");
            is_signed(&scratch, &key, &copy.content);
        }
    }
}

/// Each filter is shown what the one before has left: the last one signs all of it.
#[test]
fn opendkim_signs_what_pymilter_has_left_for_postfix_openssl_dkimpy() {
    let scratch = Scratch::new();
    let key = DkimKey::new(&scratch, DkimKind::Rsa, DOMAIN, "mail");
    let script = json!([{"at": "eom", "do": [
        ["change", "Subject", 1, "changed on the way"],
        ["add", "X-Checked", "yes"],
        ["body", "Good day.\r\n\r\n-- \r\nCorp Ltd, 1 Example Street\r\n"],
    ]}]);
    let first = Pymilter::start(&scratch, "footer", &Door::port(), &script);
    let second = OpenDkim::signing(&scratch, &Door::port(), &key);
    let server = Postfix::start(&scratch);
    let tables = first.door.table("footer", "") + &second.door.table("opendkim", "");
    let gate = gate_with(&scratch, server.address(), &tables);
    let told = send(gate.address, &[RECIPIENT], &letter("in-order", "as it was"));
    assert_eq!(told.code, 250, "{told:?}\n{}", gate.log());
    let content = only(&server).content;
    assert!(content.ends_with(b"1 Example Street\r\n"));
    assert_eq!(field(&content, "Subject").as_deref(), Some("changed on the way"));
    is_signed(&scratch, &key, &content);
}

/// A client that signs, a gate with a filter that judges signatures, and one without any: the
/// signature is true behind both, and false nowhere by our doing.
#[test]
fn opendkim_verifies_what_postfix_sent_and_dkimpy_agrees_openssl_key() {
    let scratch = Scratch::new();
    let key = DkimKey::new(&scratch, DkimKind::Rsa, DOMAIN, "mail");
    // Signed by what the client stands for: Postfix with OpenDKIM.
    let door = Door::port();
    let _signer = OpenDkim::signing(&scratch, &door, &key);
    let client = Scratch::new();
    let postfix = Postfix::start_with_milters(&client, &[&door]);
    let letters = Letter::all();
    for letter in &letters {
        assert_eq!(send(postfix.address(), &[RECIPIENT], letter).code, 250);
    }
    let signed: Vec<Letter> = postfix
        .stored()
        .into_iter()
        .map(|copy| Letter { name: "signed", content: copy.content })
        .collect();

    let judge = OpenDkim::verifying(&scratch, &Door::port(), &[&key]);
    let server = Postfix::start(&scratch);
    let gate = gate_with(&scratch, server.address(), &judge.door.table("opendkim", ""));
    for letter in &signed {
        let told = send(gate.address, &[RECIPIENT], letter);
        assert_eq!(told.code, 250, "{told:?}\n{}", gate.log());
    }
    let stored = server.stored();
    assert_eq!(stored.len(), letters.len());
    for copy in &stored {
        let said = field(&copy.content, "Authentication-Results").unwrap_or_default();
        assert!(said.starts_with("gate.test; dkim=pass"), "{said}");
        is_signed(&scratch, &key, &copy.content);
        let (header, body) = super::parted(&copy.content);
        let mut kept = String::new();
        for field in header.iter().filter(|field| !field.starts_with("Authentication-Results:")) {
            let _ = write!(kept, "{field}");
        }
        let kept = [kept.into_bytes(), body].concat();
        assert!(signed.iter().any(|letter| letter.content == kept), "nothing else is changed");
    }
    // One that somebody has changed is refused, in the filter's words.
    let mut changed = signed[0].clone();
    changed.content.extend_from_slice(b"and one more line\r\n");
    let told = send(gate.address, &[RECIPIENT], &changed);
    assert_eq!(told.code, 550, "{told:?}\n{}", gate.log());
}
