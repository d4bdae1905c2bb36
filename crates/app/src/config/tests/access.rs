//! Who may relay, and what it may send.

use policy::{Claim, RelayControl, Relaying};

use super::*;

const BEYOND: &str = "[[listener]]\naddress = \"0.0.0.0:25\"\n";

#[track_caller]
fn settings(text: &str) -> Settings {
    let folder = tls::folder();
    let loaded = tls::loaded_in(folder.path(), text);
    assert!(!loaded.report.is_fatal(), "{}", loaded.report.render(false));
    loaded.settings.unwrap()
}

#[test]
fn each_entry_of_allow_is_a_way_in_and_plus_joins_what_must_hold() {
    let text =
        "allow = [\"10.0.0.0/8\", \"192.0.2.7\", \"2001:db8::/32+ login\", \"certificate\"]\n";
    let ca = format!("client_ca = \"authority.pem\"\n{}", tls::CERTIFICATE);
    let settings =
        settings(&format!("{BEYOND}{text}refuse_at = \"mail\"\nauth = \"smarthost\"\n{ca}"));
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
    assert!(!open("\"64.0.0.0/2\", \"128.0.0.0/1 + login\""));
    // Every address a client can have.
    assert!(open("\"0.0.0.0/1\", \"128.0.0.0/2\", \"192.0.0.0/3\""));
    assert!(open("\"2000::/3\""));
}

#[test]
fn ipv4_written_as_ipv6_is_ipv4() {
    let allow = "allow = [\"::ffff:10.0.0.0/104\", \"::ffff:192.0.2.7\", \"2001:db8::/96\"]\n";
    let fronts = "xclient = [\"::ffff:192.0.2.0/120\"]\n";
    let settings = settings(&format!("{BEYOND}{allow}{fronts}"));
    let listener = &settings.listeners[0];
    let written: Vec<_> = listener.allow.iter().map(|way| way.networks[0].to_string()).collect();
    assert_eq!(written, ["10.0.0.0/8", "192.0.2.7/32", "2001:db8::/96"]);
    assert_eq!(listener.xclient[0].to_string(), "192.0.2.0/24");
    let control = RelayControl::new(listener.allow.clone());
    let client = "10.1.1.1".parse().unwrap();
    let claim = Claim { address: client, login: false, certificate: false };
    assert_eq!(control.judge(&claim), Relaying::Permitted);
    // Everybody is everybody in either way to write it.
    let open = faults(&format!("{BEYOND}allow = [\"::ffff:0:0/96\"]\n"));
    assert!(open.iter().any(|fault| fault.message.contains("open relay")), "{open:#?}");
}

#[test]
fn a_sender_rule_says_for_whom_and_what() {
    use address::ReversePath;
    let settings = settings(
        "[[sender]]\nlogin = [\"erp\"]\naddress = [\"@corp.example\", \"<>\"]\nfrom = [\"*.corp.example\"]\n\
         [[sender]]\nclient = [\"10.1.0.0/16\"]\n",
    );
    let rules = policy::SenderRules::new(settings.senders);
    let (inside, outside) = ("10.1.2.3".parse().unwrap(), "192.0.2.1".parse().unwrap());
    let path = |text| ReversePath::parse(text).unwrap();
    assert!(rules.permits(Some("erp"), outside, &path("<>")));
    assert!(!rules.permits(Some("erp"), inside, &path("<a@shop.example>")));
    assert!(rules.permits(None, inside, &path("<a@shop.example>")));
    assert!(!rules.permits(None, outside, &path("<>")));
    let domains = rules.author_domains(Some("erp"), outside).unwrap();
    assert_eq!(domains.iter().map(ToString::to_string).collect::<Vec<_>>(), ["*.corp.example"]);
    assert!(rules.author_domains(None, inside).is_none());
}

