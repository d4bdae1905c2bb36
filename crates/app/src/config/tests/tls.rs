//! TLS: what each key means, and what is said of files that are wrong.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use proxy::ClientMode;

use super::*;

/// Certificates and keys for tests, as the proxy's own.
const SAMPLES: [(&str, &str); 7] = [
    ("authority.pem", include_str!("../../../../proxy/src/tls/samples/authority.pem")),
    ("mail.pem", include_str!("../../../../proxy/src/tls/samples/mail.pem")),
    ("mail.key", include_str!("../../../../proxy/src/tls/samples/mail.key")),
    ("star.pem", include_str!("../../../../proxy/src/tls/samples/star.pem")),
    ("star.key", include_str!("../../../../proxy/src/tls/samples/star.key")),
    ("encrypted.key", include_str!("../../../../proxy/src/tls/samples/encrypted.key")),
    ("half.pem", "-----BEGIN CERTIFICATE-----\nMIIB"),
];

pub(crate) const CERTIFICATE: &str =
    "[[certificate]]\ncertificate = \"mail.pem\"\nkey = \"mail.key\"\n";

/// A folder with the samples.
pub(crate) fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in SAMPLES {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        mode(&path, 0o600);
    }
    folder
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

pub(crate) fn loaded_in(folder: &Path, text: &str) -> Loaded {
    load_text(&folder.join("optgate.toml"), &format!("{SMARTHOST}{text}"), &around())
}

#[track_caller]
fn settings(text: &str) -> Settings {
    let folder = folder();
    let loaded = loaded_in(folder.path(), text);
    assert!(loaded.report.is_clean(), "{}", loaded.report.render(false));
    loaded.settings.unwrap()
}

/// The one fault about `text`, with its help.
#[track_caller]
fn fault(folder: &Path, text: &str) -> String {
    let found = loaded_in(folder, text).report.lines();
    assert_eq!(found.len(), 1, "{found:#?}");
    format!("{} {}", found[0].message, found[0].help.join(" "))
}

#[test]
fn a_certificate_brings_starttls_unless_it_is_said_otherwise() {
    assert_eq!(settings("").listeners[0].tls.mode, ListenerTls::Off);
    assert_eq!(settings(CERTIFICATE).listeners[0].tls.mode, ListenerTls::StartTls);
    let listener = |tls: &str| {
        settings(&format!(
            "[[listener]]\naddress = \"127.0.0.1:465\"\ntls = \"{tls}\"\n{CERTIFICATE}"
        ))
        .listeners[0]
            .tls
            .mode
    };
    assert_eq!(listener("off"), ListenerTls::Off);
    assert_eq!(listener("implicit"), ListenerTls::Implicit);
    let text =
        format!("[[listener]]\ntls = \"required\"\nclient_ca = \"authority.pem\"\n{CERTIFICATE}");
    let settings = settings(&text);
    assert_eq!(settings.listeners[0].tls.mode, ListenerTls::Required);
    assert!(settings.listeners[0].tls.client_ca.as_ref().unwrap().ends_with("authority.pem"));
    assert!(settings.certificates[0].key.is_absolute());
}

#[test]
fn tls_needs_a_certificate_and_certificates_of_clients_an_authority() {
    let folder = folder();
    for (text, words) in [
        ("[[listener]]\ntls = \"starttls\"\n", "TLS needs a certificate"),
        ("[[listener]]\nclient_ca = \"authority.pem\"\n", "without TLS no client shows"),
    ] {
        let said = fault(folder.path(), text);
        assert!(said.contains(words) && said.contains("[[certificate]]"), "{said}");
    }
    let said =
        fault(folder.path(), &format!("[[listener]]\nallow = [\"certificate\"]\n{CERTIFICATE}"));
    assert!(said.contains("`client_ca` is missing"), "{said}");
    let text =
        format!("[[listener]]\naddress = \"127.0.0.1:465\"\ntls = \"starttls\"\n{CERTIFICATE}");
    assert!(fault(folder.path(), &text).contains("tls = \"implicit\""));
}

