//! The exports of `list-formats.md` §4.1 that are CSV or XML, in their exact shapes.

use sources::{Format, Spec};

use crate::support::{Outcome, csv, csv_error, csv_spec, read_as, xml};

const UNIX: &str = "2015-09-30T22:12:05Z";

fn one(text: &str) -> Outcome {
    let outcome = csv(text);
    assert_eq!(outcome.rows.len(), 1, "{text}: {:?}", outcome.report);
    assert_eq!(outcome.report.bad, 0);
    outcome
}

#[test]
fn sendgrid() {
    let bounces =
        one("status,reason,email,created\n5.1.1,\"550 5.1.1 The email account, that you \
                       tried…\",Bob@Example.com,1443651125\n");
    assert_eq!(bounces.addresses(), ["Bob@example.com"]);
    assert_eq!(bounces.times(), [Some(UNIX)]);
    assert_eq!(bounces.reasons(), [Some("550 5.1.1 The email account, that you tried…")]);
    assert!(bounces.report.warnings[0].contains("SendGrid"), "{:?}", bounces.report.warnings);

    for text in [
        "ip,email,created\n203.0.113.9,bob@example.com,1443651125\n",
        "reason,email,created\nMail domain mentioned is unknown,bob@example.com,1443651125\n",
        "email,created\nbob@example.com,1443651125\n",
    ] {
        let outcome = one(text);
        assert_eq!(outcome.addresses(), ["bob@example.com"]);
        assert_eq!(outcome.times(), [Some(UNIX)]);
        assert!(outcome.report.warnings.is_empty());
    }
}

#[test]
fn sendgrid_legacy_xml() {
    let text = b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<unsubscribes>\n<unsubscribe>\
                 <email>m\xfcller@example.com</email><created>2009-06-10 12:40:30</created>\
                 </unsubscribe>\n</unsubscribes>";
    let outcome = xml("/unsubscribes/unsubscribe", text);
    assert_eq!(outcome.addresses(), ["müller@example.com"]);
    assert_eq!(outcome.times(), [Some("2009-06-10T12:40:30Z")]);
    assert_eq!(outcome.rows[0].0, 3);
}

#[test]
fn mailgun() {
    let outcome =
        one("address,code,error,created_at\nbob@example.com,550,\"No such user, sorry\",\
                       \"Fri, 21 Oct 2011 11:02:55 GMT\"\n");
    assert_eq!(outcome.times(), [Some("2011-10-21T11:02:55Z")]);
    assert_eq!(outcome.reasons(), [Some("No such user, sorry")]);
    assert!(outcome.report.warnings[0].contains("Mailgun"));
    let outcome =
        one("address,tags,created_at\nbob@example.com,*,\"Fri, 21 Oct 2011 11:02:55 UTC\"\n");
    assert_eq!(outcome.times(), [Some("2011-10-21T11:02:55Z")]);
    one("address,created_at\nbob@example.com,\"Fri, 21 Oct 2011 11:02:55 UTC\"\n");
}

#[test]
fn amazon_ses_has_no_header() {
    let outcome = csv("recipient1@example.com,BOUNCE\nrecipient2@example.com, COMPLAINT\n");
    assert_eq!(outcome.addresses(), ["recipient1@example.com", "recipient2@example.com"]);
    assert_eq!(outcome.reasons(), [Some("BOUNCE"), Some("COMPLAINT")]);
    assert!(outcome.report.warnings[0].contains("SES"));
}

const MAILCHIMP: &str = "Email Address,First Name,Last Name,MEMBER_RATING,OPTIN_TIME,OPTIN_IP,\
    CONFIRM_TIME,CONFIRM_IP,GMTOFF,DSTOFF,TIMEZONE,CC,REGION,LAST_CHANGED";

#[test]
fn mailchimp_unsubscribed() {
    let text = format!(
        "{MAILCHIMP},UNSUB_TIME,UNSUB_CAMPAIGN_TITLE,UNSUB_CAMPAIGN_ID,UNSUB_REASON,\
         UNSUB_REASON_OTHER,LEID,EUID,NOTES,TAGS\n\
         bob@example.com,Bob,S,2,\"2018-05-01 10:00:00\",203.0.113.9,\"2018-05-01 10:00:00\",\
         203.0.113.9,,,,,,\"2019-05-02 08:00:00\",\"2019-05-02 07:59:59\",Spring,abc,\
         NORMAL,,1,e,,\"\"\"vip\"\",\"\"2019\"\"\"\n"
    );
    let outcome = one(&text);
    assert_eq!(outcome.times(), [Some("2019-05-02T07:59:59Z")]);
    assert_eq!(outcome.reasons(), [Some("NORMAL")]);
    assert!(outcome.report.warnings.is_empty());
}

#[test]
fn mailchimp_cleaned_is_taken_with_a_warning() {
    let text = format!(
        "{MAILCHIMP},CLEAN_TIME,CLEAN_CAMPAIGN_TITLE,CLEAN_CAMPAIGN_ID,LEID,EUID,NOTES,TAGS\n\
         bob@example.com,Bob,S,2,,,,,,,,,,,2019/05/02 07:59:59,T,i,1,e,,\n"
    );
    let outcome = one(&text);
    assert_eq!(outcome.times(), [Some("2019-05-02T07:59:59Z")]);
    assert!(outcome.report.warnings[0].contains("Mailchimp's cleaned"));
}

