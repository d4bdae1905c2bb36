//! The ways past an opt-out, threats s3 A1 to A11 and A14, and the forms of standards
//! E.7: each either is refused, or is the same person. None may be a third thing.

use super::canonical;
use crate::AddressFault::{Ambiguous, Syntax};
use crate::{AddressFault, ForwardPath, PersonRules};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Outcome {
    /// The listed person: refused further up, because of the opt-out.
    Same,
    /// Refused here.
    Refused(AddressFault),
}
use Outcome::{Refused, Same};

const SYNTAX: Outcome = Refused(Syntax);
const AMBIGUOUS: Outcome = Refused(Ambiguous);

/// Holds each form of a listed mailbox against what must become of it.
fn hold(listed: &str, table: &[(&str, Outcome)]) {
    let person = canonical(listed).person().to_owned();
    for (form, expected) in table {
        let outcome = match ForwardPath::parse(form) {
            Err(error) => Refused(error.fault),
            Ok(path) => {
                let mailbox = path.mailbox().expect("no form is the postmaster");
                let key = mailbox.canonical(&PersonRules::default()).unwrap();
                assert_eq!(key.person(), person, "{form:?} goes past the opt-out");
                Same
            }
        };
        assert_eq!(outcome, *expected, "{form:?}");
    }
}

#[test]
fn a1_case() {
    hold(
        "Victim@OptOut.Example",
        &[
            ("<victim@optout.example>", Same),
            ("<VICTIM@optout.example>", Same),
            ("<victim@OPTOUT.EXAMPLE>", Same),
            ("<ViCtIm@oPtOuT.eXaMpLe>", Same),
            ("<VICTIM@OPTOUT.EXAMPLE.>", Same),
            ("<\"VICTIM\"@optout.example>", Same),
        ],
    );
}

#[test]
fn a2_quoting() {
    hold(
        "victim@optout.example",
        &[
            ("<\"victim\"@optout.example>", Same),
            ("<\"vi\\ctim\"@optout.example>", Same),
            ("<\"\\v\\i\\c\\t\\i\\m\"@optout.example>", Same),
            ("<\"victim\"@optout.example.>", Same),
            ("<\"victim+tag\"@optout.example>", Same),
            ("<\"vic\"tim@optout.example>", AMBIGUOUS),
            ("<vic\"tim\"@optout.example>", AMBIGUOUS),
            ("<\"vic\"\"tim\"@optout.example>", AMBIGUOUS),
            ("<\"\"victim@optout.example>", AMBIGUOUS),
            ("<victim\"\"@optout.example>", AMBIGUOUS),
            ("<\"victim\".@optout.example>", AMBIGUOUS),
            ("<vi\\ctim@optout.example>", AMBIGUOUS),
            ("<\\victim@optout.example>", AMBIGUOUS),
            ("<victim\\@optout.example>", AMBIGUOUS),
            ("<\"victim\\\\\"@optout.example>", AMBIGUOUS),
            ("<\"\\\"victim\\\"\"@optout.example>", AMBIGUOUS),
            ("<\" victim\"@optout.example>", AMBIGUOUS),
            ("<\"victim \"@optout.example>", AMBIGUOUS),
            ("<\"victim\\ \"@optout.example>", AMBIGUOUS),
            ("<\"victim\"@\"optout.example\">", SYNTAX),
            ("<victim@\"optout.example\">", SYNTAX),
            ("<\"victim@optout.example>", SYNTAX),
            ("<victim\"@optout.example>", AMBIGUOUS),
            ("<\"victim\" @optout.example>", AMBIGUOUS),
        ],
    );
    // Spaces that a program drops with the quotes around them.
    hold(
        "vic.tim@optout.example",
        &[
            ("<\"vic.tim\"@optout.example>", Same),
            ("<\"vic .tim\"@optout.example>", AMBIGUOUS),
            ("<\"vic. tim\"@optout.example>", AMBIGUOUS),
            ("<\"vic\".\"tim\"@optout.example>", AMBIGUOUS),
            ("<vic.\"tim\"@optout.example>", AMBIGUOUS),
            ("<vic . tim@optout.example>", SYNTAX),
        ],
    );
}

