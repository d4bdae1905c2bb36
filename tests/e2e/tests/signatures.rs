//! The gate's own DKIM signatures, in the judgement of others.

use std::fmt::Write as _;

use e2e::{
    DkimKey, DkimKind, Door, Gate, Letter, Postfix, Pymilter, Scratch, Setup, Smarthost,
    opendkim_testmsg, signatures,
};
use serde_json::json;

use crate::SENDER;

const DOMAIN: &str = "corp.example";

/// `[[dkim]]` for these keys.
fn tables(keys: &[&DkimKey]) -> String {
    let mut text = String::new();
    for key in keys {
        let _ = write!(
            text,
            "[[dkim]]\ndomain = \"{}\"\nselector = \"{}\"\nkey = \"{}\"\n\n",
            key.domain,
            key.selector,
            key.file.display()
        );
    }
    text
}

/// Sends all letters through a gate with these tables; what arrived below its own field.
fn sent(scratch: &Scratch, tables: String, letters: &[Letter]) -> Vec<Vec<u8>> {
    let server = Postfix::start(scratch);
    let setup = Setup { tables, ..Setup::new(server.address()) };
    let gate = Gate::start(&scratch.path().join("gate"), &setup);
    for letter in letters {
        let mut dialogue = gate.dialogue();
        let told = dialogue.mail(SENDER, &["alice@example.com"], &letter.content);
        let told = told.expect("an answer");
        assert_eq!(told.code, 250, "{}: {told:?}\n{}", letter.name, gate.log());
    }
    let stored = server.stored();
    assert_eq!(stored.len(), letters.len());
    assert!(stored.iter().all(|copy| copy.trace.is_some()));
    stored.into_iter().map(|copy| copy.content).collect()
}

/// Both judges find each signature of these keys true; opendkim-testmsg is shown one at a time.
fn are_true(scratch: &Scratch, keys: &[&DkimKey], content: &[u8]) {
    let shown = String::from_utf8_lossy(&content[..content.len().min(2000)]).into_owned();
    let judged = signatures(scratch, keys, content);
    assert_eq!(judged.len(), keys.len(), "{shown}");
    for key in keys {
        let is_its = |one: &&e2e::Signature| one.algorithm == key.kind.algorithm();
        let one = judged.iter().find(is_its).unwrap_or_else(|| panic!("{judged:?}\n{shown}"));
        assert!(one.true_one, "dkimpy: {judged:?}\n{shown}");
        assert_eq!(one.domain, DOMAIN);
        let alone = with_one_signature(content, key);
        assert_eq!(opendkim_testmsg(scratch, &[key], &alone), Ok(()), "{shown}");
    }
}

/// The message without the signatures of other keys.
fn with_one_signature(content: &[u8], key: &DkimKey) -> Vec<u8> {
    let algorithm = format!("a={}", key.kind.algorithm());
    let mut alone = Vec::new();
    let (mut in_header, mut kept) = (true, true);
    for line in content.split_inclusive(|byte| *byte == b'\n') {
        in_header &= line != b"\r\n";
        let folded = line.starts_with(b" ") || line.starts_with(b"\t");
        if in_header && !folded {
            let is_signature = line.to_ascii_lowercase().starts_with(b"dkim-signature:");
            kept = !is_signature || String::from_utf8_lossy(line).contains(&algorithm);
        }
        if kept || !in_header {
            alone.extend_from_slice(line);
        }
    }
    alone
}

#[test]
fn own_signatures_at_postfix_are_true_for_opendkim_and_dkimpy_openssl_keys() {
    let scratch = Scratch::new();
    let rsa = DkimKey::new(&scratch, DkimKind::Rsa, DOMAIN, "rsa");
    let ed25519 = DkimKey::new(&scratch, DkimKind::Ed25519, DOMAIN, "ed");
    let keys = [&rsa, &ed25519];
    let mut letters = Letter::all();
    // Blanks and blank lines at the end, which a signature passes over.
    let ends =
        ["a\r\n \r\n", "a\r\n\t\r\n\r\n", "a \r\n b\t\tc \r\n \r\n \t\r\n", " \r\n", "\r\n", ""];
    letters.extend(ends.map(|end| {
        let mut letter = Letter::plain("blank end");
        let body = letter.content.len() - "Good day.\r\n".len();
        letter.content.splice(body.., end.bytes());
        letter
    }));
    for content in sent(&scratch, tables(&keys), &letters) {
        are_true(&scratch, &keys, &content);
        // Below the signatures everything is as it was.
        assert!(letters.iter().any(|letter| content.ends_with(&letter.content)));
    }
}

/// What is signed is what goes upstream: with everything that filters have done to it.
#[test]
fn own_signatures_cover_what_pymilter_changed_for_postfix_opendkim_dkimpy_openssl() {
    let scratch = Scratch::new();
    let key = DkimKey::new(&scratch, DkimKind::Rsa, DOMAIN, "rsa");
    let script = json!([{"at": "eom", "do": [
        ["change", "Subject", 1, "changed"],
        ["insert", 1, "X-Checked", "yes"],
        ["body", "Another text.\r\n\r\n\r\n"],
    ]}]);
    let milter = Pymilter::start(&scratch, "milter", &Door::port(), &script);
    let tables = tables(&[&key]) + &milter.door.table("it", "");
    let content = sent(&scratch, tables, &[Letter::plain("changed")]).remove(0);
    let text = String::from_utf8_lossy(&content).into_owned();
    assert!(
        text.starts_with("DKIM-Signature:") && text.contains("\r\nX-Checked: yes\r\n"),
        "{text}"
    );
    assert!(text.ends_with("\r\n\r\nAnother text.\r\n\r\n\r\n"), "{text}");
    are_true(&scratch, &[&key], &content);
}

/// The records that `optgate dkim` prints are those of the keys.
#[test]
fn optgate_tells_the_records_that_openssl_finds_before_postfix() {
    let scratch = Scratch::new();
    let keys = [
        DkimKey::new(&scratch, DkimKind::Rsa, DOMAIN, "rsa"),
        DkimKey::new(&scratch, DkimKind::Ed25519, DOMAIN, "ed"),
    ];
    let server = Postfix::start(&scratch);
    let tables = tables(&[&keys[0], &keys[1]]);
    let setup = Setup { tables, ..Setup::new(server.address()) };
    let gate = Gate::start(&scratch.path().join("gate"), &setup);
    let told = gate.ask(&["dkim", "--config", "optgate.toml"]);
    assert_eq!(told.code, 0, "{}", told.text());
    // A TXT record is told in pieces of at most 255 octets.
    let joined = told.out.replace("\" \"", "").replace(['\n', '\t', ' ', '"', '(', ')'], "");
    for key in &keys {
        let (_, public) = key.record().split_once("p=").expect("a record has a key");
        assert!(told.out.contains(&key.name()), "{}", told.out);
        assert!(joined.contains(public), "{}\n{}", key.record(), told.out);
    }
}
