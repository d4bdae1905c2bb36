//! The most used filter of all: it refuses, it marks, and it adds what it found.

use e2e::{Postfix, Rspamd, Scratch, Smarthost};

use super::{RECIPIENT, field, findings, gate_with_one, letter, send};

#[test]
fn rspamd_rejects_gtube_marks_spam_and_adds_its_fields_before_postfix() {
    let scratch = Scratch::new();
    let rspamd = Rspamd::start(&scratch);
    let server = Postfix::start(&scratch);
    let gate = gate_with_one(&scratch, &server, &rspamd.door, "");

    let told = send(gate.address, &[RECIPIENT], &letter("gtube", Rspamd::GTUBE));
    assert_eq!(told.code, 554, "{told:?}\n{}", gate.log());
    assert!(told.text.starts_with("5.7.1 Gtube pattern"), "{told:?}");
    assert!(server.stored().is_empty());
    let found = findings(&gate, 1);
    assert_eq!(found.len(), 1);
    assert_eq!((&found[0]["gate"], &found[0]["verdict"]), (&"milter it".into(), &"refuse".into()));

    let marked = letter("marked", Rspamd::MARKED);
    let plain = letter("plain", "Our offers of the week.");
    for letter in [&marked, &plain] {
        let told = send(gate.address, &[RECIPIENT], letter);
        assert_eq!(told.code, 250, "{told:?}\n{}", gate.log());
    }
    let stored = server.stored();
    for (letter, name, value) in [(&marked, "X-Spam", "Yes"), (&plain, "X-Spam-Status", "No")] {
        let id = field(&letter.content, "Message-ID");
        let copy = stored.iter().find(|copy| field(&copy.content, "Message-ID") == id);
        let copy = copy.expect("it has arrived");
        assert!(copy.trace.is_some(), "our field is above all that is shown to filters");
        let found = field(&copy.content, name).unwrap_or_default();
        assert!(found.starts_with(value), "{name}: {found}");
        // Nothing but that was added, and nothing was changed.
        let (header, body) = super::parted(&copy.content);
        let kept: String =
            header.into_iter().filter(|field| !field.starts_with("X-Spam")).collect();
        assert_eq!([kept.into_bytes(), body].concat(), letter.content);
    }
    let added: Vec<_> =
        findings(&gate, 3).into_iter().filter(|one| one["verdict"] == "permit").collect();
    assert_eq!(added.len(), 2, "{added:?}");
    assert!(added[0]["reason"].as_str().is_some_and(|why| why.contains("X-Spam")), "{added:?}");
}