#[test]
fn a3_dots() {
    hold(
        "victim@optout.example",
        &[
            ("<victim@optout.example.>", Same),
            ("<victim@optout.example..>", AMBIGUOUS),
            ("<victim@optout..example>", AMBIGUOUS),
            ("<victim@.optout.example>", AMBIGUOUS),
            ("<victim@..optout.example>", AMBIGUOUS),
            ("<victim@optout.example.@>", AMBIGUOUS),
            ("<victim.@optout.example>", SYNTAX),
            ("<.victim@optout.example>", SYNTAX),
            ("<\"victim.\"@optout.example>", Same),
            ("<\".victim\"@optout.example>", Same),
            ("<\"..victim..\"@optout.example>", Same),
            ("<\".\"@optout.example>", AMBIGUOUS),
            ("<\"\"@optout.example>", AMBIGUOUS),
            ("<victim@optout.example。>", Same),
            ("<victim@optout.example｡>", Same),
            ("<victim@optout.example。.>", AMBIGUOUS),
            ("<victim@optout.example.。>", AMBIGUOUS),
            ("<victim@optout.。example>", AMBIGUOUS),
            ("<victim@。optout.example>", AMBIGUOUS),
            ("<victim@.>", AMBIGUOUS),
            ("<victim@>", AMBIGUOUS),
        ],
    );
}

#[test]
fn a4_source_routes() {
    hold(
        "victim@optout.example",
        &[
            ("<@relay.example:victim@optout.example>", AMBIGUOUS),
            ("<@a.example,@b.example:victim@optout.example>", AMBIGUOUS),
            ("<@[192.0.2.1]:victim@optout.example>", AMBIGUOUS),
            ("<@:victim@optout.example>", AMBIGUOUS),
            ("<@,:victim@optout.example>", AMBIGUOUS),
            ("<@relay.example: victim@optout.example>", AMBIGUOUS),
            ("<@relay.example:victim%optout.example@relay.example>", AMBIGUOUS),
            ("<relay.example:victim@optout.example>", SYNTAX),
        ],
    );
}

