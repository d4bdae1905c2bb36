//! Reports over evidence that was written by hand and a ledger with a past.

use std::collections::BTreeMap;
use std::sync::Arc;

use address::{Mailbox, PersonRules};
use ledger::{KeyFile, Ledger};
use suppression::{AddressKeys, Kind, NewEntry, Scope, Timestamp};

use super::*;
use crate::config::{Settings, Surroundings, load_text};

struct House {
    _folder: tempfile::TempDir,
    settings: Arc<Settings>,
    ledger: Ledger,
    key: KeyFile,
    evidence: String,
    number: u32,
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// One mail: whom, when, the verdict, and what else its decision and its outcome say.
struct Mail<'a> {
    to: &'a str,
    day: &'a str,
    verdict: &'a str,
    decision: &'a str,
    outcome: &'a str,
}

impl House {
    fn new(more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = format!(
            "[smarthost]\naddress = \"127.0.0.1:9\"\n[server]\nhostname = \"mail.example.com\"\n{more}"
        );
        let loaded =
            load_text(&folder.path().join("optgate.toml"), &text, &Surroundings::default());
        let shown = loaded.report.render(false);
        let settings = Arc::new(loaded.settings.expect(&shown));
        let key = KeyFile::create(&settings.ledger.key_file).unwrap();
        let ledger = Ledger::create(&settings.ledger.path, &key, at("2026-01-01")).unwrap();
        Self { _folder: folder, settings, ledger, key, evidence: String::new(), number: 0 }
    }

    fn keys(&self, address: &str) -> AddressKeys {
        let mailbox = Mailbox::parse(address).unwrap();
        self.key.hasher().keys(&mailbox.canonical(&PersonRules::default()).unwrap())
    }

    /// Records an entry, stated and recorded on these days; gives its row.
    fn entry(&mut self, who: &str, kind: Kind, scope: Scope, stated: &str, recorded: &str) -> u64 {
        let entry = NewEntry {
            kind,
            scope,
            key_id: self.key.id(),
            keys: self.keys(who),
            subject: suppression::Subject::Address,
            plain: None,
            source: "crm".to_owned(),
            stated: Some(at(stated)),
            expires: None,
            reason: None,
            evidence: BTreeMap::new(),
        };
        self.ledger.append(at(recorded), None, &[entry]).unwrap().head
    }

    fn opt_out(&mut self, who: &str, stated: &str, recorded: &str) -> u64 {
        self.entry(who, Kind::OptOut, Scope::Commercial, stated, recorded)
    }

    /// Writes the decision about a mail, and the outcome of its transaction if there is one.
    fn mail(&mut self, mail: &Mail<'_>) -> String {
        self.number += 1;
        let reference = format!("0000000000{:03}", self.number);
        let transaction = format!("T000000000{:03}", self.number);
        let keys = self.keys(mail.to);
        let [exact, person] = [keys.exact, keys.person].map(|d| d.to_string()[..32].to_owned());
        let time = format!("{}T12:00:00Z", mail.day);
        let both = format!(
            "\"time\":\"{time}\",\"client\":\"10.1.2.3\",\"transaction\":\"{transaction}\""
        );
        self.evidence += &format!(
            "{{\"record\":\"decision\",{both},\"listener\":\"127.0.0.1:2525\",\"ref\":\"{reference}\",\"recipient\":\"{exact}\",\"person\":\"{person}\",\"verdict\":\"{}\"{}}}\n",
            mail.verdict, mail.decision
        );
        if !mail.outcome.is_empty() {
            self.evidence +=
                &format!("{{\"record\":\"outcome\",{both},\"recipients\":1{}}}\n", mail.outcome);
        }
        reference
    }

    fn sent(&mut self, to: &str, day: &str, verdict: &str) -> String {
        let (decision, outcome) =
            (",\"stream\":\"default\"", ",\"stream\":\"default\",\"ending\":\"accepted\"");
        self.mail(&Mail { to, day, verdict, decision, outcome })
    }

