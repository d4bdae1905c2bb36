use address::{AddressFault, ForwardPath, ReversePath};
use proptest::prelude::*;

use super::{Argument, Group, Needs, VERBS, Verb, parse};
use crate::command::{Command, CommandError, PathVerb};
use crate::extension::{Capabilities, Offered};
use crate::parameter::{MailParams, ParamError, RcptParams};

fn everything() -> Offered {
    Capabilities {
        size: Some(0),
        eight_bit_mime: true,
        smtputf8: true,
        dsn: true,
        ..Capabilities::default()
    }
}

fn read(line: &str) -> Result<Command, CommandError> {
    parse(line.as_bytes(), &everything())
}

#[test]
fn the_table_is_sound() {
    for (at, verb) in VERBS.iter().enumerate() {
        assert_eq!(verb.name, verb.name.to_ascii_uppercase());
        assert!(VERBS[at + 1..].iter().all(|other| other.name != verb.name), "{}", verb.name);
        let argument = if verb.argument == Argument::Forbidden { "" } else { " x" };
        let line = format!("{}{argument}", verb.name);
        if let Ok(command) = parse(line.as_bytes(), &everything()) {
            let own = Verb::named(command.name()).expect("every command has a row");
            assert_eq!((own.group, own.needs), (verb.group, verb.needs), "{line}");
        }
    }
}

#[test]
fn what_may_stand_within_a_group() {
    // RFC 2920 s3.1.
    let anywhere: Vec<_> =
        Verb::all().filter(|verb| verb.group == Group::Anywhere).map(|verb| verb.name).collect();
    assert_eq!(anywhere, ["MAIL", "RCPT", "RSET", "SEND", "SOML", "SAML"]);
    assert!(!read("RSET").unwrap().ends_group());
    assert!(read("DATA").unwrap().ends_group());
}

#[test]
fn what_needs_no_greeting() {
    // RFC 5321 s4.1.4.
    for line in ["NOOP", "HELP", "EXPN x", "VRFY x", "RSET", "QUIT", "EHLO x"] {
        assert_eq!(read(line).unwrap().needs(), Needs::Nothing, "{line}");
    }
    assert_eq!(read("MAIL FROM:<>").unwrap().needs(), Needs::Hello);
    assert_eq!(read("DATA").unwrap().needs(), Needs::Transaction);
}

#[test]
fn xclient_is_one_only_where_it_is_offered() {
    let offered = Offered { xclient: vec!["ADDR".into()], ..everything() };
    let command = parse(b"xclient addr=192.0.2.1", &offered).unwrap();
    assert_eq!(command.to_string(), "XCLIENT ADDR=192.0.2.1");
    assert!(command.ends_group());
    assert_eq!(parse(b"XCLIENT", &offered), Err(CommandError::ArgumentMissing));
    assert!(matches!(parse(b"XCLIENT ADDR=x", &offered), Err(CommandError::Parameter(_))));
    assert_eq!(read("XCLIENT ADDR=x"), Ok(Command::NotImplemented("XCLIENT")));
}

#[test]
fn verbs_are_read_in_any_case() {
    for (line, expected) in [
        ("data", Command::Data),
        ("rSeT", Command::Rset),
        ("quit", Command::Quit),
        ("noop", Command::Noop),
        ("noop anything at all", Command::Noop),
        ("help", Command::Help),
        ("HELP mail", Command::Help),
        ("starttls", Command::StartTls),
        ("vrfy Someone <x@y>", Command::Vrfy("Someone <x@y>".into())),
        ("bdat 5 LAST", Command::Bdat),
        ("BDAT -1", Command::Bdat),
        ("expn list", Command::NotImplemented("EXPN")),
        ("xclient ADDR=1.2.3.4", Command::NotImplemented("XCLIENT")),
        ("XFORWARD NAME=x", Command::NotImplemented("XFORWARD")),
        ("TURN", Command::NotImplemented("TURN")),
        ("GET / HTTP/1.1", Command::Http),
        ("POST /x HTTP/1.0", Command::Http),
        ("PRI * HTTP/2.0", Command::Http),
    ] {
        assert_eq!(read(line), Ok(expected), "{line}");
    }
}

#[test]
fn unknown_verbs_are_unknown() {
    for line in ["", " ", "FOO", "XFOO bar", "LHLO x", " DATA", "DATA\u{b}", "MAILFROM:<>", "RCPT:"]
    {
        let expected = if line.contains('\u{b}') {
            CommandError::Syntax("control character in a command")
        } else {
            CommandError::Unknown
        };
        assert_eq!(read(line), Err(expected), "{line:?}");
    }
}

#[test]
fn arguments_are_needed_or_forbidden() {
    for line in ["RSET x", "DATA x", "QUIT x", "STARTTLS x", "DATA\u{20} ."] {
        assert_eq!(read(line), Err(CommandError::ArgumentForbidden), "{line}");
    }
    for line in ["EHLO", "HELO ", "MAIL", "RCPT", "VRFY", "AUTH"] {
        assert_eq!(read(line), Err(CommandError::ArgumentMissing), "{line}");
    }
}