#[test]
fn a5_routing_in_the_local_part() {
    hold(
        "victim@optout.example",
        &[
            ("<victim%optout.example@relay.example>", AMBIGUOUS),
            ("<victim%optout.example%a.example@relay.example>", AMBIGUOUS),
            ("<victim%optout.example@[192.0.2.1]>", AMBIGUOUS),
            ("<victim%optout.example@>", AMBIGUOUS),
            ("<victim%optout.example>", AMBIGUOUS),
            ("<victim%@optout.example>", AMBIGUOUS),
            ("<%victim@optout.example>", AMBIGUOUS),
            ("<victim%40optout.example@relay.example>", AMBIGUOUS),
            ("<vic%74im@optout.example>", AMBIGUOUS),
            ("<optout.example!victim@relay.example>", AMBIGUOUS),
            ("<relay.example!optout.example!victim@relay.example>", AMBIGUOUS),
            ("<optout.example!victim@[192.0.2.1]>", AMBIGUOUS),
            ("<optout.example!victim>", AMBIGUOUS),
            ("<!victim@optout.example>", AMBIGUOUS),
            ("<victim!@optout.example>", AMBIGUOUS),
            ("<victim@optout.example@relay.example>", AMBIGUOUS),
            ("<victim@optout.example@[192.0.2.1]>", AMBIGUOUS),
            ("<victim@optout.example@>", AMBIGUOUS),
            ("<victim@@optout.example>", AMBIGUOUS),
            ("<@victim@optout.example>", AMBIGUOUS),
            ("<\"victim@optout.example\"@relay.example>", AMBIGUOUS),
            ("<\"victim@optout.example\"@[192.0.2.1]>", AMBIGUOUS),
            ("<\"victim\\@optout.example\"@relay.example>", AMBIGUOUS),
            ("<\"victim%optout.example\"@relay.example>", AMBIGUOUS),
            ("<\"victim\\%optout.example\"@relay.example>", AMBIGUOUS),
            ("<\"optout.example!victim\"@relay.example>", AMBIGUOUS),
            ("<\"@relay.example:victim@optout.example\"@relay.example>", AMBIGUOUS),
            ("<\"victim@optout.example b\"@relay.example>", AMBIGUOUS),
            ("<\"victim@optout.example>b\"@relay.example>", AMBIGUOUS),
            ("<\"victim@optout.example\">", AMBIGUOUS),
            ("<\"victim%optout.example\">", AMBIGUOUS),
            ("<\"optout.example!victim\">", AMBIGUOUS),
            ("<victim>", AMBIGUOUS),
            ("<\"victim\">", AMBIGUOUS),
            ("<victim@optout.example%relay.example>", SYNTAX),
            ("<victim@relay.example!optout.example>", SYNTAX),
            ("<=?utf-8?q?victim?=@optout.example>", AMBIGUOUS),
            ("<=?UTF-8?B?dmljdGlt?=@optout.example>", AMBIGUOUS),
            ("<=?x?q?victim=40optout.example=3e?=@relay.example>", AMBIGUOUS),
            ("<\"=?utf-8?q?victim?=\"@optout.example>", AMBIGUOUS),
            ("<a=?utf-8?q?victim?=@optout.example>", AMBIGUOUS),
            ("<IMCEASMTP-victim+40optout+2Eexample@relay.example>", AMBIGUOUS),
            ("<imceasmtp-victim+40optout+2Eexample@relay.example>", AMBIGUOUS),
            ("<IMCEAEX-_O=OPTOUT_CN=VICTIM@relay.example>", AMBIGUOUS),
            ("<IMCEAINVALID-victim+40optout@relay.example>", AMBIGUOUS),
            ("<IMCEA-victim@relay.example>", AMBIGUOUS),
            ("<ＩＭＣＥＡSMTP-victim+40optout+2Eexample@relay.example>", AMBIGUOUS),
            ("<optout::victim@relay.example>", SYNTAX),
            ("<\"optout::victim\"@relay.example>", AMBIGUOUS),
        ],
    );
}

#[test]
fn a6_what_is_not_one_plain_path() {
    hold(
        "victim@optout.example",
        &[
            ("<victim(x)@optout.example>", AMBIGUOUS),
            ("<(x)victim@optout.example>", AMBIGUOUS),
            ("<vic(x)tim@optout.example>", AMBIGUOUS),
            ("<((x))victim@optout.example>", AMBIGUOUS),
            ("<victim@(x)optout.example>", AMBIGUOUS),
            ("<victim@optout(x).example>", AMBIGUOUS),
            ("<victim@optout.example(x)>", AMBIGUOUS),
            ("<\"victim(x)\"@optout.example>", AMBIGUOUS),
            ("<\"(x)victim\"@optout.example>", AMBIGUOUS),
            ("<victim@optout.example (x)>", SYNTAX),
            ("< victim@optout.example>", SYNTAX),
            ("<victim@optout.example >", SYNTAX),
            ("<victim @optout.example>", SYNTAX),
            ("<victim@ optout.example>", SYNTAX),
            ("<victim@optout. example>", SYNTAX),
            ("<\tvictim@optout.example>", SYNTAX),
            ("<victim@optout.example\t>", SYNTAX),
            ("victim@optout.example", SYNTAX),
            (" <victim@optout.example>", SYNTAX),
            ("<victim@optout.example> ", SYNTAX),
            ("<victim@optout.example", SYNTAX),
            ("victim@optout.example>", SYNTAX),
            ("<<victim@optout.example>>", SYNTAX),
            ("<<victim@optout.example>", SYNTAX),
            ("<victim@optout.example>>", SYNTAX),
            ("<>victim@optout.example", SYNTAX),
            ("<><victim@optout.example>", SYNTAX),
            ("Victim <victim@optout.example>", SYNTAX),
            ("\"Victim\" <victim@optout.example>", SYNTAX),
            ("<Victim <victim@optout.example>>", SYNTAX),
            ("<\"Victim\" <victim@optout.example>>", AMBIGUOUS),
            ("<group:victim@optout.example;>", SYNTAX),
            ("<group:other@a.example,victim@optout.example;>", SYNTAX),
            ("<victim@optout.example,other@a.example>", AMBIGUOUS),
            ("<other@a.example,victim@optout.example>", AMBIGUOUS),
            ("<other@a.example><victim@optout.example>", SYNTAX),
            ("<other@a.example>,<victim@optout.example>", SYNTAX),
            ("<other@a.example> <victim@optout.example>", SYNTAX),
            ("<other@a.example victim@optout.example>", SYNTAX),
            ("<victim@optout.example;other@a.example>", AMBIGUOUS),
            ("<mailto:victim@optout.example>", SYNTAX),
            ("<smtp:victim@optout.example>", SYNTAX),
            ("<'victim@optout.example'>", SYNTAX),
            ("<&#118;ictim@optout.example>", SYNTAX),
            ("<[victim]@optout.example>", SYNTAX),
            ("<\"<victim>\"@optout.example>", AMBIGUOUS),
            ("<\"victim,\"@optout.example>", AMBIGUOUS),
            ("<\"victim;\"@optout.example>", AMBIGUOUS),
            ("<\"x:victim\"@optout.example>", AMBIGUOUS),
        ],
    );
}

