//! Checkpoints: kept elsewhere, signed and checked by real openssl, held against ledgers that
//! were extended, cut back, rewritten or taken from elsewhere.

use std::path::Path;
use std::process::Command;

use ledger::{Checkpoint, Event, Extension, KeyFile, Ledger, SignedCheckpoint};
use rusqlite::Connection;
use suppression::NewEntry;

use crate::support::{Fixture, KEY, at, entry, entry_at, keys};

fn filled() -> Fixture {
    let mut f = Fixture::new();
    let personal = NewEntry { reason: Some("why".into()), ..entry("b") };
    f.ledger.append(at(1), Some("i"), &[entry("a"), personal, entry("c")]).unwrap();
    f.ledger.record_event(at(2), &Event { what: "export", by: "ann", details: "{}" }).unwrap();
    f
}

fn against(ledger: &Ledger, checkpoint: &Checkpoint) -> Extension {
    let read = Ledger::open_read_only(ledger.path()).unwrap();
    read.verify_against(checkpoint, |_| ()).unwrap()
}

fn not(ledger: &Ledger, checkpoint: &Checkpoint) -> String {
    match against(ledger, checkpoint) {
        Extension::Not { what } => what,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_ledger_extends_its_own_checkpoints() {
    let mut f = Fixture::new();
    let empty = f.ledger.checkpoint(at(0)).unwrap();
    f.ledger.append(at(1), Some("i"), &[entry("a"), entry("b")]).unwrap();
    let two = f.ledger.checkpoint(at(1)).unwrap();
    let extends = |rows, events, erased| Extension::Extends { rows, events, erased };
    assert_eq!(against(&f.ledger, &two), extends(0, 0, 0));
    let personal = NewEntry { plain: Some("c".into()), ..entry("c") };
    f.ledger.append(at(2), None, &[personal]).unwrap();
    f.ledger.undo_import(at(3), "ann", "why", "i").unwrap();
    f.ledger.erase(at(3), "ann", "why", &[keys("c")]).unwrap();
    assert_eq!(against(&f.ledger, &two), extends(2, 1, 1));
    assert_eq!(against(&f.ledger, &empty), extends(4, 1, 1));
    assert!(against(&f.ledger, &empty).is_proven());
}

#[test]
fn another_ledger_is_told_apart() {
    let (f, other) = (filled(), filled());
    let what = not(&other.ledger, &f.ledger.checkpoint(at(3)).unwrap());
    assert!(what.contains("of another ledger"), "{what}");
}

/// Copies the ledger as it is now, as somebody would who prepares another course of history.
fn copy(f: &Fixture, folder: &Path) -> Ledger {
    let path = folder.join("copy.db");
    f.ledger.backup_to(&path, |_, _| ()).unwrap();
    Ledger::open(&path, &f.key).unwrap()
}

#[test]
fn a_ledger_that_was_cut_back_or_forked_is_found() {
    let mut f = filled();
    let folder = tempfile::tempdir().unwrap();
    let mut older = copy(&f, folder.path());
    f.ledger.append(at(4), None, &[entry("d")]).unwrap();
    let rows = f.ledger.checkpoint(at(5)).unwrap();
    let what = not(&older, &rows);
    assert!(what.contains("cut back: it ends at row 3") && what.contains("at row 4"), "{what}");
    // It goes another way from the same row on.
    older.append(at(4), None, &[entry("someone else"), entry("e")]).unwrap();
    let what = not(&older, &rows);
    assert!(what.contains("rewritten: row 4"), "{what}");

    f.ledger.record_event(at(6), &Event { what: "export", by: "ann", details: "{}" }).unwrap();
    let events = f.ledger.checkpoint(at(7)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut fork = copy(&f, folder.path());
    let tool = Connection::open(fork.path()).unwrap();
    let hash = f.ledger.events().unwrap()[0].hash;
    tool.execute_batch(
        "DELETE FROM event WHERE number = 2; UPDATE meta SET value = 1 WHERE name = 'events'",
    )
    .unwrap();
    tool.execute("UPDATE meta SET value = ?1 WHERE name = 'events_hash'", [&hash[..]]).unwrap();
    drop(tool);
    let what = not(&fork, &events);
    assert!(what.contains("cut back: it ends at event 1"), "{what}");
    fork.record_event(at(6), &Event { what: "nothing", by: "ann", details: "{}" }).unwrap();
    let what = not(&fork, &events);
    assert!(what.contains("rewritten: event 2"), "{what}");
}

#[test]
fn a_ledger_rewritten_whole_is_found() {
    // Under the same id, by this very program: every chain in it is intact.
    let f = filled();
    let kept = f.ledger.checkpoint(at(3)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("key"), KEY).unwrap();
    let key = KeyFile::load(&folder.path().join("key")).unwrap();
    let path = folder.path().join("db");
    drop(Ledger::create(&path, &key, at(0)).unwrap());
    let tool = Connection::open(&path).unwrap();
    tool.execute("UPDATE meta SET value = ?1 WHERE name = 'ledger_id'", [&kept.ledger_id[..]])
        .unwrap();
    for (name, label) in
        [("head_hash", "optgate ledger 1\0"), ("events_hash", "optgate events 1\0")]
    {
        use sha2::Digest as _;
        let hash: [u8; 32] =
            sha2::Sha256::new().chain_update(label).chain_update(kept.ledger_id).finalize().into();
        tool.execute("UPDATE meta SET value = ?2 WHERE name = ?1", (name, &hash[..])).unwrap();
    }
    drop(tool);
    let mut rewritten = Ledger::open(&path, &key).unwrap();
    rewritten.append(at(1), None, &[entry("a"), entry("c"), entry("d"), entry("e")]).unwrap();
    assert!(rewritten.verify(|_| ()).unwrap().is_intact());
    let what = not(&rewritten, &kept);
    assert!(what.contains("rewritten: row 3"), "{what}");
}

#[test]
fn a_broken_chain_is_no_proof_whatever_its_hashes_say() {
    let mut f = filled();
    let kept = f.ledger.checkpoint(at(3)).unwrap();
    f.ledger.append(at(4), None, &[entry_at("x", 1)]).unwrap();
    let tool = Connection::open(f.path()).unwrap();
    tool.execute("UPDATE entry SET stated = 5 WHERE position = 1", ()).unwrap();
    let Extension::Broken(ledger::Verification::Broken { position: 1, .. }) =
        against(&f.ledger, &kept)
    else {
        panic!("the row was changed")
    };
}

#[test]
fn its_text_is_read_back_and_damage_is_named() {
    let f = filled();
    let kept = f.ledger.checkpoint(at(3)).unwrap();
    let text = kept.to_string();
    assert_eq!(text.lines().count(), 7);
    let read: SignedCheckpoint = text.parse().unwrap();
    assert_eq!(read, kept.unsigned());
    assert!(!read.is_signed());
    assert_eq!(text.replace('\n', "\r\n").parse::<SignedCheckpoint>().unwrap(), read);
    for (from, to, part) in [
        ("optgate-checkpoint-1", "hello", "does not begin"),
        ("optgate-checkpoint-1", "optgate-checkpoint-2", "newer"),
        ("position 3", "position x", "not a number"),
        ("position 3\n", "", "`position` is missing"),
        ("hash ", "hash 0", "hexadecimal"),
        ("time ", "time x", "`time`"),
    ] {
        let error = text.replacen(from, to, 1).parse::<SignedCheckpoint>().unwrap_err();
        assert!(error.to_string().contains(part), "{part}: {error}");
    }
    for more in ["more\n".to_owned(), "x".repeat(5000)] {
        let error = format!("{text}{more}").parse::<SignedCheckpoint>().unwrap_err();
        assert!(error.to_string().contains("line too many") || error.to_string().contains("long"));
    }
}

fn openssl(folder: &Path, arguments: &str) -> (bool, String) {
    let done =
        Command::new("openssl").args(arguments.split(' ')).current_dir(folder).output().unwrap();
    let said = [done.stdout, done.stderr].concat();
    (done.status.success(), String::from_utf8_lossy(&said).into_owned())
}

fn key_pair(folder: &Path, name: &str) -> (String, String) {
    assert!(openssl(folder, &format!("genpkey -algorithm ed25519 -out {name}.pem")).0);
    assert!(openssl(folder, &format!("pkey -in {name}.pem -pubout -out {name}.pub")).0);
    let read = |end: &str| std::fs::read_to_string(folder.join(format!("{name}.{end}"))).unwrap();
    (read("pem"), read("pub"))
}

const CHECK: &str = "pkeyutl -verify -rawin -pubin -inkey k.pub -in text -sigfile signature";

#[test]
fn what_we_sign_openssl_verifies() {
    let f = filled();
    let folder = f.folder.path();
    let (private, public) = key_pair(folder, "k");
    let kept = f.ledger.checkpoint(at(3)).unwrap();
    let file = kept.sign(&private).unwrap().to_string();
    let read: SignedCheckpoint = file.parse().unwrap();
    assert!(read.is_signed());
    read.verify_signature(&public).unwrap();
    // As docs/ledger.md tells an auditor to do it.
    let (text, signature) = file.split_once("signature-ed25519 ").unwrap();
    std::fs::write(folder.join("text"), text).unwrap();
    let bytes: Vec<u8> = signature
        .trim()
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect();
    std::fs::write(folder.join("signature"), &bytes).unwrap();
    let (verified, said) = openssl(folder, CHECK);
    assert!(verified, "{said}");
    std::fs::write(folder.join("text"), text.replace("position 3", "position 2")).unwrap();
    assert!(!openssl(folder, CHECK).0);
}

#[test]
fn what_openssl_signs_we_verify() {
    let f = filled();
    let folder = f.folder.path();
    let (_, public) = key_pair(folder, "k");
    let (_, other) = key_pair(folder, "other");
    let kept = f.ledger.checkpoint(at(3)).unwrap().unsigned();
    std::fs::write(folder.join("text"), kept.to_string()).unwrap();
    let (signed, said) =
        openssl(folder, "pkeyutl -sign -rawin -inkey k.pem -in text -out signature");
    assert!(signed, "{said}");
    let signature = std::fs::read(folder.join("signature")).unwrap();
    let signed = kept.with_signature(&signature).unwrap();
    signed.verify_signature(&public).unwrap();
    assert_eq!(signed.to_string().parse::<SignedCheckpoint>().unwrap(), signed);

    let error = signed.verify_signature(&other).unwrap_err();
    assert!(error.to_string().contains("does not fit"), "{error}");
    let changed = signed.to_string().replace("position 3", "position 4");
    let changed: SignedCheckpoint = changed.parse().unwrap();
    assert!(changed.verify_signature(&public).is_err());
    assert!(kept.verify_signature(&public).unwrap_err().to_string().contains("not signed"));
    assert!(kept.with_signature(&signature[1..]).unwrap_err().to_string().contains("64 bytes"));
}

#[test]
fn keys_of_other_kinds_are_named() {
    let f = filled();
    let folder = f.folder.path();
    let (private, public) = key_pair(folder, "k");
    assert!(openssl(folder, "genpkey -algorithm x25519 -out x.pem").0);
    let x = std::fs::read_to_string(folder.join("x.pem")).unwrap();
    let kept = f.ledger.checkpoint(at(3)).unwrap();
    for wrong in [x.as_str(), public.as_str(), "", "hello"] {
        let error = kept.sign(wrong).unwrap_err();
        assert!(error.to_string().contains("openssl genpkey -algorithm ed25519"), "{error}");
    }
    let signed = kept.sign(&private).unwrap();
    for wrong in [private.as_str(), x.as_str(), ""] {
        let error = signed.verify_signature(wrong).unwrap_err();
        assert!(error.to_string().contains("-pubout"), "{error}");
    }
}
