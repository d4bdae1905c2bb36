use super::*;
use crate::calendar::Calendar;
use crate::origin::OriginId;
use crate::stream::StreamClass;

mod model;
mod properties;
mod table;
mod vectors;

/// The day of most decisions.
const TODAY: u16 = 20_600;

/// The kinds that speak against mail.
const OBJECTIONS: [Kind; 4] = [Kind::OptOut, Kind::Complaint, Kind::Manual, Kind::Undeliverable];

/// An entry, with everything a decision looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    origin: Origin,
    day: u16,
    withdrawn: bool,
}

/// An entry of that day.
fn entry(kind: Kind, scope: &str, day: u16) -> Row {
    let origin = Origin::new("crm.csv", kind, scope.parse().unwrap());
    Row { origin, day, withdrawn: false }
}

impl Row {
    fn withdrawn(mut self) -> Self {
        self.withdrawn = true;
        self
    }

    fn of_domain(mut self) -> Self {
        self.origin.subject = Subject::Domain;
        self
    }

    fn of_digest(mut self) -> Self {
        self.origin.subject = Subject::Hashed(std::sync::Arc::new("md5 lower".parse().unwrap()));
        self
    }

    fn lasting(mut self, days: u16) -> Self {
        self.origin.lifetime = Some(days);
        self
    }
}

/// The case of these entries; a row's position is its place in the list.
fn case(rows: &[Row]) -> Case<'_> {
    let mut case = Case::default();
    for (position, row) in (1..).zip(rows) {
        let fact = Fact { origin: OriginId(0), day: Day::from_number(row.day), position };
        let known = Known { fact, origin: &row.origin, withdrawn: row.withdrawn };
        match row.origin.kind {
            Kind::Consent => case.consents.push(known),
            _ => case.objections.push(known),
        }
    }
    case
}

/// `transactional`, or a commercial stream about these lists; opt-in with a `+` in front.
fn stream(words: &str) -> Stream {
    let (words, permission) = match words.strip_prefix('+') {
        Some(words) => (words, Permission::OptIn),
        None => (words, Permission::OptOut),
    };
    let (class, scopes) = match words {
        "transactional" => (StreamClass::Transactional, Vec::new()),
        lists => (StreamClass::Commercial, lists.split_whitespace().map(str::to_owned).collect()),
    };
    Stream { name: words.into(), class, scopes, permission }
}

fn terms(stream: &Stream) -> Terms<'_> {
    Terms { stream, today: Day::from_number(TODAY), grace: None }
}

/// The row that stops mail on that stream today, if any does. No grace.
fn stopped_by(rows: &[Row], words: &str) -> Option<u32> {
    match case(rows).decide(&terms(&stream(words))) {
        Finding::Clear => None,
        Finding::Suppressed(suppression) => Some(suppression.position),
        other => panic!("{other:?}"),
    }
}

/// Whether mail may be sent on that stream today. No grace.
fn permits(rows: &[Row], words: &str) -> bool {
    case(rows).decide(&terms(&stream(words))).permits()
}
