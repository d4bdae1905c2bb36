//! Lists of people who may be mailed, told by what their rows say, and what helps.

use sources::{Column, Columns, CsvSpec, Format, Input, Spec};
use suppression::Kind;

use super::{as_format, is};
use crate::support::{csv, csv_error, csv_spec, read_as, read_inputs};

fn told(text: &str) {
    let error = csv_error(text);
    assert!(error.contains("allow_subscribed = true"), "{error}");
    assert!(!error.contains("@x.example"), "{error}");
    let told = Spec { allow_subscribed: true, ..csv_spec() };
    read_as(text.as_bytes(), &told).unwrap();
}

/// The first two hundred rows were looked at, and no others.
#[test]
fn a_row_far_below_shows_what_the_list_is() {
    for last in ["z@x.example,0\n", "z@x.example,\n", "z@x.example\n"] {
        told(&format!("email,optout\n{}{last}", "a@x.example,1\n".repeat(500)));
    }
    let error = csv_error(format!("email,opt_in\n{}z@x.example,1\n", "a@x.example,\n".repeat(500)));
    assert!(error.contains("such as that of line 502"), "{error}");
    // Rows about nobody say nothing of anybody.
    let text = format!("email,optout\n{}, \n,0\n", "a@x.example,1\n".repeat(500));
    assert_eq!(csv(text).report.accepted, 500);
    let json = format!(
        "[{}{{\"email\":\"z@x.example\",\"optout\":false}}]",
        "{\"email\":\"a@x.example\",\"optout\":true},".repeat(500)
    );
    let detect = Spec::new("crm", Format::Detect(CsvSpec::default()));
    let error = read_as(json.as_bytes(), &detect).unwrap_err().to_string();
    assert!(error.contains("\"optout\""), "{error}");
}

#[test]
fn a_blank_flag_is_no_opt_out() {
    told("email,opted_out\na@x.example,1\nb@x.example,\n");
    told("email,opted_out\na@x.example,\nb@x.example,\n");
    let columns = Columns { kind: Some(Column::Name("gone".into())), ..Columns::default() };
    let spec = as_format(Format::Csv(CsvSpec { columns, ..CsvSpec::default() }));
    let text = b"email,gone\na@x.example,1\nb@x.example,\n";
    let error = read_as(text, &spec).unwrap_err().to_string();
    assert!(error.contains("\"gone\"") && error.contains("allow_subscribed"), "{error}");
}

#[test]
fn people_who_agreed_are_no_opt_outs() {
    told("email,opt_in\na@x.example,1\n");
    told("email,Consent\na@x.example,no\nb@x.example,yes\n");
    told("email,newsletter\na@x.example,yes\nb@x.example,no\n");
    assert_eq!(csv("email,newsletter\na@x.example,no\n").report.accepted, 1);
    let consents = Spec { kind: Some(Kind::Consent), ..csv_spec() };
    let text = b"email,opt_in,date\na@x.example,1,2019-12-17\n";
    assert_eq!(read_as(text, &consents).unwrap().report.accepted, 1);
}

/// `subscribed_…` of Mailchimp with all other columns taken out.
#[test]
fn the_name_of_a_file_and_an_address_are_enough() {
    for text in ["Email Address\na@x.example\n", "E-Mail-Adresse,Name\na@x.example,A\n"] {
        for start in ["subscribed", "nonsubscribed"] {
            let file = || Input::bytes(&format!("{start}_members_export_1.csv"), text.as_bytes());
            let error = read_inputs(file(), &csv_spec()).unwrap_err().to_string();
            assert!(error.contains("Mailchimp") && error.contains("allow_subscribed"), "{error}");
            let told = Spec { allow_subscribed: true, ..csv_spec() };
            assert_eq!(read_inputs(file(), &told).unwrap().report.accepted, 1);
        }
        let file = Input::bytes("unsubscribed_members_export_1.csv", text.as_bytes());
        assert_eq!(read_inputs(file, &csv_spec()).unwrap().report.accepted, 1);
    }
}

/// `sending_domain` says how much of the account it is about: here it is the source's scope.
#[test]
fn a_level_of_cloudflare_is_no_scope() {
    is(
        "cloudflare/levels.csv",
        "a list for Cloudflare Email Service",
        &[
            "a@example.com undeliverable - - 2036-01-01T00:00:00Z",
            "b@example.com undeliverable - - 2036-01-01T00:00:00Z",
            "c@example.com opt-out - - -",
        ],
    );
}

#[test]
fn what_a_company_notes_of_its_contacts_is_no_subscription() {
    let head = "Email,First name,Nice,Portal Bounce,Portal Unsubscribe,Portal Spam Report,\
                Global Bounce,Customer Service,Is Customer,Unsubscribed from News,Town\n";
    let rows = "a@x.example,True,TRUE,FALSE,FALSE,FALSE,FALSE,FALSE,TRUE,FALSE,True\n\
                b@x.example,Bob,FALSE,FALSE,FALSE,FALSE,FALSE,TRUE,TRUE,TRUE,Rome\n\
                c@x.example,Tim,TRUE,FALSE,TRUE,FALSE,FALSE,FALSE,FALSE,FALSE,Oslo\n";
    let read = csv(format!("{head}{rows}"));
    let scopes: Vec<_> = read.report.tallies.iter().map(|tally| tally.scope.clone()).collect();
    let named = |name: &str| Some(name.parse().unwrap());
    assert_eq!(scopes, [named("Customer Service"), named("Unsubscribed from News"), None]);
    assert_eq!((read.report.accepted, read.report.unselected), (2, 1));
    let warning = &read.report.warnings[0];
    assert!(warning.starts_with("\"Nice\", \"Is Customer\" not taken"), "{warning}");
}
