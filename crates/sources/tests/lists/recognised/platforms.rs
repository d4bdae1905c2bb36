//! Services that send mail, and lists that others hand out.

use sources::{Fault, Format, Spec, XmlSpec};
use suppression::{Kind, Scope};

use super::{as_format, error, is, is_with, read};
use crate::support::csv_spec;

fn xml(record: &str) -> Spec {
    as_format(Format::Xml(XmlSpec {
        record: record.parse().unwrap(),
        email: None,
        date: None,
        reason: None,
        kind: None,
        scope: None,
        until: None,
        encoding: None,
    }))
}

/// Dirt, point 10: a bounce is about delivery, and no objection.
#[test]
fn sendgrid_bounces() {
    let read = is(
        "sendgrid/suppression_bounces.csv",
        "SendGrid's bounces",
        &[
            "Bob@example.com undeliverable - 2015-09-30T22:12:05Z -",
            "tim@example.com undeliverable - 2015-09-30T22:12:06Z -",
            "sue@example.com undeliverable - 2015-09-30T22:12:07Z -",
        ],
    );
    assert!(read.describe.contains("times: Unix time"), "{}", read.describe);
}

#[test]
fn sendgrid_blocks_have_the_columns_of_bounces() {
    is(
        "sendgrid/suppression_blocks.csv",
        "SendGrid's blocks",
        &["bob@example.com undeliverable - 2015-09-30T22:12:05Z -"],
    );
}

#[test]
fn sendgrid_spam_reports() {
    is(
        "sendgrid/suppression_spam_reports.csv",
        "SendGrid's spam reports",
        &[
            "bob@example.com complaint - 2015-09-30T22:12:34Z -",
            "tim@example.com complaint - 2015-09-30T22:12:35Z -",
        ],
    );
}

#[test]
fn sendgrid_invalid_addresses() {
    let read = is(
        "sendgrid/suppression_invalid.csv",
        "SendGrid's invalid addresses",
        &["bob@exmple.example undeliverable - 2015-12-12T20:54:15Z -"],
    );
    assert_eq!((read.report.bad, read.report.bad_rows[0].fault), (1, Fault::NoAtSign));
}

/// Dirt, points 1 and 7: a date among the addresses, a time that a spreadsheet has damaged.
#[test]
fn sendgrid_global_unsubscribes() {
    let read = is(
        "sendgrid/suppression_unsubscribes.csv",
        "SendGrid's global unsubscribes",
        &[
            "bob@example.com opt-out - 2015-09-30T22:12:21Z -",
            "tim@example.com opt-out - 2015-09-30T21:53:20Z -",
        ],
    );
    assert_eq!(read.report.bad, 1);
}

/// Dirt, point 6: the group stands in the name of the file alone.
#[test]
fn sendgrid_group() {
    let read = is(
        "sendgrid/asm_groups_4711_suppressions.csv",
        "the unsubscribes of a group of SendGrid",
        &["bob@example.com opt-out 4711 2015-09-30T22:12:21Z -"],
    );
    let [tally] = read.report.tallies.as_slice() else { panic!() };
    assert_eq!((tally.kind, tally.entries), (Kind::OptOut, 1));
    assert_eq!(tally.scope, Some(Scope::Named("4711".to_owned())));
}

#[test]
fn sendgrid_group_upload_is_any_list() {
    is(
        "sendgrid/group_upload.csv",
        "",
        &["bob@example.com opt-out - - -", "tim@example.com opt-out - - -"],
    );
}

#[test]
fn sendgrid_legacy_xml() {
    is_with(
        "sendgrid/unsubscribes.xml",
        &xml("/unsubscribes/unsubscribe"),
        "SendGrid's global unsubscribes",
        &["müller@example.com opt-out - 2009-06-10T12:40:30Z -"],
    );
    is_with(
        "sendgrid/bounces.xml",
        &xml("/bounces/bounce"),
        "SendGrid's bounces",
        &["bob@example.com undeliverable - 2009-06-10T12:40:30Z -"],
    );
}

#[test]
fn mailgun_bounces() {
    is(
        "mailgun/bounces.csv",
        "Mailgun's bounces",
        &[
            "bob@example.com undeliverable - 2011-10-21T11:02:55Z -",
            "tim@example.com undeliverable - 2011-10-21T11:02:56Z -",
        ],
    );
}

#[test]
fn mailgun_unsubscribes_by_tag() {
    is(
        "mailgun/unsubscribes.csv",
        "Mailgun's unsubscribes",
        &[
            "bob@example.com opt-out - 2011-10-21T11:02:55Z -",
            "tim@example.com opt-out newsletter 2011-10-21T11:02:56Z -",
            "sue@example.com opt-out newsletter 2011-10-21T11:02:57Z -",
            "sue@example.com opt-out offers 2011-10-21T11:02:57Z -",
        ],
    );
    is(
        "mailgun/unsubscribes_tag.csv",
        "Mailgun's unsubscribes",
        &["bob@example.com opt-out - 2011-10-21T11:02:55Z -"],
    );
}

#[test]
fn mailgun_complaints() {
    is(
        "mailgun/complaints.csv",
        "Mailgun's complaints",
        &["bob@example.com complaint - 2011-10-21T11:02:55Z -"],
    );
}

#[test]
fn mailgun_script_files_are_not_complete() {
    let read = is(
        "mailgun/get_suppressions.csv",
        "bounces of Mailgun, written by get_suppressions.py",
        &["bob@example.com undeliverable - 2011-10-21T11:02:55Z -"],
    );
    assert!(read.report.warnings[0].contains("first page"), "{:?}", read.report.warnings);
}

