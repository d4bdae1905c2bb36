//! Values of `From` as programs write them, and as nobody should.

use super::hidden::ENCODED_MAX;
use super::*;

fn judge(value: &str) -> Result<(), AuthorFault> {
    check_authors(value, &["corp.example".parse().unwrap(), "*.corp.example".parse().unwrap()])
}

#[test]
fn what_programs_write_is_read() {
    for value in [
        "a@corp.example",
        " a@corp.example ",
        "<a@corp.example>",
        "John Q. Public <john@Corp.Example>",
        "\"Public, John\" <john@corp.example>",
        "\"a \\\" quote\" <john@corp.example>",
        "\"ceo@bank.example\" <john@corp.example>",
        "=?utf-8?q?M=C3=BCller=2C_Hans?= <hans@corp.example>",
        "=?utf-8?q?M=C3=BCller=2C_Hans?= <hans@corp.example>, \"B\" <b@corp.example>",
        "=?utf-8?q?=22M=C3=BCller=22_=28Sales=29?= <hans@corp.example>",
        "=?utf-8?q?info=40corp.example?= <info@corp.example>",
        "\"=?utf-8*en?q?info=40corp.example?=\" <info@corp.example>",
        "=?utf-8?B?aW5mb0Bjb3JwLmV4YW1wbGU=?=\t<info@corp.example>",
        "=?ISO_8859-15?q?M=FCller?= <hans@corp.example>",
        "=?windows-1252?q?M=FCller?= <hans@corp.example>",
        "=?cp866?q?M=81ller?= <hans@corp.example>",
        "=?Shift_JIS?b?jlKTY4FAkb6YWQ==?= <taro@corp.example>",
        "=?gbk?q?=81=40?= <a@corp.example>",
        "=?big5?q?=A1=40?= <a@corp.example>",
        "=?ISO-2022-JP?B?GyRCPD4bKEI=?= <hans@corp.example>",
        "=?iso-2022-jp?q?Yamada_=1B$B=3C=3E=1B=28B_Taro?= <hans@corp.example>",
        "=?iso-2022-kr?q?=1B$=29C=0E=3C=3E=0F_Kim?= <hans@corp.example>",
        "=?utf-8?b?SGFucw?= <hans@corp.example>",
        "M\u{fc}ller <hans@corp.example>",
        "root@corp.example (Cron Daemon)",
        "(one (two)) root@corp.example\t(three \\) four)",
        "\"quoted local\"@corp.example",
        "X <\"quoted local\"@corp.example>",
        "a@corp.example, B <b@mail.corp.example>",
        "Team: a@corp.example, b@corp.example;",
        "Team:a@corp.example;,b@corp.example",
        "\u{30c1}\u{30fc}\u{30e0}: <a@corp.example> ;",
    ] {
        assert_eq!(judge(value), Ok(()), "{value}");
    }
}

#[test]
fn an_author_elsewhere_is_seen_wherever_it_stands() {
    for value in [
        "a@bank.example",
        "a@corp.example.bank.example",
        "\"a@corp.example\" <a@bank.example>",
        "a@corp.example, b@bank.example",
        "Team: a@corp.example, b@bank.example;",
        "Team: a@corp.example;, b@bank.example",
        "=?utf-8?q?a=40corp.example?= <b@bank.example>",
        "=?utf-8?q?b=40bank.example?= <a@corp.example>",
        "\"=?utf-8?q?b=40bank.example?=\" <a@corp.example>",
        "=?utf-8?B?Q0VPQGJhbmsuZXhhbXBsZQ==?= <hans@corp.example>",
        "a@bank.example (a@corp.example)",
        "a@[192.0.2.1]",
    ] {
        assert_eq!(judge(value), Err(AuthorFault::Foreign), "{value}");
    }
}