#[test]
fn what_is_wrong_with_a_file_is_said_with_its_name() {
    let folder = folder();
    fs::write(folder.path().join("mail.der"), [0x30, 0x82, 1, 2]).unwrap();
    fs::write(folder.path().join("nothing"), "no PEM\n").unwrap();
    for (certificate, key, file, words) in [
        ("mail.pem", "star.key", "star.key", "is not the key of"),
        ("mail.pem", "mail.pem", "mail.pem", "holds no key, but a certificate"),
        ("mail.key", "mail.key", "mail.key", "holds no certificate, but a key"),
        ("mail.pem", "encrypted.key", "encrypted.key", "encrypted"),
        ("mail.pem", "nowhere.key", "nowhere.key", "cannot be read"),
        ("mail.der", "mail.key", "mail.der", "seems to be DER"),
        ("half.pem", "mail.key", "half.pem", "-----END"),
        ("nothing", "mail.key", "nothing", "holds no certificate in PEM"),
    ] {
        let text = format!("[[certificate]]\ncertificate = \"{certificate}\"\nkey = \"{key}\"\n");
        let path = folder.path().join(key);
        if path.exists() {
            mode(&path, 0o600);
        }
        let said = fault(folder.path(), &text);
        assert!(said.contains(words) && said.contains(&format!("/{file}: ")), "{said}");
        let at = loaded_in(folder.path(), &text).report.lines()[0].line.unwrap() - 2;
        assert_eq!(at, if file == certificate { 2 } else { 3 }, "{said}");
    }
    mode(&folder.path().join("mail.key"), 0o644);
    assert!(fault(folder.path(), CERTIFICATE).contains("everybody may read: chmod o="));
    mode(&folder.path().join("mail.key"), 0o640);
    assert!(loaded_in(folder.path(), CERTIFICATE).report.is_clean());
}

#[test]
fn a_chain_in_the_wrong_order_is_told() {
    let folder = folder();
    let chain = format!("{}{}", SAMPLES[0].1, SAMPLES[1].1);
    fs::write(folder.path().join("chain.pem"), chain).unwrap();
    let said =
        fault(folder.path(), "[[certificate]]\ncertificate = \"chain.pem\"\nkey = \"mail.key\"\n");
    assert!(said.contains("chain.pem: ") && said.contains("comes first"), "{said}");
}

#[test]
fn the_way_to_the_smarthost_follows_from_port_and_keys() {
    let mode = |text: &str| settings(text).smarthosts[0].tls.mode;
    assert_eq!(mode(""), ClientMode::Opportunistic { fall_back: true });
    assert_eq!(mode("tls = \"off\"\n"), ClientMode::Off);
    assert_eq!(mode("tls = \"required\"\ntls_ca = \"authority.pem\"\n"), ClientMode::Required);
    assert_eq!(mode("tls_ca = \"authority.pem\"\n"), ClientMode::Required);
    let pinned = format!("tls_pin = [\"sha256:{}\"]\n", "0a".repeat(32));
    assert_eq!(mode(&pinned), ClientMode::Required);
    assert_eq!(settings(&pinned).smarthosts[0].tls.pins, [[10; 32]]);
    assert_eq!(settings("").smarthosts[0].tls.name, "relay.corp.example");
    let named = "tls_name = \"MX.corp.example\"\ntls_ca = \"authority.pem\"\n";
    assert_eq!(settings(named).smarthosts[0].tls.name, "mx.corp.example");
    let folder = folder();
    let text = "[smarthost]\naddress = \"relay.corp.example:465\"\ntls_ca = \"authority.pem\"\n";
    let loaded = load_text(&folder.path().join("optgate.toml"), text, &around());
    assert_eq!(loaded.settings.unwrap().smarthosts[0].tls.mode, ClientMode::Implicit);
}

#[test]
fn what_would_have_no_effect_is_an_error() {
    let folder = folder();
    for key in ["tls_ca = \"authority.pem\"", "tls_name = \"a.example\""] {
        for tls in ["off", "opportunistic"] {
            let said = fault(folder.path(), &format!("tls = \"{tls}\"\n{key}\n"));
            assert!(said.contains("has no effect") && said.contains(tls), "{said}");
        }
    }
    assert!(fault(folder.path(), "tls_certificate = \"mail.pem\"\n").contains("without its key"));
    let said = fault(folder.path(), "tls_key = \"mail.key\"\n");
    assert!(said.contains("without its certificate"), "{said}");
    let said = fault(folder.path(), "tls_ca = \"mail.key\"\n");
    assert!(said.contains("mail.key: holds no certificate, but a key"), "{said}");
}

#[test]
fn a_pin_is_read_in_base64_and_in_hexadecimal_digits() {
    let pins =
        |text: &str| settings(&format!("tls_pin = [\"{text}\"]\n")).smarthosts[0].tls.pins.clone();
    let digest = pins("sha256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    let hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(pins(&format!("sha256:{hex}")), digest);
    let colons: Vec<&str> = (0..32).map(|n| &hex[2 * n..2 * n + 2]).collect();
    assert_eq!(pins(&format!("sha256:{}", colons.join(":"))), digest);
    let folder = folder();
    for bad in [hex, "sha256:abcd", "sha1:aa", "sha256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuA"]
    {
        let said = fault(folder.path(), &format!("tls_pin = [\"{bad}\"]\n"));
        assert!(said.contains("no digest of a key") && said.contains("openssl"), "{said}");
    }
    assert!(fault(folder.path(), "tls_pin = []\n").contains("it is empty"));
}
