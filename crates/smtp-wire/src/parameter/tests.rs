//! Through the parser of commands, as they come.

use super::{Body, MailParams, Notify, ParamError, RcptParams, Ret};
use crate::command::{Command, CommandError};
use crate::extension::{Capabilities, Offered};
use crate::verb::parse;

fn everything() -> Offered {
    Capabilities {
        size: Some(0),
        eight_bit_mime: true,
        smtputf8: true,
        dsn: true,
        no_soliciting: Some(crate::Solicitation::default()),
        ..Capabilities::default()
    }
}

fn read(line: &str) -> Result<Command, CommandError> {
    parse(line.as_bytes(), &everything())
}

fn mail_params(params: &str) -> Result<MailParams, CommandError> {
    match read(&format!("MAIL FROM:<a@b.example> {params}"))? {
        Command::Mail { params, .. } => Ok(params),
        other => panic!("{other:?}"),
    }
}

fn rcpt_params(params: &str) -> Result<RcptParams, CommandError> {
    match read(&format!("RCPT TO:<a@b.example> {params}"))? {
        Command::Rcpt { params, .. } => Ok(params),
        other => panic!("{other:?}"),
    }
}

fn bad(keyword: &'static str) -> CommandError {
    CommandError::Parameter(ParamError::BadValue(keyword))
}

/// Standards A-T6, A-T7, A-T13.
#[test]
fn solicitation_keywords() {
    for right in ["a", "org.example:ADV:ADLT", "a-b_c.d:1,B"] {
        let params = mail_params(&format!("SOLICIT={right}")).unwrap();
        assert_eq!(params.solicit.unwrap().as_str(), right);
    }
    for wrong in ["1x:y", "a:b,,c", ",a", "a,", "a:b,1c", "a+b", "a/b", "a;b"] {
        assert_eq!(mail_params(&format!("SOLICIT={wrong}")), Err(bad("SOLICIT")), "{wrong}");
    }
    assert_eq!(mail_params("SOLICIT"), Err(bad("SOLICIT")));
    let malformed = |params| {
        let expected = Err(CommandError::Parameter(ParamError::Malformed));
        assert_eq!(mail_params(params), expected, "{params}");
    };
    malformed("SOLICIT=");
    malformed("SOLICIT=a=b");
    // With a blank the rest is another parameter, which nobody knows.
    assert!(mail_params("SOLICIT=a:b, c:d").is_err());
    let longest = format!("a{}", "b".repeat(999));
    let params = mail_params(&format!("SOLICIT={longest}")).unwrap();
    assert_eq!(params.solicit.unwrap().as_str(), longest);
    assert_eq!(mail_params(&format!("SOLICIT={longest}b")), Err(bad("SOLICIT")));
    let twice = Err(CommandError::Parameter(ParamError::Duplicate("SOLICIT")));
    assert_eq!(mail_params("SOLICIT=a SOLICIT=a"), twice);
    let alone = parse(b"MAIL FROM:<a@b.example> SOLICIT=a", &Capabilities::default());
    assert_eq!(alone, Err(CommandError::UnknownParameter("SOLICIT".into())));
}

#[test]
fn parameters_of_mail() {
    assert_eq!(
        mail_params(
            "size=1024 body=8bitmime smtputf8 ret=hdrs ENVID=QQ+2B314159 \
             solicit=net.example:ADV,org.example:ADV:ADLT"
        ),
        Ok(MailParams {
            size: Some(1024),
            body: Some(Body::EightBitMime),
            smtputf8: true,
            ret: Some(Ret::Hdrs),
            envid: Some("QQ+2B314159".into()),
            solicit: crate::Solicitation::parse("net.example:ADV,org.example:ADV:ADLT"),
            auth: None,
        })
    );
    // Standards B-T28.
    assert_eq!(mail_params("SIZE=0").unwrap().size, Some(0));
    for wrong in ["SIZE=", "SIZE", "SIZE=abc", "SIZE=-1", "SIZE=123456789012345678901"] {
        let expected = if wrong.ends_with('=') {
            CommandError::Parameter(ParamError::Malformed)
        } else {
            bad("SIZE")
        };
        assert_eq!(mail_params(wrong), Err(expected), "{wrong}");
    }
    for wrong in ["BODY", "BODY=BINARYMIME", "BODY=8BIT", "BODY=\u{fc}"] {
        assert_eq!(mail_params(wrong), Err(bad("BODY")), "{wrong}");
    }
    assert_eq!(mail_params("RET=ALL"), Err(bad("RET")));
    assert_eq!(mail_params("SMTPUTF8=1"), Err(bad("SMTPUTF8")));
}

#[test]
fn who_submitted_first_is_read_where_auth_is_offered() {
    // RFC 4954 s5.
    let offered = Offered { auth: vec!["PLAIN".into()], ..everything() };
    let read = |value: &str| match parse(format!("MAIL FROM:<> {value}").as_bytes(), &offered) {
        Ok(Command::Mail { params, .. }) => Ok((params.auth.clone(), params.to_string())),
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err(error),
    };
    for fine in ["<>", "e+3Dmc2@example.com"] {
        let rendered = format!(" AUTH={fine}");
        assert_eq!(read(&format!("auth={fine}")), Ok((Some(fine.to_owned()), rendered)));
    }
    for wrong in ["AUTH", "AUTH=a+0Ab", "AUTH=a+", "AUTH=\u{fc}"] {
        assert_eq!(read(wrong), Err(bad("AUTH")), "{wrong}");
    }
    assert_eq!(read(&format!("AUTH={}", "x".repeat(501))), Err(bad("AUTH")));
}

