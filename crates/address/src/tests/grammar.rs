//! Known answers of the grammar, row by row.

use super::fault;
use crate::AddressFault::{Ambiguous, Syntax};
use crate::{Domain, ForwardPath, Mailbox, ReversePath, split_path};

/// Written form and what is sent on.
const MAILBOXES: &[(&str, &str)] = &[
    ("bob@example.com", "bob@example.com"),
    ("Bob@EXAMPLE.com", "Bob@example.com"),
    ("bob@example.com.", "bob@example.com"),
    ("b.o.b@example.com", "b.o.b@example.com"),
    ("!#$%&'*+-/=?^_`{|}~@example.com", "!#$%&'*+-/=?^_`{|}~@example.com"),
    ("\"bob\"@example.com", "bob@example.com"),
    ("\"b\\o\\b\"@example.com", "bob@example.com"),
    ("\"b.o.b\"@example.com", "b.o.b@example.com"),
    ("\"\"@example.com", "\"\"@example.com"),
    ("\"b b\"@example.com", "\"b b\"@example.com"),
    ("\"b\\ b\"@example.com", "\"b b\"@example.com"),
    ("\"b..b\"@example.com", "\"b..b\"@example.com"),
    ("\".b\"@example.com", "\".b\"@example.com"),
    ("\"b.\"@example.com", "\"b.\"@example.com"),
    ("\"b@c\"@example.com", "\"b@c\"@example.com"),
    ("\"b\\@c\"@example.com", "\"b@c\"@example.com"),
    ("\"b\\\"c\\\\d\"@example.com", "\"b\\\"c\\\\d\"@example.com"),
    ("\"(),:;<>[]\"@example.com", "\"(),:;<>[]\"@example.com"),
    ("bücher@example.com", "bücher@example.com"),
    ("\"bücher\"@example.com", "bücher@example.com"),
    ("bob@bücher.example", "bob@xn--bcher-kva.example"),
    ("bob@[192.0.2.1]", "bob@[192.0.2.1]"),
    ("bob@[IPv6:2001:DB8::1]", "bob@[IPv6:2001:db8::1]"),
    ("bob@[ipv6:2001:db8:0:0:0:0:0:1]", "bob@[IPv6:2001:db8::1]"),
    ("bob@localhost", "bob@localhost"),
    ("bob@1.example", "bob@1.example"),
];

#[test]
fn a_mailbox_is_written_with_minimal_quoting_and_reads_back() {
    for (text, expected) in MAILBOXES {
        let mailbox = Mailbox::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(mailbox.to_string(), *expected, "{text}");
        assert_eq!(Mailbox::parse(expected).as_ref(), Ok(&mailbox), "{text}");
        let path = ReversePath::parse(&format!("<{text}>")).unwrap();
        assert_eq!(path.to_string(), format!("<{expected}>"));
        assert_eq!(path.mailbox(), Some(&mailbox));
        assert_eq!(path.domain(), Some(mailbox.domain().to_string()));
    }
}

