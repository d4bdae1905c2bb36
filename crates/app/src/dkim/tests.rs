use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mail_auth::common::crypto::Ed25519Key;
use proxy::Signer;
use sha2::Digest as _;
use tempfile::TempDir;

use super::{Key, Refreshed, Signatures, SigningDomain, SigningSettings};

fn write_key(folder: &TempDir, name: &str) -> PathBuf {
    let der = Ed25519Key::generate_pkcs8().unwrap();
    let path = folder.path().join(name);
    let text = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        STANDARD.encode(der)
    );
    std::fs::write(&path, text).unwrap();
    guard(&path);
    path
}

fn guard(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

fn signing(folder: &TempDir, domain: &str, below: bool, fields: &[&str]) -> Arc<SigningDomain> {
    let below = below.then(|| format!("*.{domain}"));
    let authors = std::iter::once(domain.to_owned()).chain(below);
    let settings = SigningSettings {
        domain: domain.to_owned(),
        authors: authors.map(|author| author.parse().unwrap()).collect(),
        selector: "s1".to_owned(),
        key: write_key(folder, &format!("{domain}.pem")),
        fields: fields.iter().map(|&field| field.to_owned()).collect(),
    };
    Arc::new(SigningDomain::read(settings).unwrap())
}

fn signed(all: &[Arc<SigningDomain>], message: &str) -> String {
    String::from_utf8(Signatures(all.to_vec()).sign(message.as_bytes()).unwrap()).unwrap()
}

/// The names in h=, in lower case.
fn covered(field: &str) -> Vec<String> {
    let unfolded: String = field.chars().filter(|c| !c.is_whitespace()).collect();
    let tag = unfolded.split(';').find_map(|tag| tag.strip_prefix("h=")).unwrap();
    tag.split(':').map(str::to_ascii_lowercase).collect()
}

#[test]
fn who_signs_goes_by_the_only_author() {
    let folder = tempfile::tempdir().unwrap();
    let all =
        [signing(&folder, "corp.example", false, &[]), signing(&folder, "shop.example", true, &[])];
    for (header, domains) in [
        ("From: a@corp.example", vec!["corp.example"]),
        ("from:\r\n \"A. B\" <a@CORP.example>", vec!["corp.example"]),
        ("From: a@x.shop.example", vec!["shop.example"]),
        ("From: a@shop.example, b@shop.example", vec!["shop.example"]),
        ("From: a@x.corp.example", vec![]),
        ("From: a@shop.example, b@corp.example", vec![]),
        ("From: a@corp.example\r\nFrom: a@corp.example", vec![]),
        ("From: a@corp.example\r\nFrom : a@corp.example", vec![]),
        ("From : a@corp.example", vec![]),
        ("Sender: a@corp.example", vec![]),
        ("From: nobody", vec![]),
        // Some readers pass over a line that is no field, the signer ends the header there.
        ("From: a@corp.example\r\nno field\r\nFrom: b@evil.example", vec![]),
        ("From: a@corp.example\r\nno field\r\nFrom : b@evil.example", vec![]),
        ("From: a@corp.example\r\nno field\r\n From: b@evil.example", vec![]),
        ("no field\r\nFrom: a@corp.example", vec![]),
        ("From: a@corp.example\r\nno field\r\nSubject: another", vec![]),
        ("From: a@corp.example\r\nX-Long: x\r\n From: b@evil.example", vec!["corp.example"]),
    ] {
        let field = signed(&all, &format!("{header}\r\nSubject: x\r\n\r\nbody\r\n"));
        let found: Vec<_> = ["corp.example", "shop.example"]
            .into_iter()
            .filter(|domain| field.contains(&format!("d={domain};")))
            .collect();
        assert_eq!(found, domains, "{header}: {field}");
    }
}

#[test]
fn a_message_that_is_only_a_header_or_nothing_is_no_fault() {
    let folder = tempfile::tempdir().unwrap();
    let all = [signing(&folder, "corp.example", false, &[])];
    assert_eq!(signed(&all, ""), "");
    assert_eq!(signed(&all, "\r\nbody\r\n"), "");
    assert!(signed(&all, "From: a@corp.example\r\n").starts_with("DKIM-Signature: "));
    assert!(signed(&all, "From: a@corp.example\r\n\r\n").ends_with("\r\n"));
    let torn = "From: a@corp.example\r\nno field\r\nX-Other: y\r\n\r\nbody\r\n";
    assert!(signed(&all, torn).starts_with("DKIM-Signature: "));
}

#[test]
fn nothing_can_be_added_to_what_is_sealed_and_what_is_there_is_covered() {
    let folder = tempfile::tempdir().unwrap();
    let all = [signing(&folder, "corp.example", false, &["X-Campaign", "X-Missing", "from"])];
    let field = signed(
        &all,
        "Received: x\r\nFrom: a@corp.example\r\nSubject: one\r\nList-Unsubscribe: <https://x>\r\n\
         List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nX-Campaign: 7\r\n\
         Return-Path: <a@corp.example>\r\n\r\nbody\r\n",
    );
    let covered = covered(&field);
    let times = |name: &str| covered.iter().filter(|one| *one == name).count();
    for (name, expected) in [
        ("from", 2),
        ("subject", 2),
        ("reply-to", 1),
        ("date", 1),
        ("list-unsubscribe", 1),
        ("list-unsubscribe-post", 1),
        ("x-campaign", 1),
        ("x-missing", 0),
        ("list-id", 0),
        ("received", 0),
        ("return-path", 0),
    ] {
        assert_eq!(times(name), expected, "{name}: {covered:?}");
    }
}

#[test]
fn a_changed_key_is_used_and_a_broken_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let one = signing(&folder, "corp.example", false, &[]);
    assert!(matches!(one.refresh(), Refreshed::Same));
    let path = one.settings().key.clone();
    let first = Key::read(&path).unwrap().record().to_owned();
    std::fs::write(&path, "broken").unwrap();
    assert!(matches!(one.refresh(), Refreshed::Kept(_)));
    let header = "From: a@corp.example\r\n\r\n";
    assert!(signed(std::slice::from_ref(&one), header).contains("d=corp.example;"));
    std::fs::remove_file(&path).unwrap();
    write_key(&folder, "corp.example.pem");
    assert!(matches!(one.refresh(), Refreshed::Read));
    let second = Key::read(&path).unwrap().record().to_owned();
    assert_ne!(first, second);
    assert!(second.starts_with("v=DKIM1; k=ed25519; p="));
    assert_eq!(second.len(), "v=DKIM1; k=ed25519; p=".len() + 44);
}

