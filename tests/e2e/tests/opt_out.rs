//! Opt-outs that arrive while the gate serves, lists that break, and what the
//! actions of a listener do.

use std::fs;
use std::time::Duration;

use e2e::{Aiosmtpd, Client, Gate, Letter, Postfix, Scratch, Setup, Smarthost, wait_until};

use crate::{SENDER, recipients};

/// A watched list is read again within this time, on a shared machine.
const SOON: Duration = Duration::from_secs(60);

#[test]
fn an_opt_out_by_the_command_is_enforced_when_the_command_returns_with_postfix() {
    let scratch = Scratch::new();
    let postfix = Postfix::start(&scratch);
    let gate = Gate::start(&scratch.path().join("gate"), &Setup::new(postfix.address()));
    for number in 0..20 {
        let address = format!("erin{number}@example.com");
        assert_eq!(gate.verdict(&address).code, 250);
        let added = gate.ask(&["optout", "add", &address]);
        assert_eq!(added.code, 0, "{}", added.text());
        let reply = gate.verdict(&address);
        assert_eq!(reply.code, 550, "refused at once: {reply:?}");
        assert!(reply.text.starts_with(&format!("5.7.1 <{address}> opted out on ")), "{reply:?}");
    }
}

#[test]
fn every_spelling_of_an_address_is_the_same_person_with_aiosmtpd() {
    let scratch = Scratch::new();
    let server = Aiosmtpd::start(&scratch);
    let setup = Setup {
        list: "email\nvictim@example.com\njo.hn@gmail.com\nfrida@b\u{fc}cher.example\n".to_owned(),
        ..Setup::new(server.address)
    };
    let gate = Gate::start(&scratch.path().join("gate"), &setup);
    let spellings = [
        "victim@example.com",
        "VICTIM@Example.COM",
        "victim+tag@example.com",
        "\"victim\"@example.com",
        "\"vi\\ctim\"@example.com",
        "victim@example.com.",
        "john+x@googlemail.com",
        "frida@xn--bcher-kva.example",
        "frida@XN--BCHER-KVA.example",
    ];
    for spelling in spellings {
        let reply = gate.verdict(spelling);
        assert!(reply.code == 550 || reply.code == 553, "{spelling}: {reply:?}");
    }
    let ways_around = [
        "victim%example.com@corp.example",
        "example.com!victim@corp.example",
        "@corp.example:victim@example.com",
        "\"victim@example.com\"@corp.example",
        "victim@example.com@corp.example",
        "victim",
    ];
    for way in ways_around {
        let reply = gate.verdict(way);
        assert!((500..600).contains(&reply.code), "{way}: {reply:?}");
    }
    assert!(server.taken().is_empty());
    // A neighbour is another person.
    assert_eq!(gate.verdict("victim2@example.com").code, 250);
}

#[test]
fn a_changed_list_is_enforced_soon_after_with_postfix() {
    let scratch = Scratch::new();
    let postfix = Postfix::start(&scratch);
    let gate = Gate::start(&scratch.path().join("gate"), &Setup::new(postfix.address()));
    assert_eq!(gate.verdict("grace@example.com").code, 250);
    let list = gate.folder().join("crm.csv");
    fs::write(&list, format!("{}grace@example.com,2026-06-07\n", Setup::LIST)).unwrap();
    let refused =
        wait_until(SOON, || (gate.verdict("grace@example.com").code == 550).then_some(()));
    assert!(refused.is_some(), "not refused after {SOON:?}: {}", gate.log());

    // Replaced by a rename, as careful programs write; and grace stays out
    // although the new list has lost her: an opt-out does not expire.
    let new = gate.folder().join("new.csv");
    fs::write(&new, format!("{}heidi@example.com,2026-06-08\n", Setup::LIST)).unwrap();
    fs::rename(&new, &list).unwrap();
    let refused =
        wait_until(SOON, || (gate.verdict("heidi@example.com").code == 550).then_some(()));
    assert!(refused.is_some(), "not refused after {SOON:?}: {}", gate.log());
    assert_eq!(gate.verdict("grace@example.com").code, 550);
}