#[test]
fn a7_octets_that_end_a_string_or_a_line() {
    hold(
        "victim@optout.example",
        &[
            ("<victim\0@optout.example>", SYNTAX),
            ("<\0victim@optout.example>", SYNTAX),
            ("<victim@optout.example\0>", SYNTAX),
            ("<victim@optout.example\0.relay.example>", SYNTAX),
            ("<\"victim\0\"@optout.example>", SYNTAX),
            ("<\"victim\\\0\"@optout.example>", SYNTAX),
            ("<victim\r@optout.example>", SYNTAX),
            ("<victim\n@optout.example>", SYNTAX),
            ("<victim@optout.example\r\n>", SYNTAX),
            ("<x@a.example>\r\nRCPT TO:<victim@optout.example>", SYNTAX),
            ("<\"x\r\nRCPT TO:<victim@optout.example>", SYNTAX),
            ("<victim\u{7f}@optout.example>", SYNTAX),
            ("<victim\u{8}m@optout.example>", SYNTAX),
            ("<victim\u{1b}[D@optout.example>", SYNTAX),
            ("<victim\u{85}@optout.example>", SYNTAX),
            ("<victim\u{2028}@optout.example>", AMBIGUOUS),
            ("<victim@optout.example\u{85}>", SYNTAX),
        ],
    );
}

