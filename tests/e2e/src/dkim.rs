//! Keys of DKIM, the zone that has their public halves, and two judges of signatures.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::peers::Peers;
use crate::process::run;
use crate::scratch::Scratch;

const LIMIT: Duration = Duration::from_secs(30);

/// How a key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DkimKind {
    /// 2048 bits.
    Rsa,
    /// RFC 8463.
    Ed25519,
}

impl DkimKind {
    /// What a signature calls it.
    pub fn algorithm(self) -> &'static str {
        match self {
            Self::Rsa => "rsa-sha256",
            Self::Ed25519 => "ed25519-sha256",
        }
    }
}

/// A key pair, made by openssl.
#[derive(Debug, Clone)]
pub struct DkimKey {
    /// How it signs.
    pub kind: DkimKind,
    /// The domain that signs.
    pub domain: String,
    /// The name of the key in it.
    pub selector: String,
    /// The private half, PKCS #8 in PEM.
    pub file: PathBuf,
    record: String,
}

impl DkimKey {
    /// Makes one.
    pub fn new(scratch: &Scratch, kind: DkimKind, domain: &str, selector: &str) -> Self {
        let file = scratch.path().join(format!("{selector}.{domain}.pem"));
        let public = scratch.path().join(format!("{selector}.{domain}.der"));
        let algorithm: &[&str] = match kind {
            DkimKind::Rsa => &["-algorithm", "rsa", "-pkeyopt", "rsa_keygen_bits:2048"],
            DkimKind::Ed25519 => &["-algorithm", "ed25519"],
        };
        let openssl = || Peers::get().command("openssl");
        let made = run(openssl().arg("genpkey").args(algorithm).arg("-out").arg(&file), LIMIT);
        assert_eq!(made.code, 0, "openssl: {}", made.text());
        let mut half = openssl();
        half.args(["pkey", "-pubout", "-outform", "DER", "-in"]).arg(&file);
        let made = run(half.arg("-out").arg(&public), LIMIT);
        assert_eq!(made.code, 0, "openssl: {}", made.text());
        let public = std::fs::read(public).expect("openssl has written it");
        let (word, bytes) = match kind {
            DkimKind::Rsa => ("rsa", public.as_slice()),
            // The record has the key itself (RFC 8463 s4.2), the last 32 octets.
            DkimKind::Ed25519 => ("ed25519", public.split_at(public.len().saturating_sub(32)).1),
        };
        let record = format!("v=DKIM1; k={word}; p={}", crate::letter::base64(bytes));
        Self { kind, domain: domain.to_owned(), selector: selector.to_owned(), file, record }
    }

    /// The name of its record.
    pub fn name(&self) -> String {
        format!("{}._domainkey.{}", self.selector, self.domain)
    }

    /// Its record: the public half.
    pub fn record(&self) -> &str {
        &self.record
    }
}

/// One signature of a message, as dkimpy judges it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The domain that signed.
    pub domain: String,
    /// Such as `rsa-sha256`.
    pub algorithm: String,
    /// It is by the key of that domain and over this message.
    pub true_one: bool,
}

/// The signatures of a message from the top, as dkimpy judges them.
pub fn signatures(scratch: &Scratch, keys: &[&DkimKey], message: &[u8]) -> Vec<Signature> {
    let message = scratch.write("signed.eml", message);
    let mut command = Peers::get().command("dkimpy");
    command.arg(program("dkim_verify.py")).arg(message).arg(zone(scratch, keys));
    let ran = run(command.stdin(Stdio::null()), LIMIT);
    assert_eq!(ran.code, 0, "dkimpy: {}", ran.text());
    let rows: Vec<Value> = serde_json::from_str(&ran.out).expect("the script prints JSON");
    let text = |row: &Value, name: &str| {
        row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    rows.iter()
        .map(|row| Signature {
            domain: text(row, "domain"),
            algorithm: text(row, "algorithm"),
            true_one: row.get("true").and_then(Value::as_bool) == Some(true),
        })
        .collect()
}

/// What opendkim-testmsg says to a message: nothing where a signature of it is true.
///
/// # Errors
/// What it says else.
pub fn opendkim_testmsg(
    scratch: &Scratch,
    keys: &[&DkimKey],
    message: &[u8],
) -> Result<(), String> {
    let message = scratch.write("signed.eml", message);
    let peers = Peers::get();
    // It takes the name server of the system; so it gets a system of its own.
    let mut command = std::process::Command::new("unshare");
    command.args(["--mount", "--net", peers.field("dkimpy", "program")]);
    command.arg(program("in_zone.py")).arg(zone(scratch, keys));
    command.arg(peers.field("opendkim", "testmsg"));
    peers.find_libraries("opendkim", &mut command);
    command.stdin(std::fs::File::open(message).expect("it was written"));
    let ran = run(&mut command, LIMIT);
    if ran.code == 0 { Ok(()) } else { Err(format!("{}: {}", ran.code, ran.text())) }
}

fn zone(scratch: &Scratch, keys: &[&DkimKey]) -> PathBuf {
    let zone: Map<String, Value> =
        keys.iter().map(|key| (key.name(), Value::from(key.record()))).collect();
    scratch.write("zone.json", Value::from(zone).to_string())
}

fn program(name: &str) -> String {
    format!("{}/programs/{name}", env!("CARGO_MANIFEST_DIR"))
}
