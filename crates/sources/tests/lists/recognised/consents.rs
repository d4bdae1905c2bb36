//! Files of people who may be mailed, read as that.

use sources::Spec;
use suppression::Kind;

use super::{is_with, read_with};
use crate::support::csv_spec;

fn consents() -> Spec {
    Spec { kind: Some(Kind::Consent), ..csv_spec() }
}

#[test]
fn those_who_objected_are_no_consents() {
    let read = is_with(
        "listmonk/subscribers.csv",
        &consents(),
        "listmonk's subscribers",
        &[
            "tim@example.com consent - 2024-06-01T12:00:00.123456Z -",
            "sue@example.com consent - 2024-06-01T12:00:00.123456Z -",
        ],
    );
    assert_eq!(read.report.unselected_because, [("objects to mail, so it is no consent", 1)]);
}

#[test]
fn a_consent_needs_its_time() {
    let file = "mailchimp/subscribed_members_export_abc.csv";
    let read = read_with(file, &consents()).unwrap();
    assert_eq!((read.rows.len(), read.report.bad), (0, 1));
}

/// A list of domains is one of objections; a consent is of one person.
#[test]
fn a_domain_does_not_consent() {
    let read = read_with("mailgun/allowlist.csv", &consents()).unwrap();
    assert_eq!(read.rows, ["bob@example.com consent - 2011-10-21T11:02:56Z -"]);
    assert_eq!(read.report.bad, 1);
}