    fn write(&self) {
        std::fs::write(self.settings.ledger.path.with_file_name("evidence.jsonl"), &self.evidence)
            .unwrap();
    }

    fn deadlines(&self, pass: usize) -> (Vec<OptOutLine>, DeadlinesSummary) {
        self.write();
        let mut lines = Vec::new();
        let asked = DeadlinesAsked { span: TimeSpan::default(), pass };
        let summary = deadlines(&self.settings, asked, &mut |line| {
            lines.push(line.clone());
            Ok(())
        });
        (lines, summary.unwrap())
    }
}

#[test]
fn mail_after_the_deadline_is_found_for_both_reasons() {
    let mut house = House::new("");
    // 2026-03-02 is a Monday; the tenth business day after it is 2026-03-16.
    let known = house.opt_out("known@example.com", "2026-03-02", "2026-03-02");
    let late = house.opt_out("late@example.com", "2026-03-02", "2026-04-10");
    house.sent("known@example.com", "2026-03-16", "shadow");
    let watched = house.sent("Known+x@Example.com", "2026-03-17", "shadow");
    let unknown = house.sent("late@example.com", "2026-03-20", "permit");
    house.sent("other@example.com", "2026-03-20", "permit");
    let refused = house.sent("late@example.com", "2026-04-11", "refuse");
    assert!(!refused.is_empty());
    let (lines, summary) = house.deadlines(PASS_MAX);
    let [first, second] = &lines[..] else { panic!("{lines:#?}") };
    assert_eq!((first.entry, first.mails_after, first.late), (known, 1, false));
    assert_eq!(first.deadline.to_string(), "2026-03-16");
    let mail = &first.after_deadline[0];
    assert_eq!(
        (mail.reference.as_str(), mail.why),
        (watched.as_str(), "the listener only watches")
    );
    assert_eq!(mail.application, "10.1.2.3");
    assert_eq!((second.entry, second.mails_after, second.late), (late, 1, true));
    let mail = &second.after_deadline[0];
    assert_eq!(
        (mail.reference.as_str(), mail.why),
        (unknown.as_str(), "the opt-out was not known yet")
    );
    assert_eq!(second.in_force, at("2026-04-10"));
    assert_eq!(second.first_refusal, Some(at("2026-04-11T12:00:00Z")));
    let expected = DeadlinesSummary {
        opt_outs: 2,
        withdrawn: 0,
        late: 1,
        refused: 1,
        mailed_after: 2,
        mails_after: 2,
        // On the last day of the grace, by the listener that watches.
        mails_within: 1,
        evidence: true,
    };
    assert_eq!(summary, expected);
}

#[test]
fn mail_that_was_allowed_is_no_offence() {
    let mut house = House::new(
        "[[stream]]\nname = \"receipts\"\nclass = \"transactional\"\nsender = [\"<>\"]\n",
    );
    let day = "2026-05-04";
    house.opt_out("receipt@example.com", "2026-03-02", "2026-03-02");
    let (decision, outcome) = (
        ",\"stream\":\"receipts\"",
        ",\"stream\":\"receipts\",\"class\":\"transactional\",\"ending\":\"accepted\"",
    );
    house.mail(&Mail { to: "receipt@example.com", day, verdict: "permit", decision, outcome });

    house.opt_out("again@example.com", "2026-03-02", "2026-03-02");
    house.entry("again@example.com", Kind::Consent, Scope::Commercial, "2026-04-01", "2026-04-01");
    house.sent("again@example.com", day, "permit");

    let mistake = house.opt_out("mistake@example.com", "2026-03-02", "2026-03-02");
    house.sent("mistake@example.com", day, "shadow");
    house.ledger.withdraw(at("2026-06-01"), "cli", "wrong file", &[mistake]).unwrap();

    house.opt_out("refused@example.com", "2026-03-02", "2026-03-02");
    let (decision, outcome) =
        (",\"stream\":\"default\"", ",\"stream\":\"default\",\"ending\":\"refused\"");
    house.mail(&Mail { to: "refused@example.com", day, verdict: "permit", decision, outcome });
    let outcome = "";
    house.mail(&Mail { to: "refused@example.com", day, verdict: "permit", decision, outcome });

    let (lines, summary) = house.deadlines(PASS_MAX);
    assert_eq!((summary.opt_outs, summary.mails_after, summary.withdrawn), (4, 0, 1), "{lines:#?}");
}

