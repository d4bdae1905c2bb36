//! The tables of the page, worked out cell by cell.

use suppression::{Basis, Calendar, Day, Finding, Grace, Kind, Timestamp, lifetime};

use crate::ask::{Entry, entry, message};

/// The streams of most tables, by their lists.
const STREAMS: [(&str, &str); 4] = [
    ("transactional", "transactional"),
    ("", "commercial, about anything"),
    ("spring", "about list `spring`"),
    ("spring, shoes", "about lists `spring` and `shoes`"),
];

const OBJECTIONS: [Kind; 4] = [Kind::OptOut, Kind::Complaint, Kind::Manual, Kind::Undeliverable];

fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let mut text = line(&head.iter().map(|&cell| cell.to_owned()).collect::<Vec<_>>());
    text.push_str(&line(&vec!["---".to_owned(); head.len()]));
    for row in rows {
        text.push_str(&line(&row));
    }
    text
}

fn head(first: &str) -> Vec<&str> {
    [first].into_iter().chain(STREAMS.map(|(_, title)| title)).collect()
}

/// Whether a message of 1 June is sent, on each stream.
fn verdicts(entries: &[Entry]) -> impl Iterator<Item = String> {
    STREAMS.into_iter().map(|(stream, _)| message(stream, "2026-06-01").verdict(entries).to_owned())
}

pub(crate) fn kinds() -> String {
    let row = |kind: Kind| {
        let (says, ended) = match kind {
            Kind::OptOut => ("the person asked not to be mailed", "a later consent"),
            Kind::Complaint => ("the person reported a message as unwanted", "a later consent"),
            Kind::Manual => ("somebody in the company blocked the address", "nothing else"),
            Kind::Undeliverable => ("mail bounced for good", "a later consent; time"),
            Kind::Consent => ("the person agreed to be mailed", "a later objection; time"),
            Kind::Withdrawn => {
                ("takes earlier entries back, with author and reason", "cannot be taken back")
            }
        };
        let ended = match kind {
            Kind::Withdrawn => ended.to_owned(),
            _ => format!("being withdrawn; {ended}"),
        };
        vec![format!("`{kind}`"), says.to_owned(), ended]
    };
    table(&["entry", "says", "ended by"], Kind::ALL.map(row))
}

pub(crate) fn scopes() -> String {
    let row = |scope: &str| {
        let one = |kind| [entry(kind, scope, "2026-05-01")];
        let first: Vec<_> = verdicts(&one(Kind::OptOut)).collect();
        for kind in OBJECTIONS {
            assert!(verdicts(&one(kind)).eq(first.iter().cloned()), "{kind} is like an opt-out");
        }
        [format!("`{scope}`")].into_iter().chain(first).collect()
    };
    table(&head("against"), ["all", "commercial", "spring", "winter", "net.example:ADV"].map(row))
}

pub(crate) fn domains() -> String {
    let domain = [entry(Kind::Manual, "all", "2026-05-01").of_domain()];
    let own = [entry(Kind::OptOut, "commercial", "2026-05-01")];
    let row = |what: &str, entries: &[Entry]| {
        let person = message("", "2026-06-01").verdict(entries);
        let role = message("", "2026-06-01").for_role().verdict(entries);
        [what, person, role].map(str::to_owned).to_vec()
    };
    table(
        &["on record", "`joe@example.com`", "`postmaster@example.com`"],
        [
            row("`manual`, all, of the domain `example.com`", &domain),
            row("`opt-out` of the address itself", &own),
        ],
    )
}