#[test]
fn trailing_white_space_is_tolerated() {
    for line in ["DATA ", "DATA\t", "QUIT \t ", "MAIL FROM:<>  \t", "EHLO a "] {
        assert!(read(line).is_ok(), "{line:?}");
    }
    assert_eq!(read("EHLO a "), Ok(Command::Ehlo("a".into())));
}

#[test]
fn octets_that_are_no_utf8_are_told_apart() {
    for line in
        [&b"NOOP \xff"[..], b"MAIL FROM:<\xc0\xae@b.example>", b"\x80", b"VRFY \xed\xa0\x80"]
    {
        assert_eq!(parse(line, &everything()), Err(CommandError::EightBit), "{line:?}");
    }
    // UTF-8 where no address can be.
    for line in ["NOOP \u{fc}", "F\u{d6}\u{d6}", "DATA \u{fc}", "AUTH \u{fc}", "QUIT\u{a0}"] {
        assert_eq!(read(line), Err(CommandError::EightBit), "{line:?}");
    }
    assert_eq!(read("VRFY \u{fc}"), Ok(Command::Vrfy("\u{fc}".into())));
}

#[test]
fn control_characters_are_in_no_command() {
    for control in ["\0", "\t", "\r", "\n", "\u{1b}", "\u{7f}", "\u{85}"] {
        for line in [format!("VRFY a{control}b"), format!("RCPT TO:<a{control}b@c.example>")] {
            let expected = CommandError::Syntax("control character in a command");
            assert_eq!(read(&line), Err(expected), "{line:?}");
        }
    }
}

#[test]
fn host_names_are_read_liberally_but_stay_one_safe_word() {
    // Standards B-T4.
    for name in
        ["x", "mail.example.com", "bad_name", "[192.0.2.1]", "[IPv6:::1]", "user@host", "-.-"]
    {
        assert_eq!(read(&format!("EHLO {name}")), Ok(Command::Ehlo(name.into())));
        assert_eq!(read(&format!("HELO {name}")), Ok(Command::Helo(name.into())));
    }
    for name in ["a b", "a(b)", "a;b", "<a>", "a,b", "a\"b", "a\\b", "b\u{fc}cher.example"] {
        assert!(matches!(read(&format!("EHLO {name}")), Err(CommandError::Syntax(_))), "{name}");
    }
    for (length, fits) in [(254, true), (255, true), (256, false)] {
        assert_eq!(read(&format!("EHLO {}", "x".repeat(length))).is_ok(), fits, "{length}");
    }
}

#[test]
fn paths_are_read_with_their_leniencies() {
    let from = ReversePath::parse("<a@b.example>").unwrap();
    let expected = Command::Mail { from, params: MailParams::default() };
    for line in [
        "MAIL FROM:<a@b.example>",
        "mail from:<a@b.example>",
        "MAIL FROM: <a@b.example>",
        "MAIL  FROM:  <a@b.example> ",
    ] {
        assert_eq!(read(line), Ok(expected.clone()), "{line}");
    }
    let null = Command::Mail { from: ReversePath::Null, params: MailParams::default() };
    assert_eq!(read("MAIL FROM:<>"), Ok(null));
    for line in ["RCPT TO:<postmaster>", "RCPT TO: <PostMaster>"] {
        let to = ForwardPath::Postmaster;
        assert_eq!(read(line), Ok(Command::Rcpt { to, params: RcptParams::default() }), "{line}");
    }
}

#[test]
fn what_is_no_path_is_a_syntax_error() {
    for line in [
        "MAIL x",
        "MAIL FROM",
        "MAIL TO:<a@b.example>",
        "MAIL FROM <a@b.example>",
        "MAIL FROM :<a@b.example>",
        "RCPT FROM:<a@b.example>",
        "RCPT TO:<a@b.example>NOTIFY=NEVER",
        "RCPT TO:<a@b.example>>",
        "RCPT T\u{d6}:<a@b.example>",
    ] {
        assert!(matches!(read(line), Err(CommandError::Syntax(_))), "{line}: {:?}", read(line));
    }
}

#[test]
fn a_bad_address_names_its_command_and_its_fault() {
    let fault = |line: &str| match read(line) {
        Err(CommandError::Address { verb, error }) => (verb, error.fault),
        other => panic!("{line}: {other:?}"),
    };
    use AddressFault::{Ambiguous, Syntax};
    assert_eq!(fault("MAIL FROM:a@b.example"), (PathVerb::Mail, Syntax));
    assert_eq!(fault("MAIL FROM:<a@b.example"), (PathVerb::Mail, Syntax));
    assert_eq!(fault("MAIL FROM:"), (PathVerb::Mail, Syntax));
    assert_eq!(fault("RCPT TO:<\"a@b.example> SIZE=1"), (PathVerb::Rcpt, Syntax));
    assert_eq!(fault("RCPT TO:<>"), (PathVerb::Rcpt, Ambiguous));
    assert_eq!(fault("RCPT TO:<a%c.example@b.example>"), (PathVerb::Rcpt, Ambiguous));
    assert_eq!(fault("RCPT TO:<@x.example:a@b.example>"), (PathVerb::Rcpt, Ambiguous));
}