#[test]
fn a_consent_given_after_the_mail_or_to_another_spelling_excuses_nothing() {
    let mut house = House::new("");
    for who in ["later@example.com", "other@example.com"] {
        house.opt_out(who, "2026-03-02", "2026-03-02");
        house.sent(who, "2026-05-04", "shadow");
    }
    let consent = |house: &mut House, who, day| {
        house.entry(who, Kind::Consent, Scope::Commercial, day, day);
    };
    consent(&mut house, "later@example.com", "2026-05-05");
    consent(&mut house, "other+x@example.com", "2026-04-01");
    assert_eq!(house.deadlines(PASS_MAX).1.mailed_after, 2);
}

#[test]
fn many_passes_tell_the_same_as_one() {
    let mut house = House::new("");
    for number in 0..25 {
        let who = format!("u{number}@example.com");
        house.opt_out(
            &who,
            "2026-03-02",
            if number % 3 == 0 { "2026-04-01" } else { "2026-03-02" },
        );
        house.sent(&who, "2026-05-04", if number % 2 == 0 { "shadow" } else { "refuse" });
    }
    let whole = house.deadlines(PASS_MAX);
    assert_eq!(whole.1.mailed_after, 13);
    assert_eq!((whole.1.refused, whole.1.late), (12, 9));
    for pass in [1, 4, 24, 25, 26] {
        assert_eq!(house.deadlines(pass), whole, "{pass}");
    }
}

#[test]
fn grace_and_calendar_are_those_of_the_configuration() {
    let mut house =
        House::new("[enforcement]\ngrace = \"10 business days\"\ncalendar = \"us-federal\"\n");
    house.opt_out("a@example.com", "2026-11-20", "2026-11-20");
    let (lines, _) = house.deadlines(PASS_MAX);
    assert_eq!(lines[0].deadline.to_string(), "2026-12-07");
    assert_eq!(lines[0].in_force, at("2026-12-08"));
    assert!(!lines[0].late);
}

#[test]
fn shadow_counts_by_application_stream_and_list() {
    let mut house = House::new("[[listener]]\naddress = \"127.0.0.1:2525\"\naction = \"shadow\"\n");
    let of = |list: &str| format!(",\"stream\":\"default\",\"list\":\"{list}\",\"login\":\"erp\"");
    let outcome = ",\"stream\":\"default\",\"ending\":\"accepted\",\"login\":\"erp\"";
    let (crm, shop) = (of("crm"), of("shop"));
    for (verdict, decision) in
        [("shadow", &crm), ("shadow", &crm), ("shadow", &shop), ("permit", &crm)]
    {
        house.mail(&Mail { to: "a@example.com", day: "2026-03-20", verdict, decision, outcome });
    }
    house.mail(&Mail {
        to: "a@example.com",
        day: "2026-03-21",
        verdict: "shadow",
        decision: &crm,
        outcome: "",
    });
    // A stream that only the header decides: refused on `news`, not on `rest`.
    let open = ",\"streams\":[\"news\",\"rest\"],\"refusing\":[\"news\"],\"list\":\"crm\"";
    for stream in ["news", "rest"] {
        let outcome = format!(",\"stream\":\"{stream}\",\"ending\":\"accepted\"");
        let mail = Mail {
            to: "a@example.com",
            day: "2026-03-22",
            verdict: "shadow",
            decision: open,
            outcome: &outcome,
        };
        house.mail(&mail);
    }
    house.write();
    let report = shadow(&house.settings, TimeSpan::default()).unwrap();
    assert_eq!(report.listeners, ["127.0.0.1:2525"]);
    let [client, erp] = &report.applications[..] else { panic!("{report:#?}") };
    assert_eq!((erp.application.as_str(), erp.recipients, erp.refused), ("erp", 5, 4));
    let row = &erp.lists[0];
    assert_eq!((row.list.as_deref(), row.recipients, row.sent), (Some("crm"), 3, 2));
    assert_eq!(row.last, at("2026-03-21T12:00:00Z"));
    assert_eq!(
        (client.application.as_str(), client.recipients, client.refused),
        ("10.1.2.3", 2, 1)
    );
    assert_eq!(client.lists[0].stream, "news");
    let since = TimeSpan { since: Some("2026-03-22".parse().unwrap()), until: None };
    assert_eq!(shadow(&house.settings, since).unwrap().applications.len(), 1);
}