#[test]
fn a_sender_rule_that_cannot_be_meant_is_told() {
    for (text, line, words) in [
        ("[[sender]]\nclient = []\n", 2, "for nobody"),
        ("[[sender]]\nfrom = [\"@corp.example\"]\n", 2, "no domain of authors"),
        ("[[sender]]\nfrom = []\n", 2, "nothing would match"),
        ("[[sender]]\naddress = [\"corp.example\"]\n", 2, "no pattern of a sender"),
        ("[[sender]]\naddress = [\"<>\"]\n[[sender]]\nlogin = [\"erp\"]\n", 3, "for nobody"),
        ("[[sender]]\n", 1, "permits everything to everybody"),
    ] {
        let found = faults(text);
        assert_eq!(found.len(), 1, "{text}: {found:#?}");
        assert_eq!(found[0].line, Some(line), "{text}: {found:#?}");
        assert!(found[0].message.contains(words), "{text}: {found:#?}");
    }
}

#[test]
fn rates_are_any_number_unless_one_is_said() {
    let keys = [
        "client_messages",
        "client_recipients",
        "login_messages",
        "login_recipients",
        "sender_domain_messages",
        "sender_domain_recipients",
        "recipient_domain_messages",
        "recipient_domain_recipients",
    ];
    assert_eq!(settings("").limits.rates, proxy::RateSettings::default());
    let mut text = "[limits]\n".to_owned();
    for (number, key) in keys.iter().enumerate() {
        text += &format!("{key} = {}\n", number + 1);
    }
    let rates = settings(&text).limits.rates;
    let found = [
        rates.client_messages,
        rates.client_recipients,
        rates.login_messages,
        rates.login_recipients,
        rates.sender_domain_messages,
        rates.sender_domain_recipients,
        rates.recipient_domain_messages,
        rates.recipient_domain_recipients,
    ];
    assert_eq!(found.map(|rate| rate.unwrap().get()), [1, 2, 3, 4, 5, 6, 7, 8]);
    for wrong in ["0", "\"none\"", "1_000_001", "-1"] {
        let found = faults(&format!("[limits]\nclient_messages = {wrong}\n"));
        assert_eq!(found.len(), 1, "{wrong}: {found:#?}");
    }
}

#[test]
fn front_ends_are_networks_of_their_own() {
    let text = "allow = [\"192.0.2.0/24\"]\nproxy_protocol = [\"10.0.0.5\"]\n\
                xclient = [\"10.0.0.6\", \"2001:db8::/64\"]\n";
    let settings = settings(&format!("{BEYOND}{text}"));
    let listener = &settings.listeners[0];
    assert_eq!(listener.proxy_protocol, ["10.0.0.5/32".parse().unwrap()]);
    assert_eq!(listener.xclient.len(), 2);
    let control = RelayControl::new(listener.allow.clone());
    assert!(!control.could_permit("10.0.0.5".parse().unwrap()));
}

#[test]
fn not_everybody_may_say_who_the_client_is() {
    for key in ["proxy_protocol", "xclient"] {
        for (networks, words) in [
            ("[]", "names no front end"),
            ("[\"0.0.0.0/0\"]", "believes everybody"),
            ("[\"::/0\"]", "believes everybody"),
            ("[\"0.0.0.0/1\", \"128.0.0.0/1\"]", "believes everybody"),
        ] {
            let text = format!("{BEYOND}allow = [\"10.0.0.0/8\"]\n{key} = {networks}\n");
            let found = faults(&text);
            assert_eq!(found.len(), 1, "{text}: {found:#?}");
            assert!(found[0].message.contains(words), "{text}: {found:#?}");
        }
    }
}

#[test]
fn behind_a_front_end_a_loopback_address_is_for_strangers_too() {
    let loopback = "[[listener]]\naddress = \"127.0.0.1:25\"\n";
    for key in ["proxy_protocol", "xclient"] {
        let behind = format!("{loopback}{key} = [\"127.0.0.1\"]\n");
        let found = faults(&behind);
        assert!(found[0].message.contains("`allow` is missing"), "{found:#?}");
        let found = faults(&format!("{behind}allow = [\"0.0.0.0/0\"]\n"));
        assert!(found[0].message.contains("open relay"), "{found:#?}");
    }
    assert!(faults(&format!("{loopback}allow = [\"0.0.0.0/0\"]\n")).is_empty());
}