pub(crate) fn endings() -> String {
    /// What is on record, from the objection on.
    type Record = fn(Entry) -> Vec<Entry>;
    fn consent(day: &str) -> Entry {
        entry(Kind::Consent, "commercial", day)
    }
    let rows: [(&str, Record); 8] = [
        ("nothing", |objection| vec![objection]),
        ("a consent of 30 April", |objection| vec![objection, consent("2026-04-30")]),
        ("a consent of 1 May, the same day", |objection| vec![objection, consent("2026-05-01")]),
        ("a consent of 2 May", |objection| vec![objection, consent("2026-05-02")]),
        ("a consent of 2 May that was taken back", |objection| {
            vec![objection, consent("2026-05-02").withdrawn()]
        }),
        ("a consent of 2 May, implied by a purchase", |objection| {
            vec![objection, consent("2026-05-02").until("2028-05-02")]
        }),
        ("a consent of 2 May, and the same objection again on 3 May", |objection| {
            let again = Entry { day: "2026-05-03".parse().unwrap(), ..objection.clone() };
            vec![objection, consent("2026-05-02"), again]
        }),
        ("an entry that takes the objection back", |objection| vec![objection.withdrawn()]),
    ];
    let kinds = OBJECTIONS.map(|kind| format!("`{kind}`"));
    let head: Vec<&str> =
        ["on record besides"].into_iter().chain(kinds.iter().map(String::as_str)).collect();
    let row = |(what, record): (&str, Record)| {
        let verdicts = OBJECTIONS.map(|kind| {
            let entries = record(entry(kind, "commercial", "2026-05-01"));
            message("", "2026-06-01").verdict(&entries).to_owned()
        });
        [what.to_owned()].into_iter().chain(verdicts).collect()
    };
    table(&head, rows.map(row))
}

pub(crate) fn reopening() -> String {
    let mut rows = Vec::new();
    for objection in ["all", "commercial", "spring"] {
        for consent in ["all", "commercial", "spring", "shoes"] {
            let entries = [
                entry(Kind::OptOut, objection, "2026-05-01"),
                entry(Kind::Consent, consent, "2026-05-02"),
            ];
            let what = format!("`{objection}`, then consent for `{consent}`");
            rows.push([what].into_iter().chain(verdicts(&entries)).collect());
        }
    }
    table(&head("opt-out"), rows)
}

pub(crate) fn permission() -> String {
    let row = |what: &str, entries: &[Entry]| {
        let verdicts = STREAMS
            .into_iter()
            .map(|(stream, _)| message(stream, "2026-06-01").opt_in().verdict(entries).to_owned());
        [what.to_owned()].into_iter().chain(verdicts).collect::<Vec<_>>()
    };
    let consent = |scope| entry(Kind::Consent, scope, "2026-05-01");
    table(
        &head("on record"),
        [
            row("nothing", &[]),
            row("consent for `spring`", &[consent("spring")]),
            row("consents for `spring` and for `shoes`", &[consent("spring"), consent("shoes")]),
            row("consent for `commercial`", &[consent("commercial")]),
            row("consent for `all`", &[consent("all")]),
            row("a consent for `all` that was taken back", &[consent("all").withdrawn()]),
        ],
    )
}

pub(crate) fn lapsing() -> String {
    let row = |(basis, given): (Basis, &str)| {
        let at: Timestamp = given.parse().unwrap();
        let mut consent = entry(Kind::Consent, "commercial", given);
        consent.origin.lifetime = lifetime(at, basis.lapses(at));
        let entries = [consent];
        let sent = |number| {
            let today = Day::from_number(number).to_string();
            message("", &today).opt_in().decide(&entries) == Finding::Clear
        };
        let first = at.day().number();
        let refused = (first..first + 1000).find(|number| !sent(*number));
        let (last, refused) = match refused {
            Some(number) => {
                (Day::from_number(number - 1).to_string(), Day::from_number(number).to_string())
            }
            None => ("no last day".to_owned(), "never".to_owned()),
        };
        vec![basis.to_string(), given.to_owned(), last, refused]
    };
    table(
        &["consent by", "given", "last day with consent", "refused from"],
        [
            (Basis::Express, "2024-06-15"),
            (Basis::Purchase, "2024-06-15"),
            (Basis::Purchase, "2024-02-29"),
            (Basis::Inquiry, "2026-01-31"),
            (Basis::Inquiry, "2026-08-31"),
        ]
        .map(row),
    )
}

pub(crate) fn grace() -> String {
    let row = |receipt: &str| {
        let entries = [entry(Kind::OptOut, "commercial", receipt)];
        let last = |calendar| {
            let grace = Grace { business_days: 10, calendar };
            let first = entries[0].day.number();
            let last = (first..).take_while(|number| {
                let today = Day::from_number(*number).to_string();
                message("", &today).with_grace(grace).decide(&entries).permits()
            });
            Day::from_number(last.last().unwrap()).to_string()
        };
        vec![receipt.to_owned(), last(Calendar::Weekdays), last(Calendar::UsFederal)]
    };
    table(
        &["asked on", "last day with mail, `weekdays`", "last day with mail, `us-federal`"],
        ["2026-06-15", "2026-07-01", "2026-11-20", "2026-12-18"].map(row),
    )
}