#[test]
fn who_declares_everything_transactional_comes_first_and_is_marked() {
    let mut house = House::new(
        "[[stream]]\nname = \"receipts\"\nclass = \"transactional\"\nsender = [\"<>\"]\n\
         [[stream]]\nname = \"unused\"\nsender = [\"@x.example\"]\n",
    );
    let (to, day, verdict) = ("a@example.com", "2026-03-20", "permit");
    let mut mail = |login: &str, stream: &str, class: &str, verdict: &str| {
        let decision = format!(",\"stream\":\"{stream}\",\"login\":\"{login}\"");
        let outcome = match verdict {
            "permit" => format!("{decision}{class},\"ending\":\"accepted\""),
            _ => String::new(),
        };
        house.mail(&Mail { to, day, verdict, decision: &decision, outcome: &outcome });
    };
    let transactional = ",\"class\":\"transactional\"";
    mail("erp", "receipts", transactional, verdict);
    mail("erp", "default", "", verdict);
    mail("erp", "default", "", "refuse");
    mail("sly", "receipts", transactional, verdict);
    mail("sly", "receipts", transactional, verdict);
    mail("sly", "default", "", "refuse");
    mail("none", "default", "", "defer");
    house.write();
    let report = streams(&house.settings, TimeSpan::default()).unwrap();
    let [sly, erp] = &report.applications[..] else { panic!("{report:#?}") };
    assert_eq!((sly.application.as_str(), sly.all_transactional), ("sly", true));
    assert_eq!((sly.streams[0].messages, sly.streams[0].class.as_str()), (2, "transactional"));
    assert_eq!((erp.application.as_str(), erp.all_transactional), ("erp", false));
    let default = erp.streams.iter().find(|row| row.stream == "default").unwrap();
    assert_eq!((default.messages, default.recipients, default.refused), (1, 1, 1));
    assert_eq!(report.unused, ["unused"]);
}

#[test]
fn mail_between_the_request_and_the_deadline_is_told_apart() {
    let mut house = House::new("[enforcement]\ngrace = \"10 business days\"\n");
    // 2026-03-02 is a Monday; the tenth business day after it is 2026-03-16.
    house.opt_out("grace@example.com", "2026-03-02T13:00:00Z", "2026-03-02T13:00:00Z");
    house.sent("grace@example.com", "2026-03-02", "permit");
    let first = house.sent("grace@example.com", "2026-03-03", "permit");
    house.sent("grace@example.com", "2026-03-16", "permit");
    house.sent("grace@example.com", "2026-03-17", "refuse");
    // Of a list that came late: of its own day nobody can say.
    house.opt_out("late@example.com", "2026-03-02", "2026-03-09");
    house.sent("late@example.com", "2026-03-02", "permit");
    let unknown = house.sent("late@example.com", "2026-03-04", "permit");
    let (lines, summary) = house.deadlines(PASS_MAX);
    let [grace, late] = &lines[..] else { panic!("{lines:#?}") };
    assert_eq!((grace.mails_within, grace.mails_after), (2, 0), "{grace:#?}");
    let mail = &grace.within_deadline[0];
    assert_eq!((mail.reference.as_str(), mail.why), (first.as_str(), "within the grace"));
    assert_eq!((late.mails_within, late.mails_after), (1, 0), "{late:#?}");
    let mail = &late.within_deadline[0];
    let why = "the opt-out was not known yet";
    assert_eq!((mail.reference.as_str(), mail.why), (unknown.as_str(), why));
    assert_eq!((summary.mails_within, summary.mails_after, summary.mailed_after), (3, 0, 0));
}