#[test]
fn mailgun_allow_list_is_never_taken_for_opt_outs() {
    let why = error("mailgun/allowlist.csv");
    assert!(why.contains("allow-list") && !why.contains("allow_subscribed"), "{why}");
    let told = Spec { allow_subscribed: true, ..csv_spec() };
    assert!(super::read_with("mailgun/allowlist.csv", &told).is_err());
}

#[test]
fn amazon_ses_without_a_header() {
    is(
        "ses/import.csv",
        "Amazon SES's suppression list",
        &["recipient1@example.com undeliverable - - -", "recipient2@example.com complaint - - -"],
    );
}

#[test]
fn amazon_ses_contact_list() {
    let read = is(
        "ses/contacts.csv",
        "a contact list of Amazon SES",
        &["bob@example.com opt-out Cycling - -", "tim@example.com opt-out - - -"],
    );
    assert_eq!(read.report.unselected_because, [("has not opted out of any topic", 1)]);
}

#[test]
fn sparkpost_upload() {
    is(
        "sparkpost/upload.csv",
        "SparkPost's suppression list",
        &["bob@example.com opt-out commercial - -", "bob@example.com opt-out all - -"],
    );
}

#[test]
fn sparkpost_bare_addresses() {
    is(
        "sparkpost/bare.txt",
        "",
        &["bob@example.com opt-out - - -", "tim@example.com opt-out - - -"],
    );
}

/// Dirt, point 2: UTF-16 and Latin-1.
#[test]
fn sparkpost_in_three_encodings() {
    for file in ["utf8", "utf16", "latin1"] {
        is(
            &format!("sparkpost/sparky_{file}.csv"),
            "SparkPost's suppression list",
            &["müller@example.com complaint commercial 2019-12-17T08:58:33Z -"],
        );
    }
}

#[test]
fn sparkpost_as_its_command_line_prints_it() {
    let read = is(
        "sparkpost/cli.csv",
        "SparkPost's suppression list",
        &[
            "bob@example.com manual commercial 2019-12-16T08:58:33Z -",
            "tim@example.com undeliverable all 2019-12-16T08:58:33Z -",
        ],
    );
    assert_eq!(read.report.unselected_because, [("is suppressed for neither kind of mail", 1)]);
}

#[test]
fn telnyx() {
    let read = is(
        "telnyx/suppressions.csv",
        "Telnyx's suppressions",
        &[
            "hard@example.com undeliverable - 2019-12-17T08:58:33Z -",
            "spam@example.com complaint - 2019-12-17T08:58:34Z -",
            "invalid@example.com undeliverable - 2019-12-17T08:58:35Z -",
            "unsub@example.com opt-out weekly 2019-12-17T08:58:36Z -",
            "block@example.com manual - 2019-12-17T08:58:37Z -",
            "soft@example.com undeliverable - 2019-12-17T08:58:38Z 2036-01-01T00:00:00Z",
        ],
    );
    assert_eq!((read.report.dropped_ends, read.report.unselected), (1, 1));
}

/// Dirt, point 9: what ends is about delivery. A time that is over may be that of an opt-out.
#[test]
fn cloudflare() {
    let read = is(
        "cloudflare/import.csv",
        "a list for Cloudflare Email Service",
        &[
            "bob@example.com opt-out - - -",
            "tim@example.com undeliverable - - 2036-01-01T00:00:00Z",
            "sue@example.com undeliverable news.example.com - 2036-01-01T00:00:00Z",
            "ann@example.com opt-out - - -",
            "ian@example.com opt-out news.example.com - -",
        ],
    );
    assert_eq!((read.report.dropped_ends, read.report.unselected), (1, 0));
    is(
        "cloudflare/import.txt",
        "",
        &["bob@example.com opt-out - - -", "tim@example.com opt-out - - -"],
    );
}

#[test]
fn mailup() {
    is(
        "mailup/optout.csv",
        "MailUp's unsubscribes",
        &["bob@example.com opt-out - 2011-01-22T11:12:44Z -"],
    );
}

#[test]
fn promio() {
    is(
        "promio/unsubscribes.csv",
        "promio's list",
        &["bob@example.com opt-out - 2019-12-17T08:58:33Z -"],
    );
    is(
        "promio/bounces.csv",
        "promio's list",
        &[
            "bob@example.com undeliverable - 2019-12-17T08:58:33Z -",
            "tim@example.com opt-out - 2019-12-17T08:58:34Z -",
        ],
    );
}

#[test]
fn halon_plug_in_file() {
    let read = is(
        "halon/plugin.txt",
        "a list of addresses and domains",
        &["bob@example.com opt-out - - -", "@rival.example opt-out - - -"],
    );
    let faults: Vec<_> = read.report.bad_rows.iter().map(|row| row.fault).collect();
    assert_eq!(faults, [Fault::Pattern, Fault::Pattern]);
    assert_eq!(read.report.unselected_because, [("is a comment", 1)]);
    assert_eq!(read.report.domains, 1);
}

#[test]
fn optizmo_addresses_and_domains() {
    is(
        "optizmo/plain.txt",
        "",
        &["bob@example.com opt-out - - -", "TIM@example.com opt-out - - -"],
    );
    let what = "a list of domains";
    let rows = ["@rival.example opt-out - - -", "@other.example opt-out - - -"];
    let read = is("optizmo/domains.txt", what, &rows);
    assert_eq!((read.report.domains, read.report.unselected), (2, 1));
    let rows = ["@rival.example opt-out - - -", "@xn--bcher-kva.example opt-out - - -"];
    is("unsubcentral/domains.csv", what, &rows);
}

#[test]
fn a_name_of_a_file_alone_makes_no_list_another_one() {
    let read = read("mailtrain/blacklist.csv");
    assert_eq!(read.report.tallies.len(), 1);
}