#[test]
fn what_is_no_mailbox_is_refused_with_its_fault() {
    let table = [
        ("", Ambiguous),
        ("bob", Ambiguous),
        ("\"bob\"", Ambiguous),
        ("@", Ambiguous),
        ("@example.com", Ambiguous),
        ("bob@", Ambiguous),
        ("bob@.", Ambiguous),
        ("bob@@example.com", Ambiguous),
        ("bob@example.com@", Ambiguous),
        ("bob@.example.com", Ambiguous),
        ("bob@example..com", Ambiguous),
        ("bob@example.com..", Ambiguous),
        ("b\\ob@example.com", Ambiguous),
        ("\"b\"ob@example.com", Ambiguous),
        ("b\"ob\"@example.com", Ambiguous),
        ("b.\"ob\"@example.com", Ambiguous),
        ("\"b\".ob@example.com", Ambiguous),
        ("bob(x)@example.com", Ambiguous),
        ("bob@(x)example.com", Ambiguous),
        (".bob@example.com", Syntax),
        ("bob.@example.com", Syntax),
        ("b..b@example.com", Syntax),
        ("b b@example.com", Syntax),
        ("bob @example.com", Syntax),
        ("bob@ example.com", Syntax),
        ("b,c@example.com", Syntax),
        ("b:c@example.com", Syntax),
        ("b;c@example.com", Syntax),
        ("[b]@example.com", Syntax),
        ("<bob@example.com>", Syntax),
        ("\"bob@example.com", Syntax),
        ("\"bob\\", Syntax),
        ("\"b\\öb\"@example.com", Syntax),
        ("bob@exa_mple.com", Syntax),
        ("bob@-example.com", Syntax),
        ("bob@example-.com", Syntax),
        ("bob@exa mple.com", Syntax),
        ("bob@example.com:25", Syntax),
        ("bob@example.com/x", Syntax),
        ("bob@xn--a.example", Syntax),
        ("bob@XN--A.example", Syntax),
        ("bob@-bücher.example", Syntax),
        ("bob@bücher-.example", Syntax),
        ("bob@bü--cher.example", Syntax),
        ("bob@[192.0.2.1", Syntax),
        ("bob@[192.0.2.256]", Syntax),
        ("bob@[192.0.2.01]", Syntax),
        ("bob@[192.0.2.1]x", Syntax),
        ("bob@[]", Syntax),
        ("bob@[IPv6:2001:db8::g]", Syntax),
        ("bob@[IPv6:fe80::1%eth0]", Syntax),
        ("bob@[IPv6:]", Syntax),
        ("bob@[IPv4:192.0.2.1]", Syntax),
        ("bob@[tag:x]", Syntax),
        ("bob@[tag:>]", Syntax),
    ];
    for (text, expected) in table {
        let error = Mailbox::parse(text).expect_err(text);
        assert_eq!(error.fault, expected, "{text}: {error}");
        // What is no mailbox is no path either.
        assert!(ForwardPath::parse(&format!("<{text}>")).is_err(), "{text}");
        assert_eq!(ReversePath::parse(&format!("<{text}>")).is_err(), !text.is_empty(), "{text}");
    }
}

#[test]
fn control_characters_are_refused_everywhere() {
    for c in ('\0'..='\u{1f}').chain('\u{7f}'..='\u{9f}') {
        for text in [
            format!("bo{c}b@example.com"),
            format!("\"bo{c}b\"@example.com"),
            format!("\"bo\\{c}b\"@example.com"),
            format!("bob@exam{c}ple.com"),
            format!("bob@example.com{c}"),
            format!("{c}bob@example.com"),
            format!("bob@[192.0.2.1{c}]"),
        ] {
            assert_eq!(Mailbox::parse(&text).expect_err(&text).fault, Syntax, "{text:?}");
            assert_eq!(fault(&format!("<{text}>")), Syntax, "{text:?}");
            assert!(ReversePath::parse(&format!("<{text}>")).is_err(), "{text:?}");
        }
        assert!(Domain::parse(&format!("exam{c}ple.com")).is_err());
    }
}

#[test]
fn a_path_is_one_pair_of_brackets() {
    for text in ["", "<", ">", "bob@x.example", "<bob@x.example", "bob@x.example>"] {
        assert_eq!(fault(text), Syntax, "{text}");
        assert_eq!(ReversePath::parse(text).expect_err(text).fault, Syntax);
    }
    for text in ["<<bob@x.example>>", " <bob@x.example>", "<bob@x.example> ", "<>bob@x.example>"] {
        assert_eq!(fault(text), Syntax, "{text}");
        assert_eq!(ReversePath::parse(text).expect_err(text).fault, Syntax);
    }
    // Only a sender may be null.
    assert_eq!(fault("<>"), Ambiguous);
    assert_eq!(ReversePath::parse("<>"), Ok(ReversePath::Null));
    assert_eq!(ReversePath::Null.to_string(), "<>");
    assert_eq!(ReversePath::Null.domain(), None);
    assert!(ReversePath::Null.is_ascii() && ReversePath::Null.mailbox().is_none());
}

#[test]
fn a_sender_may_be_what_a_recipient_may_not() {
    for text in [
        "<u%d@relay.example>",
        "<d!u@relay.example>",
        "<\"u@d\"@relay.example>",
        "<\"u v,w\"@relay.example>",
        "<u@[192.0.2.1]>",
        "<u@10.1>",
        "<=?utf-8?q?u?=@relay.example>",
    ] {
        assert!(ReversePath::parse(text).is_ok(), "{text}");
        assert_eq!(fault(text), Ambiguous, "{text}");
    }
    // But not a source route, nor a name alone.
    assert!(ReversePath::parse("<@a.example:u@d.example>").is_err());
    assert!(ReversePath::parse("<root>").is_err());
}