/// A permit to `a@example.com` on 4 May; gives its reference.
fn permit(house: &mut House, decision: &str, outcome: &str) -> String {
    let (to, day, verdict) = ("a@example.com", "2026-05-04", "permit");
    let outcome = match outcome {
        "" => String::new(),
        ending => format!(",\"stream\":\"default\",\"ending\":{ending}"),
    };
    let decision = format!(",\"stream\":\"default\"{decision}");
    house.mail(&Mail { to, day, verdict, decision: &decision, outcome: &outcome })
}

#[test]
fn only_what_the_smarthost_took_or_may_have_taken_counts_as_sent() {
    let mut house = House::new("");
    house.opt_out("a@example.com", "2026-03-02", "2026-06-01");
    let unknown_user = ",\"reply\":{\"code\":550,\"text\":\"5.1.1 User unknown\"}";
    let later = ",\"reply\":{\"code\":450,\"text\":\"4.2.1 later\"}";
    let fine = ",\"reply\":{\"code\":250,\"text\":\"2.1.5 ok\"}";
    let accepted = "\"accepted\"";
    // Others of the same message were taken.
    permit(&mut house, unknown_user, accepted);
    permit(&mut house, later, accepted);
    permit(&mut house, fine, "\"refused\",\"reply\":{\"code\":554,\"text\":\"5.6.0 no\"}");
    permit(&mut house, fine, "\"deferred\"");
    permit(&mut house, fine, "\"abandoned\"");
    permit(&mut house, fine, "");
    let sent = permit(&mut house, fine, accepted);
    let unknown = permit(&mut house, fine, "\"unknown\"");
    // The gate ended between the dot and its outcome.
    let crashed = permit(&mut house, fine, "");
    house.evidence += &format!(
        "{{\"record\":\"intent\",\"time\":\"2026-05-04T12:00:01Z\",\"client\":\"10.1.2.3\",\"transaction\":\"T000000000{:03}\",\"stream\":\"default\",\"recipients\":1}}\n",
        house.number
    );
    let (lines, summary) = house.deadlines(PASS_MAX);
    assert_eq!(summary.mails_after, 3, "{lines:#?}");
    let named: Vec<_> = lines[0].after_deadline.iter().map(|m| m.reference.as_str()).collect();
    assert_eq!(named, [&sent, &unknown, &crashed]);

    let keys = house.keys("a@example.com").person.to_string();
    let past = history(&house.settings, &[keys], &[]).unwrap();
    let counts = (past.sent, past.unknown, past.smarthost_refused, past.not_sent, past.refused);
    assert_eq!(counts, (1, 2, 2, 3, 0), "{past:#?}");
    let told: Vec<_> =
        past.latest.iter().map(|line| (line.what.as_str(), line.reason.as_deref())).collect();
    assert_eq!(
        told,
        [
            ("smarthost refused", Some("550 5.1.1 User unknown")),
            ("not sent", Some("450 4.2.1 later")),
            ("smarthost refused", Some("554 5.6.0 no")),
            ("not sent", Some("the message was deferred")),
            ("not sent", Some("the message was abandoned")),
            ("sent", None),
            ("unknown", None),
            ("unknown", None),
        ]
    );
}

#[test]
fn the_past_says_where_an_objection_was_to_other_mail() {
    let mut house = House::new("");
    let open = ",\"streams\":[\"news\",\"reset\"],\"refusing\":[\"news\"],\"reason\":\"opted out of \\\"news\\\"\"";
    for (verdict, stream) in [("shadow", "reset"), ("provisional", "reset"), ("shadow", "news")] {
        let outcome = format!(",\"stream\":\"{stream}\",\"ending\":\"accepted\"");
        let (to, day) = ("a@example.com", "2026-05-04");
        house.mail(&Mail { to, day, verdict, decision: open, outcome: &outcome });
    }
    house.write();
    let keys = house.keys("a@example.com").person.to_string();
    let past = history(&house.settings, &[keys], &[]).unwrap();
    assert_eq!((past.sent, past.shadowed), (3, 1));
    let told: Vec<_> = past.latest.iter().map(|line| line.reason.as_deref().unwrap()).collect();
    let other = "opted out of \"news\"; that is about other mail (news)";
    assert_eq!(told, [other, other, "opted out of \"news\""]);
}