#[test]
fn a_quoted_bracket_does_not_end_a_path() {
    let Ok(Command::Mail { from, params }) = read("MAIL FROM:<\"a\\\"> b\"@c.example> SIZE=5")
    else {
        panic!("a command was expected")
    };
    assert_eq!(from, ReversePath::parse("<\"a\\\"> b\"@c.example>").unwrap());
    assert_eq!(params.size, Some(5));
}

#[test]
fn one_rcpt_has_one_path() {
    for line in ["RCPT TO:<a@b.example> <c@d.example>", "RCPT TO:<a@b.example> TO:<c@d.example>"] {
        assert_eq!(read(line), Err(CommandError::Parameter(ParamError::Malformed)), "{line}");
    }
}

#[test]
fn authentication_is_read_but_not_judged() {
    let auth = |mechanism: &str, initial: Option<&str>| {
        Ok(Command::Auth { mechanism: mechanism.into(), initial: initial.map(str::to_owned) })
    };
    assert_eq!(read("AUTH login"), auth("LOGIN", None));
    assert_eq!(read("AUTH PLAIN ="), auth("PLAIN", Some("=")));
    assert_eq!(read("AUTH PLAIN AHRpbQB0aW0="), auth("PLAIN", Some("AHRpbQB0aW0=")));
    // Standards B13.1 and B-T25.
    for wrong in [
        "AUTH a;b",
        "AUTH PLAIN =AAA",
        "AUTH PLAIN AAA=BBB",
        "AUTH PLAIN AAA",
        "AUTH PLAIN A B",
        "AUTH PLAIN ====",
        "AUTH PLAIN A===",
    ] {
        assert!(matches!(read(wrong), Err(CommandError::Syntax(_))), "{wrong}");
    }
}

#[test]
fn a_command_is_written_as_it_is_meant() {
    let mut out = Vec::new();
    read("rcpt to: <\"a\"@B.example>  notify=failure  ORCPT=rfc822;A").unwrap().encode(&mut out);
    assert_eq!(out, b"RCPT TO:<a@b.example> NOTIFY=FAILURE ORCPT=rfc822;A\r\n");
}

fn command_line() -> impl Strategy<Value = String> {
    let local = prop_oneof!["[a-zA-Z0-9+]{1,8}", "[a-zA-Z0-9.+\"\\\\ @%-]{0,12}"];
    let path = prop_oneof![
        (local, "[a-z]{1,5}(\\.[a-z]{1,5}){0,2}")
            .prop_map(|(local, host)| format!("<{local}@{host}>")),
        Just("<>".to_owned()),
        Just("<postmaster>".to_owned()),
    ];
    let param = prop::sample::select(vec![
        "SIZE=12",
        "BODY=7BIT",
        "body=8BITMIME",
        "SMTPUTF8",
        "RET=FULL",
        "ENVID=a+2Bb",
        "NOTIFY=NEVER",
        "notify=success,delay",
        "ORCPT=rfc822;A+40b",
        "X=1",
        "SIZE=",
        "",
    ]);
    let params = prop::collection::vec(param, 0..4).prop_map(|params| params.join(" "));
    prop_oneof![
        (path.clone(), params.clone())
            .prop_map(|(path, params)| format!("MAIL FROM:{path} {params}")),
        (path, params).prop_map(|(path, params)| format!("RCPT TO:{path} {params}")),
        "[ -~]{0,20}",
        "(ehlo|HELO|VRFY|AUTH) [!-~]{1,12}( [A-Za-z0-9=]{0,8})?",
        "(DATA|rset|NOOP|QUIT|HELP|STARTTLS|BDAT|EXPN|GET)",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn reading_is_the_inverse_of_writing(line in command_line()) {
        if let Ok(command) = read(&line) {
            let mut out = Vec::new();
            command.encode(&mut out);
            let written = out.strip_suffix(b"\r\n").unwrap();
            prop_assert!(!written.contains(&b'\r') && !written.contains(&b'\n'));
            prop_assert_eq!(parse(written, &everything()), Ok(command));
        }
    }

    #[test]
    fn whatever_a_line_is_it_does_no_harm(line in prop::collection::vec(any::<u8>(), 0..80)) {
        if let Ok(command) = parse(&line, &everything()) {
            prop_assert!(Verb::named(command.name()).is_some());
        }
    }
}
