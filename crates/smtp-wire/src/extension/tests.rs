use proptest::prelude::*;

use super::{Capabilities, Limits, size};
use crate::reply::Reply;
use crate::solicitation::Solicitation;

fn offers(keywords: &str) -> Capabilities {
    Capabilities::from_ehlo(&Reply::plain(250, format!("mx.example hello\n{keywords}")))
}

#[test]
fn keywords_are_read_in_any_case() {
    let found = offers(
        "pipelining\nSize 1000\n8BitMime\nSMTPUTF8\nDSN\nEnhancedStatusCodes\nno-soliciting NET.EXAMPLE:ADV\nCHUNKING\nSTARTTLS\n\
         AUTH plain LOGIN\nLIMITS RCPTMAX=50 mailmax=9 RCPTDOMAINMAX=1\nXCLIENT addr LOGIN\n\
         xforward ADDR\nX-UNKNOWN yes",
    );
    assert_eq!(found, everything());
}

fn everything() -> Capabilities {
    Capabilities {
        size: Some(1000),
        pipelining: true,
        eight_bit_mime: true,
        smtputf8: true,
        dsn: true,
        enhanced_status_codes: true,
        no_soliciting: Solicitation::parse("NET.EXAMPLE:ADV"),
        chunking: true,
        starttls: true,
        auth: vec!["PLAIN".into(), "LOGIN".into()],
        limits: Limits { rcpt_max: Some(50), mail_max: Some(9), rcpt_domain_max: Some(1) },
        xclient: vec!["ADDR".into(), "LOGIN".into()],
        xforward: vec!["ADDR".into()],
    }
}

#[test]
fn what_is_between_neighbours_is_promised_to_nobody_else() {
    let common = everything().intersect(&everything());
    assert!(common.xclient.is_empty() && common.xforward.is_empty());
    let written = everything().to_reply("mx.example");
    assert_eq!(Capabilities::from_ehlo(&written), everything());
}

/// Standards A-T1, A-T2, A-T14.
#[test]
fn no_soliciting_may_name_classes() {
    let classes = |line| offers(line).no_soliciting.map(|list| list.as_str().to_owned());
    for (line, expected) in [
        ("NO-SOLICITING", Some("")),
        ("no-soliciting NET.EXAMPLE:ADV", Some("NET.EXAMPLE:ADV")),
        ("NO-SOLICITING net.example:ADV,org.example:X", Some("net.example:ADV,org.example:X")),
        ("NO-SOLICITING 1x:y", Some("")),
        ("NO-SOLICITATION net.example:ADV", None),
    ] {
        assert_eq!(classes(line).as_deref(), expected, "{line}");
    }
    let longest = format!("a{}", "b".repeat(999));
    assert_eq!(classes(&format!("NO-SOLICITING {longest}")), Some(longest));
    let plain = Capabilities { no_soliciting: Some(Solicitation::default()), ..Default::default() };
    assert_eq!(plain.to_reply("a").text, "a\nNO-SOLICITING");
    let widest = "a".repeat(Solicitation::OFFERED_MAX);
    let full = Capabilities { no_soliciting: Solicitation::parse(&widest), ..Default::default() };
    let mut out = Vec::new();
    full.encode("a", &mut out);
    let line = out.split_inclusive(|byte| *byte == b'\n').next_back().unwrap();
    assert!(line.len() <= crate::REPLY_LINE_MAX && line.ends_with(b"a\r\n"), "{}", line.len());
}

#[test]
fn classes_are_refused_that_either_refuses() {
    let with = |classes: &str| Capabilities {
        no_soliciting: Solicitation::parse(classes),
        ..Capabilities::default()
    };
    let both = with("a:b").intersect(&with("c:d,A:B")).no_soliciting;
    assert_eq!(both, Solicitation::parse("a:b,c:d"));
    assert_eq!(with("a:b").intersect(&Capabilities::default()).no_soliciting, None);
}

#[test]
fn the_first_line_offers_nothing_and_a_refusal_neither() {
    assert_eq!(Capabilities::from_ehlo(&Reply::plain(250, "SIZE 5")), Capabilities::default());
    assert_eq!(Capabilities::from_ehlo(&Reply::plain(502, "no\nDSN")), Capabilities::default());
}

#[test]
fn size_has_an_optional_bound() {
    for (line, expected) in [
        ("SIZE", Some(0)),
        ("SIZE 0", Some(0)),
        ("SIZE 52428800", Some(52_428_800)),
        ("SIZE 99999999999999999999", Some(u64::MAX)),
        ("SIZE abc", Some(0)),
        ("SIZE -1", Some(0)),
        ("SIZES 5", None),
    ] {
        assert_eq!(offers(line).size, expected, "{line}");
    }
}

#[test]
fn a_size_has_1_to_20_digits() {
    assert_eq!(size("18446744073709551615"), Some(u64::MAX));
    assert_eq!(size("18446744073709551616"), Some(u64::MAX));
    assert_eq!(size("00000000000000000001"), Some(1));
    for wrong in ["", "000000000000000000001", "+1", "-1", " 1", "1k", "0x1", "\u{661}"] {
        assert_eq!(size(wrong), None, "{wrong:?}");
    }
}