#[test]
fn what_could_be_read_in_two_ways_is_not_read() {
    for value in [
        "root",
        "\"a@corp.example\"@bank.example",
        "\"b@bank.example,\"@corp.example",
        "X <\"b@bank.example>\"@corp.example>",
        "<>",
        "Joe <>",
        "Doe, John <john@corp.example>",
        "a@corp.example <b@bank.example>",
        "a@corp.example b@bank.example",
        "<a@corp.example> <b@bank.example>",
        "<a@corp.example>, ",
        ",a@corp.example",
        "a@corp.example,,b@corp.example",
        "<@bank.example:a@corp.example>",
        "<a@corp.example,b@bank.example>",
        "<b@bank.example <a@corp.example>>",
        "a@bank.example@corp.example",
        "a @corp.example",
        "a@ corp.example",
        "a@corp. example",
        "a@(x)corp.example",
        "a(x)@corp.example",
        "a b@corp.example",
        "< a@corp.example >",
        "\"b@bank.example> <\" <a@corp.example>",
        "\"\\<b@bank.example\\>\" <a@corp.example>",
        "(<b@bank.example>) a@corp.example",
        "a@corp.example (\\<b@bank.example\\>)",
        "a@corp.example (never closed",
        "a@corp.example )",
        "((((((deep)))))) a@corp.example",
        "\"never closed <a@corp.example>",
        "=?utf-8?q?b=40bank.example=3E?= <a@corp.example>",
        "=?utf-8?b?YkBiYW5rLmV4YW1wbGU+?= <a@corp.example>",
        "=?utf-8?b?YkBiYW5rLmV4YW1wbGU+IA?= <a@corp.example>",
        "=?utf-8?b?PHhAYmFuay5leGFtcGxl*Pg==?= <a@corp.example>",
        "=?utf-8?b?PHhA YmFuay5leGFtcGxlPg==?= <a@corp.example>",
        "=?utf-8?b?Pg===?= <a@corp.example>",
        "=?iso-2022-jp?q?=3Cx=40bank.example=3E?= <a@corp.example>",
        "=?ISO-2022-JP?b?PHhAYmFuay5leGFtcGxlPiwg?= <a@corp.example>",
        "=?iso-2022-jp?q?=1B$B%F%9%H=1B=28B=3Cx=40bank.example=3E?= <a@corp.example>",
        "=?iso-2022-jp?q?=1B=28J=3C?= <a@corp.example>",
        "=?iso-2022-jp?q?=1B$=29C=0E=3C=0F?= <a@corp.example>",
        "=?iso-2022-kr?q?=1B$=29C=3Cx=40bank.example=3E?= <a@corp.example>",
        "=?iso-2022-kr?q?=1B$B=3Cx=40bank.example=3E?= <a@corp.example>",
        "=?iso-2022-kr?q?=0E=3C=0F?= <a@corp.example>",
        "=?iso-2022-kr?q?=1B$=29C=0Ex=0F=3C?= <a@corp.example>",
        "=?utf-8?b?YWE?= =?utf-8?b?8eEBiYW5rLmV4YW1wbGU+?= <a@corp.example>",
        "=?iso-2022-jp?q?=1BX=3C?= <a@corp.example>",
        "=?iso-2022-jp?q?x=1B?= <a@corp.example>",
        "=?iso-2022-jp?q?=1B$B%F=0A?= <a@corp.example>",
        "=?utf-8*en?Q?=3cb=40bank.example?= <a@corp.example>",
        "=?utf-7?q?+ADw-?= <a@corp.example>",
        "=?utf7?q?+ADw-?= <a@corp.example>",
        "=?U7?q?x?= <a@corp.example>",
        "=?unicode-1-1-utf-7?q?+ADw-x+AEA-bank.example+AD4-?= <a@corp.example>",
        "=?csUnicode11UTF7?q?+ADw-?= <a@corp.example>",
        "=?cp037?q?L=A7=7C=85=4B=85n?= <a@corp.example>",
        "=?ibm037?q?L=A7=7C=85=4B=85n?= <a@corp.example>",
        "=?IBM-1140*de?q?L=A7=7C=85=4B=85n?= <a@corp.example>",
        "=?utf-16be?q?x?= <a@corp.example>",
        "=?unicode_escape?q?=5Cx3cx?= <a@corp.example>",
        "=?x-mac-arabic?q?=BCx=40bank.example=BE?= <a@corp.example>",
        "=?hz-gb-2312?q?x?= <a@corp.example>",
        "=?iso-8859-12?q?x?= <a@corp.example>",
        "=??q?x?= <a@corp.example>",
        "=?utf-8?q?x=40bank.example=2C_y?= <a@corp.example>",
        "=?utf-8?q?x=40bank.example=2C?= =?utf-8?q?y?= <a@corp.example>",
        "=?utf-8?q?x=40corp.example?= bank.example <a@corp.example>",
        "=?utf-8?q?x=40corp.example?= =?utf-8?q?.bank.example?= <a@corp.example>",
        "=?utf-8?q?x=40?= bank.example <a@corp.example>",
        "=?utf-8?q?x_=40_bank.example?= <a@corp.example>",
        "\"x@bank.example\" =?utf-8?q?=2C?= <a@corp.example>",
        "\"=?utf-8?q?=22?= x@bank.example, \" <a@corp.example>",
        "(=?utf-8?q?=29?= x@bank.example =?utf-8?q?=28?=) a@corp.example",
        "<=?utf-8?q?x=40bank.example=2C?=@corp.example>",
        "=?utf-8?q?x=40bank.example_?=@corp.example",
        "=?utf-8?q?x?=@corp.example",
        "=?Shift_JIS?q?=82=40bank.example?= <a@corp.example>",
        "=?Shift_JIS?q?=8E=52=40bank.example?= <a@corp.example>",
        "=?gb18030?q?=A1=40bank.example?= <a@corp.example>",
        "=?big5?q?=C7=40bank.example?= <a@corp.example>",
        "x =?utf-8?q?=00?= <a@corp.example>",
        "(=?utf-8?q?=3C?=) a@corp.example",
        "=?utf-8?q?a=40corp.example?=",
        "Team: a@corp.example",
        "Team: Other: a@corp.example;;",
        ": a@corp.example;",
        "a@corp.example;",
        "a\\@corp.example <a@corp.example>",
        "a@corp.example\u{0}",
        "a@corp\u{fffd}.example",
        "a%bank.example@",
        "[a@corp.example]",
    ] {
        assert_eq!(judge(value), Err(AuthorFault::Unreadable), "{value}");
    }
}

