//! The same, as the programming interfaces give them out.

use sources::{Format, JsonSpec, Spec};

use super::{Read, as_format, is_with, read_with};

fn json() -> Spec {
    as_format(Format::Json(JsonSpec::default()))
}

fn is(file: &str, what: &str, rows: &[&str]) -> Read {
    is_with(file, &json(), what, rows)
}

#[test]
fn sendgrid() {
    is(
        "sendgrid/bounces.json",
        "SendGrid's bounces",
        &[
            "bob@example.com undeliverable - 2015-09-30T22:12:05Z -",
            "tim@example.com undeliverable - 2015-09-30T22:12:06Z -",
        ],
    );
    is(
        "sendgrid/spam_reports.json",
        "SendGrid's spam reports",
        &["bob@example.com complaint - 2015-09-30T22:12:34Z -"],
    );
    is(
        "sendgrid/invalid_emails.json",
        "SendGrid's invalid addresses",
        &["bob@exmple.example undeliverable - 2015-12-12T20:54:15Z -"],
    );
    is(
        "sendgrid/unsubscribes.json",
        "SendGrid's global unsubscribes",
        &[
            "bob@example.com opt-out - 2015-09-30T22:12:21Z -",
            "tim@example.com opt-out - 2015-09-30T22:12:22Z -",
        ],
    );
    is(
        "sendgrid/asm_suppressions.json",
        "the unsubscribes of the groups of SendGrid",
        &[
            "bob@example.com opt-out Weekly News 2015-09-30T22:12:21Z -",
            "bob@example.com opt-out Offers 2015-09-30T22:12:22Z -",
        ],
    );
    is(
        "sendgrid/one_group.json",
        "",
        &["bob@example.com opt-out - - -", "tim@example.com opt-out - - -"],
    );
}

#[test]
fn mailgun() {
    is(
        "mailgun/bounces.json",
        "Mailgun's bounces",
        &["bob@example.com undeliverable - 2011-10-21T11:02:55Z -"],
    );
    is(
        "mailgun/unsubscribes.json",
        "Mailgun's unsubscribes",
        &[
            "bob@example.com opt-out - 2011-10-21T11:02:55Z -",
            "tim@example.com opt-out news 2011-10-21T11:02:56Z -",
        ],
    );
    is(
        "mailgun/unsubscribes_tags.json",
        "Mailgun's unsubscribes",
        &[
            "bob@example.com opt-out news 2011-10-21T11:02:55Z -",
            "bob@example.com opt-out offers 2011-10-21T11:02:55Z -",
            "tim@example.com opt-out - 2011-10-21T11:02:56Z -",
        ],
    );
    let error = read_with("mailgun/allowlist.json", &json()).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("allow-list"), "{error}");
}

#[test]
fn amazon_ses() {
    is(
        "ses/import.ndjson",
        "Amazon SES's suppression list",
        &["recipient1@example.com undeliverable - - -", "recipient2@example.com complaint - - -"],
    );
    is(
        "ses/list_suppressed.json",
        "Amazon SES's suppression list",
        &[
            "recipient1@example.com undeliverable - 2020-04-10T21:03:05.077Z -",
            "recipient2@example.com complaint - 2020-04-10T21:03:05Z -",
        ],
    );
    let read = is(
        "ses/contacts.json",
        "a contact list of Amazon SES",
        &[
            "bob@example.com opt-out Cycling 2020-04-10T21:03:05.077Z -",
            "tim@example.com opt-out - 2020-04-10T21:03:06Z -",
        ],
    );
    assert_eq!(read.report.unselected_because, [("has not opted out of any topic", 1)]);
}

#[test]
fn postmark() {
    is(
        "postmark/dump.json",
        "Postmark's suppressions",
        &[
            "bounce@example.com undeliverable - 2019-12-17T13:58:33Z -",
            "spam@example.com complaint - 2019-12-17T13:58:34Z -",
            "self@example.com opt-out - 2019-12-17T13:58:35Z -",
            "customer@example.com manual - 2019-12-17T13:58:36Z -",
            "admin@example.com manual - 2019-12-17T13:58:37Z -",
        ],
    );
    let read = is(
        "postmark/webhook.ndjson",
        "changes of subscription that Postmark's web hook sends",
        &[
            "bob@example.com opt-out - 2020-02-01T10:53:34Z -",
            "tim@example.com undeliverable weekly-news 2020-02-01T10:53:35Z -",
        ],
    );
    assert_eq!(read.report.unselected_because, [("was reactivated", 1)]);
}

#[test]
fn sparkpost() {
    is(
        "sparkpost/api.json",
        "SparkPost's suppression list",
        &[
            "spam@example.com complaint commercial 2019-12-16T08:58:33Z -",
            "list@example.com opt-out news.example.com 2019-12-16T08:58:34Z -",
            "link@example.com opt-out commercial 2019-12-16T08:58:35Z -",
            "bounce@example.com undeliverable all 2019-12-16T08:58:36Z -",
            "manual@example.com manual all 2019-12-16T08:58:37Z -",
            "comply@example.com manual all 2019-12-16T08:58:38Z -",
        ],
    );
}

#[test]
fn brevo() {
    is(
        "brevo/blocked.json",
        "Brevo's blocked contacts",
        &[
            "ma@example.com opt-out - 2017-05-01T12:30:00Z -",
            "mail@example.com opt-out - 2017-05-01T12:30:01Z -",
            "admin@example.com manual - 2017-05-01T12:30:02Z -",
            "api@example.com opt-out - 2017-05-01T12:30:03Z -",
            "hard@example.com undeliverable - 2017-05-01T12:30:04Z -",
            "spam@example.com complaint - 2017-05-01T12:30:05Z -",
        ],
    );
}