#[test]
fn malformed_limits_are_ignored_one_by_one() {
    for wrong in ["RCPTMAX", "RCPTMAX=", "RCPTMAX=0", "RCPTMAX=01", "RCPTMAX=1000000", "RCPTMAX=+5"]
    {
        let limits = offers(&format!("LIMITS {wrong} X=y MAILMAX=999999")).limits;
        let expected = Limits { mail_max: Some(999_999), ..Limits::default() };
        assert_eq!(limits, expected, "{wrong}");
    }
}

#[test]
fn smtputf8_without_8bitmime_is_not_believed() {
    assert!(!offers("SMTPUTF8").smtputf8);
    assert!(offers("SMTPUTF8\n8BITMIME").smtputf8);
}

#[test]
fn mechanisms_are_words_of_the_grammar() {
    assert_eq!(
        offers("AUTH PLAIN bad;name SCRAM-SHA-256 X_1").auth,
        ["PLAIN", "SCRAM-SHA-256", "X_1"]
    );
    assert_eq!(offers("AUTH").auth, [""; 0]);
}

#[test]
fn the_reply_lists_what_is_offered_and_no_more() {
    let mut out = Vec::new();
    Capabilities::default().encode("gate.example", &mut out);
    assert_eq!(out, b"250 gate.example\r\n");
    out.clear();
    everything().encode("gate.example", &mut out);
    let text = String::from_utf8(out).unwrap();
    assert_eq!(
        text.lines().map(|line| &line[4..]).collect::<Vec<_>>(),
        [
            "gate.example",
            "PIPELINING",
            "SIZE 1000",
            "8BITMIME",
            "SMTPUTF8",
            "DSN",
            "ENHANCEDSTATUSCODES",
            "NO-SOLICITING NET.EXAMPLE:ADV",
            "CHUNKING",
            "STARTTLS",
            "AUTH PLAIN LOGIN",
            "XCLIENT ADDR LOGIN",
            "XFORWARD ADDR",
            "LIMITS RCPTMAX=50 MAILMAX=9 RCPTDOMAINMAX=1",
        ]
    );
    let unlimited = Capabilities { size: Some(0), ..Capabilities::default() };
    assert_eq!(unlimited.to_reply("a").text, "a\nSIZE");
}

#[test]
fn the_stricter_bound_holds() {
    for (mine, theirs, both) in [
        (None, None, None),
        (Some(5), None, Some(5)),
        (None, Some(7), Some(7)),
        (Some(0), None, Some(0)),
        (Some(0), Some(0), Some(0)),
        (Some(0), Some(7), Some(7)),
        (Some(5), Some(7), Some(5)),
    ] {
        let with = |size| Capabilities { size, ..Capabilities::default() };
        assert_eq!(with(mine).intersect(&with(theirs)).size, both, "{mine:?} and {theirs:?}");
        assert_eq!(with(theirs).intersect(&with(mine)).size, both, "{theirs:?} and {mine:?}");
    }
}

#[test]
fn what_only_one_side_has_is_not_offered() {
    let mut one = everything();
    one.dsn = false;
    one.auth = vec!["LOGIN".into(), "CRAM-MD5".into()];
    one.limits = Limits { rcpt_max: Some(20), mail_max: None, rcpt_domain_max: Some(2) };
    let both = everything().intersect(&one);
    assert_eq!(both.auth, ["LOGIN"]);
    assert!(!both.dsn && both.smtputf8 && both.pipelining);
    assert_eq!(
        both.limits,
        Limits { rcpt_max: Some(20), mail_max: Some(9), rcpt_domain_max: Some(1) }
    );
}

fn capabilities() -> impl Strategy<Value = Capabilities> {
    let flags = prop::array::uniform7(any::<bool>());
    let classes = prop::collection::hash_set("[a-z][a-z0-9._:-]{0,19}", 0..4).prop_map(|set| {
        Solicitation::parse(&set.into_iter().collect::<Vec<_>>().join(",")).unwrap_or_default()
    });
    let no_soliciting = prop::option::of(classes);
    let size = prop::option::of(any::<u64>());
    let auth = prop::collection::vec("[A-Z][A-Z0-9_-]{0,19}", 0..4);
    let limit = || prop::option::of(1..1_000_000u32);
    let limits = (limit(), limit(), limit());
    let all = (flags, size, auth, no_soliciting, limits);
    all.prop_map(|(flags, size, auth, no_soliciting, limits)| {
        let [pipelining, eight_bit_mime, smtputf8, dsn, enhanced_status_codes, chunking, starttls] =
            flags;
        let smtputf8 = smtputf8 && eight_bit_mime;
        let (rcpt_max, mail_max, rcpt_domain_max) = limits;
        Capabilities {
            size,
            pipelining,
            eight_bit_mime,
            smtputf8,
            dsn,
            enhanced_status_codes,
            no_soliciting,
            chunking,
            starttls,
            auth,
            limits: Limits { rcpt_max, mail_max, rcpt_domain_max },
            ..Capabilities::default()
        }
    })
}

proptest! {
    #[test]
    fn reading_is_the_inverse_of_writing(offered in capabilities()) {
        let mut out = Vec::new();
        offered.encode("gate.example", &mut out);
        let (_, reply) = crate::ReplyDecoder::new().decode(&out);
        prop_assert_eq!(Capabilities::from_ehlo(&reply.unwrap().unwrap()), offered);
    }

    #[test]
    fn an_offer_with_itself_is_itself(offered in capabilities()) {
        prop_assert_eq!(offered.intersect(&offered), offered);
    }
}