#[test]
fn nobody_is_no_author() {
    for value in ["", "  ", "(nobody)", "undisclosed:;", "undisclosed: (x) ;"] {
        assert_eq!(judge(value), Err(AuthorFault::Missing), "{value}");
    }
}

#[test]
fn what_is_read_has_no_other_domain_behind_any_at_sign() {
    let pieces =
        ["a", "@", "<", ">", "\"", "(", ")", ",", ";", ":", " ", "\\", "corp.example", "\u{fc}"];
    let mut read = 0;
    for length in 0..=5 {
        for number in 0..pieces.len().pow(length) {
            let digit = |place| pieces[number / pieces.len().pow(place) % pieces.len()];
            let text: String = (0..length).map(digit).collect();
            if judge(&text).is_ok() {
                read += 1;
                for behind in text.split('@').skip(1) {
                    assert!(behind.starts_with("corp.example"), "{text}");
                }
            }
        }
    }
    assert!(read > 50, "{read}");
}

#[test]
fn a_field_that_costs_too_much_to_read_is_unreadable() {
    let domains = ["corp.example".parse().unwrap()];
    let check = |value: &str| check_authors(value, &domains);
    let padded = |length: usize| format!("a@corp.example{}", " ".repeat(length));
    assert_eq!(check(&padded(VALUE_MAX - 14)), Ok(()));
    assert_eq!(check(&padded(VALUE_MAX)), Err(AuthorFault::Unreadable));
    let word = |length: usize| format!("=?utf-8?q?{}?= <a@corp.example>", "x".repeat(length));
    assert_eq!(check(&word(ENCODED_MAX)), Ok(()));
    assert_eq!(check(&word(ENCODED_MAX + 1)), Err(AuthorFault::Unreadable));
    // Words without an end are none, and are not looked for again and again.
    let begun = format!("{}<a@corp.example>", "=?a?b? ".repeat(2000));
    assert_eq!(check(&begun), Ok(()));
}