#[test]
fn a8_domains_in_another_script() {
    hold(
        "victim@bücher.example",
        &[
            ("<victim@xn--bcher-kva.example>", Same),
            ("<victim@XN--BCHER-KVA.EXAMPLE>", Same),
            ("<victim@Xn--Bcher-Kva.example.>", Same),
            ("<victim@bücher.example>", Same),
            ("<victim@BÜCHER.example>", Same),
            ("<victim@bu\u{308}cher.example>", Same),
            ("<victim@BU\u{308}CHER.example>", Same),
            ("<victim@ｂüｃｈｅｒ.example>", Same),
            ("<victim@bücher。example>", Same),
            ("<victim@ｘｎ－－bcher-kva.example>", Same),
            ("<victim@bü\u{ad}cher.example>", AMBIGUOUS),
            ("<victim@bü\u{200b}cher.example>", AMBIGUOUS),
            ("<victim@xn--bcher-kva\u{200b}.example>", AMBIGUOUS),
        ],
    );
    hold(
        "victim@optout.example",
        &[
            ("<victim@ｏｐｔｏｕｔ.example>", Same),
            ("<victim@ⓞⓟⓣⓞⓤⓣ.example>", Same),
            ("<victim@𝐨𝐩𝐭𝐨𝐮𝐭.example>", Same),
            ("<victim@optᵒut.example>", Same),
            ("<victim@optout。example>", Same),
            ("<victim@optout｡example>", Same),
            ("<victim@optout．example>", Same),
            ("<victim@opt\u{ad}out.example>", AMBIGUOUS),
            ("<victim@optout\u{ad}.example>", AMBIGUOUS),
            ("<victim@optout.example\u{ad}>", AMBIGUOUS),
            ("<victim@opt\u{200b}out.example>", AMBIGUOUS),
            ("<victim@opt\u{2060}out.example>", AMBIGUOUS),
            ("<victim@\u{feff}optout.example>", AMBIGUOUS),
            ("<victim@opt\u{34f}out.example>", AMBIGUOUS),
            ("<victim@optout\u{fe0f}.example>", AMBIGUOUS),
            ("<victim@opt\u{200e}out.example>", AMBIGUOUS),
            ("<victim@opt\u{202e}out.example>", AMBIGUOUS),
            ("<victim@opt\u{200c}out.example>", SYNTAX),
            ("<victim@opt\u{200d}out.example>", SYNTAX),
            ("<victim@xn--optout-.example>", SYNTAX),
            ("<victim@xn--optout.example>", SYNTAX),
            ("<victim@xn--.example>", SYNTAX),
            ("<victim@XN--OPTOUT.example>", SYNTAX),
            ("<victim@xn--ptout-.example>", SYNTAX),
            ("<victim@optout․example>", SYNTAX),
            ("<victim＠optout.example>", AMBIGUOUS),
            ("<victim@optout.example／x>", SYNTAX),
            ("<victim@x％optout.example>", SYNTAX),
            ("<victim@optout\u{a0}.example>", SYNTAX),
            ("<victim@optout\u{3000}.example>", SYNTAX),
            ("<victim@\u{338}optout.example>", SYNTAX),
            ("<victim@opt\u{e000}out.example>", SYNTAX),
            ("<victim@opt\u{378}out.example>", SYNTAX),
        ],
    );
}

