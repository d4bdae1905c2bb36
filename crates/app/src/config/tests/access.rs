//! Who may relay, and what it may send.

use policy::{Claim, RelayControl, Relaying};

use super::*;

const BEYOND: &str = "[[listener]]\naddress = \"0.0.0.0:25\"\n";

#[track_caller]
fn settings(text: &str) -> Settings {
    let loaded = loaded(&format!("{SMARTHOST}{text}"));
    assert!(!loaded.report.is_fatal(), "{}", loaded.report.render(false));
    loaded.settings.unwrap()
}

#[test]
fn each_entry_of_allow_is_a_way_in_and_plus_joins_what_must_hold() {
    let text =
        "allow = [\"10.0.0.0/8\", \"192.0.2.7\", \"2001:db8::/32+ login\", \"certificate\"]\n";
    let settings = settings(&format!("{BEYOND}{text}refuse_at = \"mail\"\n"));
    assert_eq!(settings.listeners[0].refuse_at, RefuseAt::Mail);
    let control = RelayControl::new(settings.listeners[0].allow.clone());
    let judge = |address: &str, login, certificate| {
        control.judge(&Claim { address: address.parse().unwrap(), login, certificate })
    };
    assert_eq!(judge("10.1.1.1", false, false), Relaying::Permitted);
    assert_eq!(judge("192.0.2.7", false, false), Relaying::Permitted);
    assert_eq!(judge("2001:db8::1", false, false), Relaying::LoginNeeded);
    assert_eq!(judge("2001:db8::1", true, false), Relaying::Permitted);
    assert_eq!(judge("192.0.2.8", true, false), Relaying::CertificateNeeded);
    assert_eq!(judge("192.0.2.8", true, true), Relaying::Permitted);
}

#[test]
fn a_way_in_that_cannot_be_meant_is_told() {
    for (entry, words) in [
        ("logins", "not a way in"),
        ("login + login", "twice"),
        ("10.0.0.0/8 + 192.0.2.0/24", "twice"),
        ("login +", "lacks a part"),
        ("", "lacks a part"),
        ("10.0.0.0/8 + 10.1.2.3/8", "not a network"),
    ] {
        let found = faults(&format!("{BEYOND}allow = [\"{entry}\"]\n"));
        assert_eq!(found.len(), 1, "{entry}: {found:#?}");
        assert!(found[0].message.contains(words), "{entry}: {found:#?}");
        assert!(!found[0].help.is_empty(), "{entry}: {found:#?}");
    }
}

#[test]
fn everybody_with_a_login_is_no_open_relay_and_everybody_else_is() {
    let allow = |list: &str| faults(&format!("{BEYOND}allow = [{list}]\n"));
    let open = |list: &str| allow(list).iter().any(|fault| fault.message.contains("open relay"));
    assert!(!open("\"0.0.0.0/0 + login\""));
    assert!(open("\"0.0.0.0/0 + login\", \"0.0.0.0/0\""));
    assert!(open("\"login\", \"0.0.0.0/1\", \"128.0.0.0/1\""));
    assert!(!open("\"0.0.0.0/1\", \"128.0.0.0/1 + login\""));
}