#[test]
fn mailchimp_subscribed_is_refused_unless_told() {
    let text =
        format!("{MAILCHIMP},LEID,EUID,NOTES,TAGS\nbob@example.com,Bob,S,2,,,,,,,,,,,1,e,,\n");
    let error = csv_error(&text);
    assert!(error.starts_with("list: this looks like Mailchimp's export"), "{error}");
    assert!(error.contains("allow_subscribed = true"), "{error}");
    let spec = Spec { allow_subscribed: true, ..csv_spec() };
    let outcome = read_as(text.as_bytes(), &spec).unwrap();
    assert_eq!(outcome.addresses(), ["bob@example.com"]);
    assert!(outcome.report.warnings[0].contains("allow_subscribed"));
    // As consents, such a file is what it should be: only the dates are wanting.
    let spec = Spec { kind: Some(suppression::Kind::Consent), ..csv_spec() };
    assert_eq!(read_as(text.as_bytes(), &spec).unwrap().report.bad, 1);
}

#[test]
fn customer_files_with_a_flag_are_refused() {
    let error = csv_error("email;name;optout\na@example.com;A;1\nb@example.com;B;0\n");
    assert!(error.contains("\"optout\"") && error.contains("allow_subscribed"), "{error}");
    let taken = csv("email;name;optout\na@example.com;A;1\n");
    assert_eq!(taken.addresses(), ["a@example.com"]);
}

#[test]
fn mandrill_has_a_name_twice() {
    let text = "email,reason,detail,created_at,expires_at,last_event_at,expires_at,subaccount\n\
                bob@example.com,hard-bounce,smtp;550,2016-01-14 19:08:17.51258,2016-02-01 00:00:00,\
                2016-01-15 00:00:00,2016-03-01 00:00:00,\n\
                tim@example.com,unsub,,2016-01-14 19:08:17,2016-02-01 00:00:00,,,\n";
    let outcome = csv(text);
    assert_eq!(outcome.times()[0], Some("2016-01-14T19:08:17.51258Z"));
    assert_eq!(outcome.reasons(), [Some("hard-bounce"), Some("unsub")]);
    let Format::Csv(mut spec) = csv_spec().format else { panic!() };
    spec.columns.date = Some("expires_at".parse().unwrap());
    let outcome = read_as(text.as_bytes(), &Spec::new("m", Format::Csv(spec))).unwrap();
    assert_eq!(outcome.times(), [Some("2016-03-01T00:00:00Z"), Some("2016-02-01T00:00:00Z")]);
}

#[test]
fn sparkpost() {
    let outcome = one("recipient,type,description\nbob@example.com,non_transactional,Imported\n");
    assert_eq!(outcome.reasons(), [Some("Imported")]);
    let text = "Recipient, Transactional, NonTransactional, Source, Updated, Created, Description\n\
                bob@example.com, false, true, Manually Added, 2019-12-17T08:58:33+00:00, \
                2019-12-16T08:58:33+00:00, none\n";
    let outcome = one(text);
    assert_eq!(outcome.times(), [Some("2019-12-16T08:58:33Z")]);
    let plain = csv("bob@example.com\ntim@example.com\n");
    assert_eq!(plain.addresses(), ["bob@example.com", "tim@example.com"]);
}

#[test]
fn listmonk_of_all_subscribers_is_refused() {
    let text = "uuid,email,name,attributes,status,created_at,updated_at\n\
                1,bob@example.com,Bob,\"{\"\"city\"\":\"\"Bern\"\"}\",STATUS,\
                2024-05-01 12:00:00.123456 +0000 UTC,2024-06-01 12:00:00.123456 +0000 UTC\n";
    let error = csv_error(text.replace("STATUS", "enabled"));
    assert!(error.contains("listmonk"), "{error}");
    let outcome = one(&text.replace("STATUS", "blocklisted"));
    assert_eq!(outcome.times(), [Some("2024-05-01T12:00:00.123456Z")]);
}

#[test]
fn the_rest() {
    // Telnyx: `to` is the recipient, `from` is not.
    let outcome = one("id,to,from,reason,source,scope,status,domain_id,created_at,updated_at,\
                       expires_at,group_id\n1,bob@example.com,us@corp.example,unsubscribe,api,,\
                       active,,2019-12-17T08:58:33Z,,,\n");
    assert_eq!(outcome.addresses(), ["bob@example.com"]);
    // promio
    let outcome = one("\"ts\";\"mail\";\"custID\";\"id\";\"sourceType\"\n\"2019-12-17 08:58:33\";\
             \"bob@example.com\";\"1\";\"2\";\"web\"\n");
    assert_eq!(outcome.times(), [Some("2019-12-17T08:58:33Z")]);
    // Brevo
    let outcome = one("EMAIL;LASTNAME;ADDED_TIME\nbob@example.com;S;2019-12-17\n");
    assert_eq!(outcome.addresses(), ["bob@example.com"]);
    // Cloudflare, without a header: when it expires is not when the person asked.
    let outcome = one("bob@example.com,2019-12-17T08:58:33Z,all\n");
    assert_eq!(outcome.times(), [None]);
    // MailUp's form of time
    let outcome = one("email,OptOut_Date,optout_nl\nbob@example.com,20110122T111244,3\n");
    assert_eq!(outcome.times(), [Some("2011-01-22T11:12:44Z")]);
}

#[test]
fn a_list_of_digests_is_named_as_such() {
    let outcome = csv("b58996c504c5638798eb6b511e6f49af\nd41d8cd98f00b204e9800998ecf8427e\n");
    assert_eq!((outcome.report.accepted, outcome.report.bad), (0, 2));
    let why = sources::judge(&outcome.report, None, &sources::Guards::default()).unwrap_err();
    assert!(why.to_string().contains("hashed lists"), "{why}");
}