#[test]
fn a9_local_parts_in_another_form() {
    hold(
        "józef@optout.example",
        &[
            ("<józef@optout.example>", Same),
            ("<jo\u{301}zef@optout.example>", Same),
            ("<JÓZEF@optout.example>", Same),
            ("<JO\u{301}ZEF@optout.example>", Same),
            ("<\"józef\"@optout.example>", Same),
            ("<ｊóｚｅｆ@optout.example>", Same),
            ("<józef+tag@optout.example>", Same),
            ("<józef＋tag@optout.example>", Same),
            ("<\"j\\ózef\"@optout.example>", SYNTAX),
            ("<jó\u{200b}zef@optout.example>", AMBIGUOUS),
        ],
    );
    hold(
        "victim@optout.example",
        &[
            ("<ｖｉｃｔｉｍ@optout.example>", Same),
            ("<ⓥictim@optout.example>", Same),
            ("<𝓿𝓲𝓬𝓽𝓲𝓶@optout.example>", Same),
            ("<ⅴictim@optout.example>", Same),
            ("<Ⅴictim@optout.example>", Same),
            ("<vict\u{2071}m@optout.example>", Same),
            ("<\"ｖictim\"@optout.example>", Same),
            ("<vic\u{200b}tim@optout.example>", AMBIGUOUS),
            ("<vic\u{200c}tim@optout.example>", AMBIGUOUS),
            ("<vic\u{200d}tim@optout.example>", AMBIGUOUS),
            ("<vic\u{2060}tim@optout.example>", AMBIGUOUS),
            ("<\u{feff}victim@optout.example>", AMBIGUOUS),
            ("<victim\u{feff}@optout.example>", AMBIGUOUS),
            ("<vic\u{ad}tim@optout.example>", AMBIGUOUS),
            ("<victim\u{34f}@optout.example>", AMBIGUOUS),
            ("<victim\u{fe0f}@optout.example>", AMBIGUOUS),
            ("<victim\u{e0100}@optout.example>", AMBIGUOUS),
            ("<victim\u{e0061}@optout.example>", AMBIGUOUS),
            ("<victim\u{180e}@optout.example>", AMBIGUOUS),
            ("<victim\u{115f}@optout.example>", AMBIGUOUS),
            ("<victim\u{3164}@optout.example>", AMBIGUOUS),
            ("<victim\u{ffa0}@optout.example>", AMBIGUOUS),
            ("<\u{202e}mitciv@optout.example>", AMBIGUOUS),
            ("<victim\u{200e}@optout.example>", AMBIGUOUS),
            ("<victim\u{2066}@optout.example>", AMBIGUOUS),
            ("<victim\u{fff9}@optout.example>", AMBIGUOUS),
            ("<victim\u{fffc}@optout.example>", AMBIGUOUS),
            ("<victim\u{fffd}@optout.example>", AMBIGUOUS),
            ("<victim\u{a0}@optout.example>", AMBIGUOUS),
            ("<victim\u{3000}@optout.example>", AMBIGUOUS),
            ("<victim\u{2003}@optout.example>", AMBIGUOUS),
            ("<victim\u{e000}@optout.example>", AMBIGUOUS),
            ("<victim\u{10fffd}@optout.example>", AMBIGUOUS),
            ("<victim\u{378}@optout.example>", AMBIGUOUS),
            ("<victim\u{fdd0}@optout.example>", AMBIGUOUS),
            ("<victim\u{ffff}@optout.example>", AMBIGUOUS),
            ("<\u{338}victim@optout.example>", AMBIGUOUS),
            ("<victim≠@optout.example>", AMBIGUOUS),
            ("<\".\u{338}victim\"@optout.example>", AMBIGUOUS),
            ("<victim+\u{338}tag@optout.example>", AMBIGUOUS),
            ("<victim＠optout.example@relay.example>", AMBIGUOUS),
            ("<victim﹫optout.example@relay.example>", AMBIGUOUS),
            ("<victim％optout.example@relay.example>", AMBIGUOUS),
            ("<victim﹪optout.example@relay.example>", AMBIGUOUS),
            ("<optout.example！victim@relay.example>", AMBIGUOUS),
            ("<optout.example﹗victim@relay.example>", AMBIGUOUS),
            ("<optout.example‼victim@relay.example>", AMBIGUOUS),
            ("<optout.example⁈victim@relay.example>", AMBIGUOUS),
            ("<＂victim＂@optout.example>", AMBIGUOUS),
            ("<vi＼ctim@optout.example>", AMBIGUOUS),
            ("<vi﹨ctim@optout.example>", AMBIGUOUS),
            ("<victim（x）@optout.example>", AMBIGUOUS),
            ("<victim⑴@optout.example>", AMBIGUOUS),
            ("<victim\u{37e}@optout.example>", AMBIGUOUS),
            ("<victim；@optout.example>", AMBIGUOUS),
            ("<victim，@optout.example>", AMBIGUOUS),
            ("<victim：@optout.example>", AMBIGUOUS),
            ("<victim＜x＞@optout.example>", AMBIGUOUS),
            // A ligature of four words with spaces between.
            ("<\u{fdfa}@optout.example>", AMBIGUOUS),
            ("<victim\u{a8}@optout.example>", AMBIGUOUS),
            ("<victim\u{b4}@optout.example>", AMBIGUOUS),
            ("<＝？utf-8？q？victim？＝@optout.example>", AMBIGUOUS),
        ],
    );
}