#[test]
fn an_xml_list_is_read_and_watched_as_well_with_postfix() {
    let scratch = Scratch::new();
    let postfix = Postfix::start(&scratch);
    let xml = |more: &str| {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<customers>\n\
             <customer optout='1'><contact><email>mallory@example.com</email></contact></customer>\n\
             <customer optout='0'><contact><email>niaj@example.com</email></contact></customer>\n\
             {more}</customers>\n"
        )
    };
    let folder = scratch.folder("gate", None, 0o755);
    fs::write(folder.join("shop.xml"), xml("")).unwrap();
    let setup = Setup {
        tables: "[[source]]\nname = \"shop\"\nxml = \"shop.xml\"\n\
                 record = \"/customers/customer[@optout='1']\"\nemail = \"contact/email\"\n"
            .to_owned(),
        ..Setup::new(postfix.address())
    };
    let gate = Gate::start(&folder, &setup);
    let reply = gate.verdict("mallory@example.com");
    assert!(reply.code == 550 && reply.text.contains("(list shop)"), "{reply:?}");
    assert_eq!(gate.verdict("niaj@example.com").code, 250);
    let olivia =
        "<customer optout='1'><contact><email>olivia@example.com</email></contact></customer>\n";
    fs::write(folder.join("shop.xml"), xml(olivia)).unwrap();
    let refused =
        wait_until(SOON, || (gate.verdict("olivia@example.com").code == 550).then_some(()));
    assert!(refused.is_some(), "not refused after {SOON:?}: {}", gate.log());
}

#[test]
fn a_list_that_breaks_is_reported_and_changes_nothing_with_postfix() {
    let scratch = Scratch::new();
    let postfix = Postfix::start(&scratch);
    let many: String = (0..50).map(|i| format!("user{i}@example.com\n")).collect();
    let setup = Setup { list: format!("email\n{many}"), ..Setup::new(postfix.address()) };
    let gate = Gate::start(&scratch.path().join("gate"), &setup);
    assert_eq!(gate.verdict("user7@example.com").code, 550);
    for broken in ["", "email\n", "email\nuser1@example.com\n", "\u{0}\u{1}\u{2}garbage"] {
        fs::write(gate.folder().join("crm.csv"), broken).unwrap();
        let told = wait_until(SOON, || {
            let status = gate.ask(&["status", "-o", "json"]).out;
            status.contains("last_error").then_some(status)
        });
        assert!(told.is_some(), "status says nothing of {broken:?}: {}", gate.log());
        assert_eq!(gate.verdict("user7@example.com").code, 550, "{broken:?}");
        assert_eq!(gate.verdict("other@example.com").code, 250, "{broken:?}");
    }
}

#[test]
fn a_list_that_was_never_read_defers_everybody_with_postfix() {
    let scratch = Scratch::new();
    let postfix = Postfix::start(&scratch);
    let setup = Setup {
        tables: "[[source]]\nname = \"missing\"\ncsv = \"no-such-file.csv\"\n".to_owned(),
        ..Setup::new(postfix.address())
    };
    let gate = Gate::start(&scratch.path().join("gate"), &setup);
    let reply = gate.verdict("alice@example.com");
    assert_eq!(reply.code, 451, "{reply:?}");
    assert!(reply.text.starts_with("4.3.0"), "{reply:?}");
    // Who is known to have opted out is refused all the same.
    assert_eq!(gate.verdict("bob@example.com").code, 550);
    assert!(recipients(&postfix).is_empty());
}

#[test]
fn drop_says_yes_and_forwards_only_to_the_others_smtplib_postfix() {
    let scratch = Scratch::new();
    let postfix = Postfix::start(&scratch);
    let setup =
        Setup { listener_lines: "action = \"drop\"\n".to_owned(), ..Setup::new(postfix.address()) };
    let gate = Gate::start(&scratch.path().join("gate"), &setup);
    let letter = Letter::plain("dropped");
    let to = ["alice@example.com", "bob@example.com"];
    let told = Client::Smtplib.send(&scratch, gate.address, SENDER, &to, &letter);
    assert!(told.accepted && told.text.contains("\"refused\": {}"), "{}", told.text);
    assert_eq!(recipients(&postfix), ["alice@example.com"]);
    // Nobody left: taken, thrown away, and said so.
    let reply = gate.dialogue().mail(SENDER, &["bob@example.com"], &letter.content).unwrap();
    assert_eq!(reply.code, 250, "{reply:?}");
    assert_eq!(recipients(&postfix), ["alice@example.com"]);
}

#[test]
fn shadow_forwards_all_and_records_what_would_have_been_smtplib_postfix() {
    let scratch = Scratch::new();
    let postfix = Postfix::start(&scratch);
    let setup = Setup {
        listener_lines: "action = \"shadow\"\n".to_owned(),
        ..Setup::new(postfix.address())
    };
    let gate = Gate::start(&scratch.path().join("gate"), &setup);
    let to = ["alice@example.com", "bob@example.com"];
    let told =
        Client::Smtplib.send(&scratch, gate.address, SENDER, &to, &Letter::plain("shadowed"));
    assert!(told.accepted, "{}", told.text);
    assert_eq!(recipients(&postfix), to);
    let decision = wait_until(SOON, || {
        gate.evidence().into_iter().find(|line| {
            line.get("recipient_plain").and_then(serde_json::Value::as_str)
                == Some("<bob@example.com>")
        })
    });
    let decision = decision.expect("a decision about bob is recorded").to_string();
    assert!(decision.contains("shadow"), "{decision}");
}