#[test]
fn let_through_by_a_watching_listener_counts_when_it_was_taken() {
    let mut house = House::new("");
    let (to, day, verdict) = ("a@example.com", "2026-05-04", "shadow");
    let refused = ",\"stream\":\"default\",\"reply\":{\"code\":550,\"text\":\"no\"}";
    for (decision, ending) in [
        (",\"stream\":\"default\"", "accepted"),
        (",\"stream\":\"default\"", "refused"),
        (refused, "accepted"),
    ] {
        let outcome = format!(",\"stream\":\"default\",\"ending\":\"{ending}\"");
        house.mail(&Mail { to, day, verdict, decision, outcome: &outcome });
    }
    house.write();
    let report = streams(&house.settings, TimeSpan::default()).unwrap();
    let row = &report.applications[0].streams[0];
    assert_eq!((row.messages, row.shadowed), (2, 1), "{report:#?}");
    let report = shadow(&house.settings, TimeSpan::default()).unwrap();
    let row = &report.applications[0].lists[0];
    assert_eq!((row.recipients, row.sent), (3, 1), "{report:#?}");
}

#[test]
fn findings_are_counted_by_gate_verdict_and_stream() {
    let mut house = House::new(
        "[[gate]]\nname = \"one-click\"\ncheck = \"one-click\"\nverdict = \"shadow\"\n\
         [[gate]]\nname = \"size\"\ncheck = \"received\"\nmore_than = 5\n\
         [[milter]]\nname = \"scan\"\naddress = \"127.0.0.1:9\"\n",
    );
    let mut number = 0;
    let mut line = |record: &str, day: &str, gate: &str, more: &str| {
        number += 1;
        house.evidence += &format!(
            "{{\"record\":\"{record}\",\"time\":\"{day}T12:00:00Z\",\"client\":\"10.1.2.3\",\"transaction\":\"T{number}\",\"gate\":\"{gate}\",\"reason\":\"found {number}\"{more}}}\n"
        );
    };
    let (watched, refused) =
        (",\"verdict\":\"shadow\",\"stream\":\"news\"", ",\"verdict\":\"refuse\"");
    line("finding", "2026-05-04", "gate one-click", watched);
    line("finding", "2026-05-05", "gate one-click", watched);
    line("finding", "2026-05-05", "gate one-click", refused);
    line("decision", "2026-05-06", "milter scan", ",\"verdict\":\"refuse\",\"ref\":\"R4\"");
    line("decision", "2026-05-06", "opt-out", refused);
    line("finding", "2026-05-09", "gate one-click", watched);
    house.write();
    let span =
        TimeSpan { since: Some(at("2026-05-04").day()), until: Some(at("2026-05-06").day()) };
    let report = findings(&house.settings, span).unwrap();
    let rows: Vec<_> = report
        .rows
        .iter()
        .map(|row| {
            (&*row.gate, &*row.verdict, &*row.stream, row.findings, &*row.found, &*row.reference)
        })
        .collect();
    assert_eq!(
        rows,
        [
            ("gate one-click", "refuse", "unknown", 1, "found 3", "T3"),
            ("gate one-click", "shadow", "news", 2, "found 2", "T2"),
            ("milter scan", "refuse", "unknown", 1, "found 4", "R4"),
        ]
    );
    assert_eq!(
        (report.rows[1].first, report.rows[1].last),
        (at("2026-05-04T12:00:00Z"), at("2026-05-05T12:00:00Z"))
    );
    assert_eq!(report.silent, ["gate size"]);
}