#[test]
fn a10_another_mailbox_that_only_looks_alike_passes() {
    let listed = canonical("victim@optout.example");
    for form in [
        "<vіctim@optout.example>", // Cyrillic і
        "<victіm@optout.example>",
        "<νictim@optout.example>", // Greek nu
        "<victım@optout.example>", // dotless i: not the lower case of I here
        "<vıctım@optout.example>",
        "<víctim@optout.example>",
        "<victim@оptout.example>", // Cyrillic о
        "<victim@optоut.example>",
        "<victim@optöut.example>",
        "<victim@optout-example>",
        "<victim@optout.example.com>",
        "<victim@mx.optout.example>",
        "<victim@example>",
        "<victims@optout.example>",
        "<vic.tim@optout.example>",
        "<vic+tim@optout.example>",
        "<+victim@optout.example>",
        "<victim-x@optout.example>",
        "<victim=optout.example@relay.example>",
        "<bounce+victim=optout.example@relay.example>",
        "<'victim'@optout.example>",
        "<\"victim x\"@optout.example>",
    ] {
        let path = ForwardPath::parse(form).unwrap_or_else(|error| panic!("{form}: {error}"));
        let key = path.mailbox().unwrap().canonical(&PersonRules::default()).unwrap();
        assert_ne!(key.person(), listed.person(), "{form}");
        assert_ne!(key.exact(), listed.exact(), "{form}");
    }
}

#[test]
fn a11_tags_and_dots() {
    hold(
        "victim@optout.example",
        &[
            ("<victim+tag@optout.example>", Same),
            ("<victim+@optout.example>", Same),
            ("<victim++@optout.example>", Same),
            ("<victim+a+b@optout.example>", Same),
            ("<VICTIM+Tag@optout.example>", Same),
            ("<victim+@OPTOUT.example.>", Same),
            ("<\"victim+a b\"@optout.example>", Same),
            ("<\"victim+a..b\"@optout.example>", Same),
            ("<victim+a%b@optout.example>", AMBIGUOUS),
        ],
    );
    hold(
        "vic.tim@gmail.com",
        &[
            ("<victim@gmail.com>", Same),
            ("<v.i.c.t.i.m@gmail.com>", Same),
            ("<\"vic..tim\"@gmail.com>", Same),
            ("<\".victim.\"@gmail.com>", Same),
            ("<Vic.Tim+x.y@GoogleMail.com>", Same),
            ("<victim@googlemail.com.>", Same),
            ("<ｖic．tim@ｇｍａｉｌ.com>", Same),
        ],
    );
}

#[test]
fn a14_other_names_of_the_same_mailbox() {
    hold(
        "victim@optout.example",
        &[
            ("<victim@[203.0.113.5]>", AMBIGUOUS),
            ("<victim@[IPv6:2001:db8::5]>", AMBIGUOUS),
            ("<victim@[optout.example]>", SYNTAX),
            ("<victim@203.0.113.5>", AMBIGUOUS),
            ("<victim@203.0.113.5.>", AMBIGUOUS),
            ("<victim@２０３.0.113.5>", AMBIGUOUS),
            ("<victim@3405803781>", AMBIGUOUS),
            ("<victim@0xcb007105>", AMBIGUOUS),
            ("<victim@0313.0.0161.5>", AMBIGUOUS),
            ("<victim@203.28933>", AMBIGUOUS),
            ("<victim@203.0.0x7105>", AMBIGUOUS),
            ("<victim@0X.>", AMBIGUOUS),
            ("<victim@optout.1>", AMBIGUOUS),
        ],
    );
    hold("victim@icloud.com", &[("<victim@me.com>", Same), ("<victim+x@mac.com>", Same)]);
    hold("victim@pm.me", &[("<victim@proton.me>", Same), ("<victim@protonmail.com>", Same)]);
    hold("victim@ya.ru", &[("<victim@yandex.ru>", Same), ("<victim@yandex.com>", Same)]);
}

