//! Puts a case together and asks for the verdict.

use suppression::{
    Case, Day, Fact, Finding, Grace, Kind, Known, Origin, OriginId, Permission, Standing, Stream,
    StreamClass, Subject, Terms,
};

/// An entry as the page tells of it.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) origin: Origin,
    pub(crate) day: Day,
    pub(crate) withdrawn: bool,
}

/// An entry of that day.
pub(crate) fn entry(kind: Kind, scope: &str, day: &str) -> Entry {
    let origin = Origin::new("crm", kind, scope.parse().unwrap());
    Entry { origin, day: day.parse().unwrap(), withdrawn: false }
}

impl Entry {
    pub(crate) fn withdrawn(self) -> Self {
        Self { withdrawn: true, ..self }
    }

    pub(crate) fn of_domain(mut self) -> Self {
        self.origin.subject = Subject::Domain;
        self
    }

    /// Lapses on that day.
    pub(crate) fn until(mut self, end: &str) -> Self {
        let end: Day = end.parse().unwrap();
        self.origin.lifetime = Some(end.number() - self.day.number());
        self
    }
}

/// A message and its circumstances.
pub(crate) struct Message {
    pub(crate) stream: Stream,
    pub(crate) today: Day,
    pub(crate) grace: Option<Grace>,
    pub(crate) role: bool,
}

/// `transactional`, or the lists that a commercial stream is about.
pub(crate) fn message(stream: &str, today: &str) -> Message {
    let mut parsed = Stream::new(stream, StreamClass::Commercial);
    match stream {
        "transactional" => parsed.class = StreamClass::Transactional,
        lists => parsed.scopes = lists.split_terminator(',').map(|l| l.trim().into()).collect(),
    }
    Message { stream: parsed, today: today.parse().unwrap(), grace: None, role: false }
}

impl Message {
    pub(crate) fn opt_in(mut self) -> Self {
        self.stream.permission = Permission::OptIn;
        self
    }

    pub(crate) fn for_role(self) -> Self {
        Self { role: true, ..self }
    }

    pub(crate) fn with_grace(self, grace: Grace) -> Self {
        Self { grace: Some(grace), ..self }
    }

    fn terms(&self) -> Terms<'_> {
        Terms { stream: &self.stream, today: self.today, grace: self.grace }
    }

    fn case<'a>(&self, entries: &'a [Entry]) -> Case<'a> {
        let mut case = Case { role: self.role, ..Case::default() };
        for (position, entry) in (1..).zip(entries) {
            let fact = Fact { origin: OriginId(0), day: entry.day, position };
            let known = Known { fact, origin: &entry.origin, withdrawn: entry.withdrawn };
            match entry.origin.kind {
                Kind::Consent => case.consents.push(known),
                _ => case.objections.push(known),
            }
        }
        case
    }

    pub(crate) fn decide(&self, entries: &[Entry]) -> Finding {
        self.case(entries).decide(&self.terms())
    }

    /// "sent" or "refused".
    pub(crate) fn verdict(&self, entries: &[Entry]) -> &'static str {
        if self.decide(entries).permits() { "sent" } else { "**refused**" }
    }

    /// What became of each entry, in words, in their order.
    pub(crate) fn told(&self, entries: &[Entry]) -> Vec<String> {
        let (case, terms) = (self.case(entries), self.terms());
        let objections = case.objections.iter().map(|known| (known, case.standing(known, &terms)));
        let consents =
            case.consents.iter().map(|known| (known, case.consent_standing(known, &terms)));
        let mut told: Vec<_> = objections.chain(consents).collect();
        told.sort_by_key(|(known, _)| known.fact.position);
        told.into_iter().map(|(_, standing)| words(standing)).collect()
    }
}

fn words(standing: Standing) -> String {
    match standing {
        Standing::Counts => "counts".to_owned(),
        Standing::Withdrawn => "was taken back".to_owned(),
        Standing::OtherMail => "is about other mail".to_owned(),
        Standing::RoleAddress => "does not catch a role address".to_owned(),
        Standing::Lapsed(day) => format!("lapsed on {day}"),
        Standing::NotYet(day) => format!("counts only from {day} on"),
        Standing::Reopened(row) => format!("was ended by entry {row}"),
        Standing::InGrace(day) => format!("counts after {day}"),
        Standing::NotLater(row) => format!("is not later than entry {row}"),
        Standing::Blocked(row) => format!("cannot end the block of entry {row}"),
        Standing::OnlyImplied(row) => format!("is only implied, and cannot end entry {row}"),
        Standing::TooNarrow(Some(row)) => format!("is too narrow to end entry {row}"),
        Standing::TooNarrow(None) => "is too narrow for this stream".to_owned(),
    }
}

/// The verdict with its reason.
pub(crate) fn reason(finding: &Finding) -> String {
    match finding {
        Finding::Clear => "sent".to_owned(),
        Finding::InGrace(by, until) => {
            format!("sent, within the grace that ends after {until} (entry {})", by.position)
        }
        Finding::Suppressed(by) => {
            let what = match by.kind {
                Kind::Manual => "block",
                Kind::Undeliverable => "bounce",
                kind => kind.as_str(),
            };
            format!("**refused**, for the {what} of {} (entry {})", by.since, by.position)
        }
        Finding::NoConsent => "**refused**, for want of consent".to_owned(),
    }
}