#[test]
fn parameters_of_rcpt() {
    // Standards B-T32.
    assert_eq!(rcpt_params("NOTIFY=never").unwrap().notify, Some(Notify::Never));
    assert_eq!(
        rcpt_params("NOTIFY=Delay,SUCCESS").unwrap().notify,
        Some(Notify::On { success: true, failure: false, delay: true })
    );
    for wrong in ["NEVER,SUCCESS", "SUCCESS,NEVER", "SUCCESS,", ",", "SUCCESS;DELAY", "X"] {
        assert_eq!(rcpt_params(&format!("NOTIFY={wrong}")), Err(bad("NOTIFY")), "{wrong}");
    }
    let kept = "RFC822;Bob+2B+40B.Example";
    assert_eq!(rcpt_params(&format!("orcpt={kept}")).unwrap().orcpt.as_deref(), Some(kept));
}

#[test]
fn a_parameter_is_given_once() {
    for (params, keyword) in
        [("SIZE=1 SIZE=1", "SIZE"), ("SMTPUTF8 smtputf8", "SMTPUTF8"), ("ENVID=a envid=b", "ENVID")]
    {
        let expected = CommandError::Parameter(ParamError::Duplicate(keyword));
        assert_eq!(mail_params(params), Err(expected), "{params}");
    }
    let expected = CommandError::Parameter(ParamError::Duplicate("ORCPT"));
    assert_eq!(rcpt_params("ORCPT=rfc822;a ORCPT=rfc822;a"), Err(expected));
}

#[test]
fn only_what_is_offered_is_known() {
    // Standards B-T33.
    for (params, keyword) in [
        ("FOO=bar", "FOO"),
        ("foo", "FOO"),
        ("AUTH=<>", "AUTH"),
        ("NOTIFY=NEVER", "NOTIFY"),
        ("REQUIRETLS", "REQUIRETLS"),
    ] {
        assert_eq!(mail_params(params), Err(CommandError::UnknownParameter(keyword.into())));
    }
    assert_eq!(rcpt_params("SIZE=1"), Err(CommandError::UnknownParameter("SIZE".into())));
    let nothing = Offered::default();
    for keyword in ["SIZE=1", "BODY=7BIT", "SMTPUTF8", "RET=FULL", "ENVID=a"] {
        let line = format!("MAIL FROM:<> {keyword}");
        let name = keyword.split('=').next().unwrap().to_owned();
        assert_eq!(parse(line.as_bytes(), &nothing), Err(CommandError::UnknownParameter(name)));
    }
    for keyword in ["NOTIFY=NEVER", "ORCPT=rfc822;a"] {
        let line = format!("RCPT TO:<a@b.example> {keyword}");
        let name = keyword.split('=').next().unwrap().to_owned();
        assert_eq!(parse(line.as_bytes(), &nothing), Err(CommandError::UnknownParameter(name)));
    }
    let long = "X".repeat(3000);
    assert_eq!(mail_params(&long), Err(CommandError::UnknownParameter("X".repeat(32))));
}

#[test]
fn malformed_parameters_are_malformed() {
    for wrong in ["=", "=x", "-A=x", "A_B=x", "SIZE=1=2", "SIZE==", "<x>", "\u{fc}=1"] {
        let expected = CommandError::Parameter(ParamError::Malformed);
        assert_eq!(mail_params(wrong), Err(expected), "{wrong}");
    }
}

#[test]
fn xtext_is_printable_and_its_hexadecimals_are_upper_case() {
    for fine in ["a", "+20", "+7E", "a+2Bb+3Dc", "!~", "\\{}"] {
        assert!(mail_params(&format!("ENVID={fine}")).is_ok(), "{fine}");
    }
    // Exim CVE-2020-28026: a line break that hides in hexadecimals.
    for wrong in
        ["+", "+2", "+2b", "+GG", "+0A", "+0D", "+00", "+7F", "+FF", "a+", "\u{fc}", "++41"]
    {
        assert_eq!(mail_params(&format!("ENVID={wrong}")), Err(bad("ENVID")), "{wrong}");
    }
    for (length, fits) in [(99, true), (100, true), (101, false)] {
        assert_eq!(mail_params(&format!("ENVID={}", "x".repeat(length))).is_ok(), fits, "{length}");
    }
}

#[test]
fn original_recipients_have_a_type_and_at_most_500_octets() {
    for (length, fits) in [(499, true), (500, true), (501, false)] {
        let value = format!("rfc822;{}", "x".repeat(length - 7));
        assert_eq!(rcpt_params(&format!("ORCPT={value}")).is_ok(), fits, "{length}");
    }
    for fine in
        ["rfc822;", "x400;/G+3Dx/", "utf-8;j\\x{FC}rgen@x.example", "utf-8;j\u{fc}rgen@x.example"]
    {
        let params = rcpt_params(&format!("ORCPT={fine}")).unwrap();
        assert_eq!(params.orcpt.as_deref(), Some(fine));
    }
    for wrong in [
        "rfc822",
        ";a",
        "rfc 822;a",
        "rf(c;a",
        "rfc822;j\u{fc}rgen@x.example",
        "utf-8;a\u{a0}b",
        "utf-8;a\u{2028}b",
    ] {
        assert!(rcpt_params(&format!("ORCPT={wrong}")).is_err(), "{wrong}");
    }
    let ascii = Offered { smtputf8: false, ..everything() };
    let line = "RCPT TO:<a@b.example> ORCPT=utf-8;j\u{fc}rgen@x.example";
    assert_eq!(parse(line.as_bytes(), &ascii), Err(bad("ORCPT")));
}