#[test]
fn a_key_that_everybody_may_read_or_that_is_none_is_told() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = write_key(&folder, "open.pem");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(Key::read(&path).unwrap_err().to_string().contains("everybody may read"));
    let path = folder.path().join("none.pem");
    std::fs::write(&path, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
        .unwrap();
    guard(&path);
    assert!(Key::read(&path).unwrap_err().to_string().contains("RSA of 2048"));
}

/// The hash of a body as RFC 6376 s3.4.4 has it, line by line.
fn relaxed_hash(body: &str) -> String {
    let mut lines: Vec<String> = body.split_terminator("\r\n").map(relaxed_line).collect();
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    let canonical: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
    STANDARD.encode(sha2::Sha256::digest(canonical))
}

fn relaxed_line(line: &str) -> String {
    let mut relaxed = String::new();
    for letter in line.trim_end_matches([' ', '\t']).chars() {
        match letter {
            ' ' | '\t' if relaxed.ends_with(' ') => {}
            ' ' | '\t' => relaxed.push(' '),
            other => relaxed.push(other),
        }
    }
    relaxed
}

/// Every body of up to six of these pieces: blank lines and blanks wherever they can stand.
#[test]
fn the_hash_is_that_of_the_relaxed_body() {
    const PIECES: [&str; 4] = ["a", " ", "\t", "\r\n"];
    let folder = tempfile::tempdir().unwrap();
    let all = [signing(&folder, "corp.example", false, &[])];
    for length in 0..=6 {
        for number in 0..PIECES.len().pow(length) {
            let pieces = (0..length).map(|place| PIECES[number / 4_usize.pow(place) % 4]);
            let mut body: String = pieces.collect();
            if !body.is_empty() && !body.ends_with('\n') {
                body.push_str("\r\n");
            }
            let field = signed(&all, &format!("From: a@corp.example\r\n\r\n{body}"));
            let unfolded: String = field.chars().filter(|c| !c.is_whitespace()).collect();
            let hash = unfolded.split(';').find_map(|tag| tag.strip_prefix("bh="));
            assert_eq!(hash, Some(relaxed_hash(&body).as_str()), "{body:?}");
        }
    }
}