/// Standards E.7: the sixteen tests of nmap's smtp-open-relay, D = optout.example,
/// S = relay.example, I = 192.0.2.1; and the recipients of the mail-abuse.org tester.
#[test]
fn e7_open_relay_forms() {
    hold(
        "relaytest@optout.example",
        &[
            ("<relaytest@optout.example>", Same),
            ("<relaytest%optout.example@[192.0.2.1]>", AMBIGUOUS),
            ("<relaytest%optout.example@relay.example>", AMBIGUOUS),
            ("<\"relaytest@optout.example\">", AMBIGUOUS),
            ("<\"relaytest%optout.example\">", AMBIGUOUS),
            ("<relaytest@optout.example@[192.0.2.1]>", AMBIGUOUS),
            ("<\"relaytest@optout.example\"@[192.0.2.1]>", AMBIGUOUS),
            ("<relaytest@optout.example@relay.example>", AMBIGUOUS),
            ("<@[192.0.2.1]:relaytest@optout.example>", AMBIGUOUS),
            ("<@relay.example:relaytest@optout.example>", AMBIGUOUS),
            ("<optout.example!relaytest>", AMBIGUOUS),
            ("<optout.example!relaytest@[192.0.2.1]>", AMBIGUOUS),
            ("<optout.example!relaytest@relay.example>", AMBIGUOUS),
        ],
    );
}

/// Standards E.7, added for an authorised client; B-T12 and B-T13.
#[test]
fn e7_evasion_by_an_authorised_client() {
    hold(
        "joe@opt.example",
        &[
            ("<joe%opt.example@relay.example>", AMBIGUOUS),
            ("<\"joe@opt.example\"@relay.example>", AMBIGUOUS),
            ("<opt.example!joe@relay.example>", AMBIGUOUS),
            ("<@relay.example:joe@opt.example>", AMBIGUOUS),
            ("<@a.example,@b.example:joe@opt.example>", AMBIGUOUS),
            ("<joe@opt.example@relay.example>", AMBIGUOUS),
            ("<\"joe\"@opt.example>", Same),
            ("<\"j\\oe\"@opt.example>", Same),
            ("<JOE@OPT.EXAMPLE>", Same),
            ("<joe@opt.example.>", Same),
            ("<joe@[192.0.2.7]>", AMBIGUOUS),
            ("<joe(comment)@opt.example>", AMBIGUOUS),
            ("joe@opt.example", SYNTAX),
            ("< joe@opt.example>", SYNTAX),
            ("<joe@opt.example >", SYNTAX),
            ("<joe\0@opt.example>", SYNTAX),
        ],
    );
    hold("optedout@x.example", &[("<\"opted\\out\"@X.example.>", Same)]);
}

#[test]
fn ordinary_recipients_pass_as_they_are() {
    for form in [
        "<bob@example.com>",
        "<first.last@sub.example.co.uk>",
        "<o'brien@example.com>",
        "<bob+news@example.com>",
        "<a_b-c=d/e@example.com>",
        "<customer/department=shipping@example.com>",
        "<$A12345@example.com>",
        "<*@example.com>",
        "<{x}|`y`^~#&?@example.com>",
        "<1234567890@example.com>",
        "<imceasy@example.com>",
        "<imcea@example.com>",
        "<a=b?c@example.com>",
        "<\"first last\"@example.com>",
        "<\"a..b\"@example.ne.jp>",
        "<\"a.\"@example.ne.jp>",
        "<root@localhost>",
        "<root@web-01>",
        "<bob@4.example>",
        "<bob@4you>",
        "<bob@0xcafe.example>",
        "<bob@0xyz>",
        "<bob@a.b.c.d.e.f.g.example>",
        "<bob@ab--cd.example>",
        "<用户@example.com>",
        "<Pelé@example.com>",
        "<δοκιμή@example.com>",
        "<медведь@example.com>",
        "<संपर्क@example.com>",
    ] {
        let path = ForwardPath::parse(form).unwrap_or_else(|error| panic!("{form}: {error}"));
        assert_eq!(path.to_string(), form);
        assert_eq!(path.is_ascii(), form.is_ascii());
        assert!(path.mailbox().unwrap().canonical(&PersonRules::default()).is_ok(), "{form}");
    }
}
