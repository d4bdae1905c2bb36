//! A mail to several people of whom one has opted out: what each client reports,
//! and what arrives. Whatever the client makes of it, never the one who opted out.

use e2e::{Client, Gate, Letter, Postfix, Scratch, Setup, Smarthost, Told};

use crate::{SENDER, recipients};

/// What a refusal of bob says, up to its reference.
const REFUSAL: &str = "550 5.7.1 <bob@example.com> opted out on 2026-03-02 (list crm.csv); ref ";

const KEPT: [&str; 2] = ["alice@example.com", "dave@example.com"];

/// Sends to alice, bob and dave; gives what the client said and who got it.
fn send_mixed(client: Client) -> (Told, Vec<String>) {
    send_to(client, &["alice@example.com", "bob@example.com", "dave@example.com"])
}

fn send_to(client: Client, to: &[&str]) -> (Told, Vec<String>) {
    let scratch = Scratch::new();
    let postfix = Postfix::start(&scratch);
    let gate = Gate::start(&scratch.path().join("gate"), &Setup::new(postfix.address()));
    let told = client.send(&scratch, gate.address, SENDER, to, &Letter::plain("mixed"));
    let arrived = recipients(&postfix);
    assert!(!arrived.iter().any(|r| r == "bob@example.com" || r == "carol@example.com"));
    (told, arrived)
}

#[test]
fn curl_gives_up_the_whole_mail_at_postfix() {
    let (told, arrived) = send_mixed(Client::Curl);
    assert!(!told.accepted);
    assert!(told.text.contains(REFUSAL), "{}", told.text);
    assert!(arrived.is_empty());
}

#[test]
fn curl_that_allows_failures_reaches_the_others_at_postfix() {
    let (told, arrived) = send_mixed(Client::CurlAllowFails);
    assert!(told.accepted, "{}", told.text);
    assert!(told.text.contains(REFUSAL), "{}", told.text);
    assert_eq!(arrived, KEPT);
}

#[test]
fn swaks_reaches_the_others_at_postfix() {
    let (told, arrived) = send_mixed(Client::Swaks);
    assert!(told.accepted, "{}", told.text);
    assert!(told.text.contains(REFUSAL), "{}", told.text);
    assert_eq!(arrived, KEPT);
}

#[test]
fn msmtp_gives_up_the_whole_mail_at_postfix() {
    let (told, arrived) = send_mixed(Client::Msmtp);
    assert!(!told.accepted);
    assert!(told.text.contains(REFUSAL), "{}", told.text);
    assert!(arrived.is_empty());
}

#[test]
fn smtplib_reaches_the_others_and_names_the_refused_at_postfix() {
    let (told, arrived) = send_mixed(Client::Smtplib);
    assert!(told.accepted, "{}", told.text);
    assert!(told.text.contains(REFUSAL), "{}", told.text);
    assert_eq!(arrived, KEPT);
}

#[test]
fn net_smtp_reaches_the_others_and_names_the_refused_at_postfix() {
    let (told, arrived) = send_mixed(Client::NetSmtp);
    assert!(told.accepted, "{}", told.text);
    // Net::SMTP keeps the enhanced code in its text.
    assert!(told.text.contains(REFUSAL), "{}", told.text);
    assert_eq!(arrived, KEPT);
}

#[test]
fn nodemailer_reaches_the_others_and_names_the_refused_at_postfix() {
    let (told, arrived) = send_mixed(Client::Nodemailer);
    assert!(told.accepted, "{}", told.text);
    assert!(told.text.contains(REFUSAL), "{}", told.text);
    assert_eq!(arrived, KEPT);
}

/// When nobody is left, no client may believe that anything was sent.
fn nobody_left(client: Client) {
    let (told, arrived) = send_to(client, &["bob@example.com", "Carol+news@EXAMPLE.com"]);
    assert!(!told.accepted, "{client:?} believes it was sent: {}", told.text);
    assert!(told.text.contains("opted out on"), "{}", told.text);
    assert!(arrived.is_empty());
}

macro_rules! nobody_left {
    ($($name:ident: $client:ident;)*) => {$(
        #[test]
        fn $name() {
            nobody_left(Client::$client);
        }
    )*};
}

nobody_left! {
    curl_with_nobody_left_at_postfix: Curl;
    curl_that_allows_failures_with_nobody_left_at_postfix: CurlAllowFails;
    swaks_with_nobody_left_at_postfix: Swaks;
    msmtp_with_nobody_left_at_postfix: Msmtp;
    smtplib_with_nobody_left_at_postfix: Smtplib;
    net_smtp_with_nobody_left_at_postfix: NetSmtp;
    nodemailer_with_nobody_left_at_postfix: Nodemailer;
}