#[test]
fn postmaster_alone_is_a_recipient_in_any_case() {
    let own = ["own.example".to_owned(), "XN--BCHER-KVA.example".to_owned()];
    for text in ["<postmaster>", "<Postmaster>", "<POSTMASTER>"] {
        let path = ForwardPath::parse(text).unwrap();
        assert_eq!(path, ForwardPath::Postmaster);
        assert_eq!(path.to_string(), "<postmaster>");
        assert!(path.is_postmaster(&own) && path.is_ascii() && path.mailbox().is_none());
        assert!(ReversePath::parse(text).is_err(), "a sender has a domain");
    }
    for text in [
        "<postmaster@own.example>",
        "<PostMaster@OWN.example.>",
        "<\"post\\master\"@own.example>",
        "<postmaster@bücher.example>",
    ] {
        assert!(ForwardPath::parse(text).unwrap().is_postmaster(&own), "{text}");
        assert!(!ForwardPath::parse(text).unwrap().is_postmaster(&[]), "{text}");
    }
    for text in ["<postmaster@else.example>", "<postmaster+x@own.example>", "<bob@own.example>"] {
        assert!(!ForwardPath::parse(text).unwrap().is_postmaster(&own), "{text}");
    }
    for text in ["<\"postmaster\">", "<postmaster@>", "<postmaster.>", "<postmaster >", "<abuse>"] {
        assert!(ForwardPath::parse(text).is_err(), "{text}");
    }
}

#[test]
fn a_path_is_cut_off_in_front_of_its_parameters() {
    let table = [
        ("<bob@x.example> NOTIFY=NEVER", Some(("<bob@x.example>", " NOTIFY=NEVER"))),
        ("<> SIZE=1", Some(("<>", " SIZE=1"))),
        ("<bob@x.example>", Some(("<bob@x.example>", ""))),
        ("<\"a> b\"@x.example> X", Some(("<\"a> b\"@x.example>", " X"))),
        ("<\"a\\\">b\"@x.example>X", Some(("<\"a\\\">b\"@x.example>", "X"))),
        ("<\"a\\\\\"@x.example> <b>", Some(("<\"a\\\\\"@x.example>", " <b>"))),
        ("<é@x.example> X", Some(("<é@x.example>", " X"))),
        ("<a\\>b", Some(("<a\\>", "b"))),
        ("bob@x.example", None),
        (" <bob@x.example>", None),
        ("<bob@x.example", None),
        ("<\"bob@x.example> ", None),
        ("<\"bob\\", None),
        ("", None),
    ];
    for (text, expected) in table {
        assert_eq!(split_path(text).ok(), expected, "{text}");
    }
}

#[test]
fn a_domain_is_compared_in_lower_case_a_labels() {
    let table = [
        ("Example.COM", "example.com"),
        ("example.com.", "example.com"),
        ("a-b.c--d.x1.example", "a-b.c--d.x1.example"),
        ("ab--cd.example", "ab--cd.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("bu\u{308}cher.example", "xn--bcher-kva.example"),
        ("XN--BCHER-KVA.Example", "xn--bcher-kva.example"),
        ("ｂüｃｈｅｒ．ｅｘａｍｐｌｅ", "xn--bcher-kva.example"),
        ("faß.example", "xn--fa-hia.example"),
        ("例え。テスト", "xn--r8jz45g.xn--zckzah"),
        ("例え.テスト。", "xn--r8jz45g.xn--zckzah"),
        ("نامه\u{200c}ای.example", "xn--mgba3gch31f060k.example"),
        ("[192.0.2.1]", "[192.0.2.1]"),
    ];
    for (text, expected) in table {
        let domain = Domain::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(domain.to_string(), expected, "{text}");
        assert_eq!(Domain::parse(expected), Ok(domain), "{text}");
    }
}

#[test]
fn an_error_tells_what_is_wrong_and_nothing_of_the_address() {
    let table = [
        ("<SECRET>", "ambiguous address: no domain"),
        ("<SECRET@SECRET@SECRET>", "ambiguous address: more than one at sign"),
        (
            "<SECRET..SECRET@x>",
            "not an address: a dot at the start or end of the local part, or two in a row",
        ),
        ("<SECRET@[SECRET]>", "not an address: not a valid address literal"),
        ("<SECRET\r\n@x>", "not an address: a control character"),
    ];
    for (text, message) in table {
        let error = ForwardPath::parse(text).unwrap_err();
        assert_eq!(error.to_string(), message);
        assert!(message.ends_with(error.reason()));
    }
    let long = format!("<{}@x.example>", "a".repeat(65));
    let error = ForwardPath::parse(&long).unwrap_err();
    assert_eq!(error.to_string(), "address too long: a local part of more than 64 octets");
}
