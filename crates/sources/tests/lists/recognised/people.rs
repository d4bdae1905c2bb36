//! Programs for newsletters and contacts.

use super::{error, is, is_with, read_with};
use crate::support::csv_spec;

use sources::Spec;

#[test]
fn mailchimp_unsubscribed() {
    let read = is(
        "mailchimp/unsubscribed_members_export_abc.csv",
        "Mailchimp's unsubscribed people",
        &[
            "bob@example.com opt-out - 2019-05-02T07:59:59Z -",
            "tim@example.com opt-out - 2019-05-03T00:00:00Z -",
        ],
    );
    assert!(read.describe.contains("times: without a zone, read as UTC"), "{}", read.describe);
    assert!(read.report.warnings.is_empty());
}

#[test]
fn mailchimp_cleaned_is_undeliverable() {
    is(
        "mailchimp/cleaned_members_export_abc.csv",
        "Mailchimp's cleaned addresses",
        &["bob@example.com undeliverable - 2019-05-02T07:59:59Z -"],
    );
}

/// Dirt, point 6: the state of everybody stands in the name of the file alone.
#[test]
fn mailchimp_subscribed_and_nonsubscribed_are_refused_unless_told() {
    for (file, part) in [
        ("mailchimp/subscribed_members_export_abc.csv", "who are subscribed"),
        ("mailchimp/nonsubscribed_members_export_abc.csv", "never subscribed"),
    ] {
        let error = error(file);
        assert!(error.contains(part) && error.contains("allow_subscribed = true"), "{error}");
        let told = Spec { allow_subscribed: true, ..csv_spec() };
        let read = read_with(file, &told).unwrap();
        assert_eq!(read.rows, ["bob@example.com opt-out - - -"]);
        assert!(read.report.warnings[0].contains("because of allow_subscribed"));
    }
}

#[test]
fn mandrill_has_a_column_twice() {
    let read = is(
        "mandrill/rejects.csv",
        "Mandrill's rejections",
        &[
            // Dirt, point 5: of `expires_at`, which it has twice, the last that is not empty.
            "bob@example.com undeliverable - 2016-01-14T19:08:17.51258Z 2036-03-01T00:00:00Z",
            "tim@example.com opt-out - 2016-01-14T19:08:17Z -",
            "ann@example.com complaint - 2016-01-14T19:08:19Z -",
            "ian@example.com manual - 2016-01-14T19:08:20Z -",
        ],
    );
    // The soft bounce of sue is over; an opt-out never is, whatever the file says.
    assert_eq!(read.report.unselected_because, [("has come to its end", 1)]);
    assert_eq!(read.report.dropped_ends, 1);
}

#[test]
fn brevo_contacts_with_their_state() {
    let read = is(
        "brevo/contacts.csv",
        "Brevo's contacts, with what they agreed to",
        &["bob@example.com opt-out - 2019-12-17T00:00:00Z -"],
    );
    assert_eq!(read.report.unselected_because, [("is not blocklisted", 1)]);
}

#[test]
fn brevo_contacts_without_it_are_refused() {
    let error = error("brevo/contacts_without_status.csv");
    assert!(error.contains("Brevo") && error.contains("allow_subscribed"), "{error}");
}

#[test]
fn listmonk_blocklisted_are_taken_and_the_others_are_not() {
    let read = is(
        "listmonk/subscribers.csv",
        "listmonk's subscribers",
        &["bob@example.com opt-out - 2024-06-01T12:00:00.123456Z -"],
    );
    assert_eq!(
        read.report.unselected_because,
        [("is enabled in listmonk", 1), ("is disabled in listmonk, and not blocklisted", 1)]
    );
    assert_eq!(read.report.unselected, 2);
    assert!(read.report.warnings[0].contains("subscription_status=unsubscribed"));
}

#[test]
fn listmonk_without_blocklisted_is_refused_unless_told_that_it_is_filtered() {
    let file = "listmonk/list_3_unsubscribed.csv";
    let error = error(file);
    assert!(error.contains("listmonk") && error.contains("allow_subscribed"), "{error}");
    is_with(
        file,
        &Spec { allow_subscribed: true, ..csv_spec() },
        "listmonk's subscribers",
        &["tim@example.com opt-out - 2024-06-01T12:00:00.123456Z -"],
    );
}

#[test]
fn mautic_contacts_do_not_say_who_opted_out() {
    let error = error("mautic/contacts.csv");
    assert!(error.contains("lead_donotcontact"), "{error}");
}

#[test]
fn mautic_as_its_table() {
    let read = is(
        "mautic/donotcontact.csv",
        "Mautic's table of those not to be contacted",
        &[
            "bob@example.com opt-out - 2024-05-01T12:00:00Z -",
            "tim@example.com undeliverable - 2024-05-01T12:00:01Z -",
            "sue@example.com manual - 2024-05-01T12:00:02Z -",
        ],
    );
    assert_eq!(read.report.unselected_because, [("is about another channel than e-mail", 1)]);
}

/// As a query gives it, with the columns of the tables.
#[test]
fn mautic_from_its_database() {
    use sources::{Columns, Format, Inputs, List, SpoolWriter};
    use std::ops::ControlFlow;
    let mut writer = SpoolWriter::new(&std::env::temp_dir()).unwrap();
    writer.columns(&["email", "date_added", "reason", "channel"]).unwrap();
    for (reason, channel) in [("1", "email"), ("2", "email"), ("3", "sms")] {
        let row =
            [Some("bob@example.com"), Some("2024-05-01 12:00:00"), Some(reason), Some(channel)];
        writer.row(row.into_iter()).unwrap();
    }
    let spec = Spec::new("crm", Format::Table(Columns::default()));
    let inputs = Inputs::spool("crm", writer.finish().unwrap());
    let list = List::open(inputs, &spec, &mut |_| ()).unwrap();
    assert_eq!(list.recognised(), ["Mautic's table of those not to be contacted"]);
    let mut kinds = Vec::new();
    let report = list.read(crate::support::now(), &mut |_| (), &mut |row| {
        kinds.push(row.kind.as_str());
        ControlFlow::Continue(())
    });
    assert_eq!(kinds, ["opt-out", "undeliverable"]);
    assert_eq!(report.unwrap().unselected, 1);
}

#[test]
fn mailtrain_blacklist_is_any_list() {
    is("mailtrain/blacklist.csv", "", &["bob@example.com opt-out - - -"]);
}

#[test]
fn hubspot_says_several_things_in_a_row() {
    let read = is(
        "hubspot/unsubscribes_and_bounces.csv",
        "HubSpot's unsubscribes and bounces",
        &[
            "bob@example.com opt-out - - -",
            "tim@example.com opt-out Marketing Information - -",
            // Dirt, point 8: two reasons for one address are two entries.
            "sue@example.com complaint - - -",
            "sue@example.com undeliverable - - -",
            "ann@example.com undeliverable - - -",
        ],
    );
    assert_eq!(read.report.unselected_because, [("is neither unsubscribed nor bounced", 1)]);
    assert_eq!((read.report.accepted, read.report.addresses), (4, 5));
}

#[test]
fn customer_files_with_a_flag_are_refused() {
    use crate::support::{csv, csv_error};
    let error = csv_error("email;name;optout\na@example.com;A;1\nb@example.com;B;0\n");
    assert!(error.contains("\"optout\"") && error.contains("allow_subscribed"), "{error}");
    let taken = csv("email;name;optout\na@example.com;A;1\n");
    assert_eq!(taken.addresses(), ["a@example.com"]);
}
