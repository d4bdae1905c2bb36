//! Settings of a dialogue about who may send what.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use policy::{Admission, Counted, Party, Rates, RelayControl, SenderRule, Source, TooMuch};
use relay::Access;

use crate::stage::Scenery;

/// `10.0.0.0/8, 192.0.2.0/24 + login, certificate`; `nobody`.
pub(crate) fn allow(access: &mut Access, value: &str) {
    let ways = value.split(',').filter(|way| *way != "nobody").map(|way| {
        let mut admission = Admission::default();
        for part in way.split('+').map(str::trim) {
            match part {
                "login" => admission.login = true,
                "certificate" => admission.certificate = true,
                network => admission.networks.push(network.parse().unwrap()),
            }
        }
        admission
    });
    access.control = RelayControl::new(ways.collect());
}

/// `client 10.0.0.0/8, address @corp.example, address <>, from corp.example`.
pub(crate) fn sender(scenery: &mut Scenery, value: &str) {
    let mut rule = SenderRule::default();
    let mut from = Vec::new();
    for part in value.split(',').map(str::trim) {
        match part.split_once(' ').unwrap() {
            ("client", network) => rule.client.push(network.parse().unwrap()),
            ("login", name) => rule.login.push(name.parse().unwrap()),
            ("address", sender) => rule.address.push(sender.parse().unwrap()),
            ("from", domain) => from.push(domain.parse().unwrap()),
            other => panic!("no condition {other:?}"),
        }
    }
    rule.from = from.into();
    scenery.senders.push(rule);
}

/// So many in each minute of the clock: of messages, for each domain of a sender or for each
/// login; of recipients, at each domain.
#[derive(Debug)]
struct Few {
    counted: Counted,
    by_login: bool,
    permitted: usize,
    seen: Mutex<Vec<(u64, String)>>,
}

impl Few {
    fn count(&self, now: Duration, party: Party, key: &str) -> Result<(), TooMuch> {
        let minute = (now.as_secs() / 60, key.to_owned());
        let mut seen = self.seen.lock().unwrap();
        if seen.iter().filter(|one| **one == minute).count() < self.permitted {
            seen.push(minute);
            return Ok(());
        }
        let wait = Duration::from_secs(60 - now.as_secs() % 60);
        Err(TooMuch { party, counted: self.counted, wait })
    }
}

impl Rates for Few {
    fn message(&self, now: Duration, source: &Source<'_>) -> Result<(), TooMuch> {
        match self.counted {
            Counted::Messages if self.by_login => {
                source.login.map_or(Ok(()), |login| self.count(now, Party::Login, login))
            }
            Counted::Messages => {
                self.count(now, Party::SenderDomain, source.domain.unwrap_or("<>"))
            }
            Counted::Recipients => Ok(()),
        }
    }

    fn recipient(
        &self,
        now: Duration,
        _: &Source<'_>,
        domain: Option<&str>,
        first: bool,
    ) -> Result<(), TooMuch> {
        match (self.counted, domain) {
            (Counted::Recipients, Some(domain)) => self.count(now, Party::RecipientDomain, domain),
            (Counted::Messages, Some(domain)) if first && !self.by_login => {
                self.count(now, Party::RecipientDomain, domain)
            }
            _ => Ok(()),
        }
    }
}

/// `messages 2`, `login 2`: messages of each login, `recipients 1`.
pub(crate) fn rate(access: &mut Access, value: &str) {
    let (counted, permitted) = value.split_once(' ').unwrap();
    let by_login = counted == "login";
    let counted = match counted {
        "messages" | "login" => Counted::Messages,
        "recipients" => Counted::Recipients,
        other => panic!("no rate of {other}"),
    };
    let permitted = permitted.parse().unwrap();
    access.rates = Some(Arc::new(Few { counted, by_login, permitted, seen: Mutex::default() }));
}

/// How long the client may be made to wait, in seconds.
pub(crate) fn wait(access: &mut Access, value: &str) {
    access.wait_max = Some(Duration::from_secs(value.parse().unwrap()));
}
