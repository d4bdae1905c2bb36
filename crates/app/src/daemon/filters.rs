//! The filters of a gate, from their settings; and how they are, for `status`.

use std::net::SocketAddr;
use std::sync::Arc;

use policy::{ContentGate, ContentGates};
use proxy::{Clock, FilterSettings, Milter, MilterHealth, Signer};
use relay::{Filters, JudgedStreams, Readers};
use serde_json::{Value, json};

use crate::config::{GateCheck, Settings};

/// All milters, in the order of the file. Those that are as they were keep what is known of them.
pub(super) fn milters(settings: &Settings, before: &[Arc<Milter>]) -> Vec<Arc<Milter>> {
    let same = |new: &proxy::MilterSettings| before.iter().find(|old| old.settings() == new);
    let all = settings.milters.iter().map(|one| &one.milter);
    all.map(|new| same(new).map_or_else(|| Arc::new(Milter::new(new.clone())), Arc::clone))
        .collect()
}

/// What looks at the messages of a listener, and what `relay` asks it. None: nobody does.
///
/// `milters`: those that [`milters`] has made of the same settings; `signer`: who signs its
/// mail.
pub(super) fn of_listener(
    settings: &Settings,
    milters: &[Arc<Milter>],
    signer: Option<Arc<dyn Signer>>,
    listener: SocketAddr,
) -> (Filters, Option<Arc<FilterSettings>>) {
    let all = settings.milters.iter().zip(milters);
    let own = all.filter(|(said, _)| said.is_for(listener));
    let own: Vec<_> = own.map(|(_, milter)| Arc::clone(milter)).collect();
    let content = Arc::new(content_gates(settings, listener));
    let content_max = content_max(settings);
    let readers = readers(&own);
    let filters = FilterSettings { content, milters: own, signer, content_max };
    let asked = Filters {
        envelope: !filters.milters.is_empty(),
        readers,
        judged: judged(&filters.content),
        change: filters.signer.is_some()
            || filters.milters.iter().any(|milter| milter.settings().changes),
        ..Filters::default()
    };
    let some = asked != Filters::default();
    (asked, some.then(|| Arc::new(filters)))
}

/// The gates over content that look at the mail of a listener, in the order of the file.
fn content_gates(settings: &Settings, listener: SocketAddr) -> ContentGates {
    let own = settings.gates.iter().filter(|gate| gate.is_for(listener));
    let gates = own.filter_map(|gate| match &gate.check {
        GateCheck::Content(check, how) => Some(ContentGate {
            rule: gate.rule.clone(),
            check: check.clone(),
            cap: how.cap,
            when_slow: how.when_slow,
            when_unreadable: how.when_unreadable,
        }),
        GateCheck::Header(_) => None,
    });
    ContentGates::new(gates.collect())
}

/// Which of them read content as it comes in.
fn readers(milters: &[Arc<Milter>]) -> Readers {
    match milters.iter().filter(|milter| milter.settings().early).count() {
        0 => Readers::None,
        some if some < milters.len() => Readers::Some,
        _ => Readers::All,
    }
}

/// The streams whose content they judge.
fn judged(gates: &ContentGates) -> JudgedStreams {
    match gates.streams() {
        None => JudgedStreams::All,
        Some(none) if none.is_empty() => JudgedStreams::None,
        Some(streams) => JudgedStreams::These(streams),
    }
}

/// What a filter may add to a message of the largest size there is: fields of results and
/// signatures.
const ADDED_MAX: u64 = 256 * 1024;

fn content_max(settings: &Settings) -> usize {
    let most = settings.limits.message_size.saturating_add(ADDED_MAX);
    usize::try_from(most).unwrap_or(usize::MAX)
}

/// What `status` shows of them.
pub(super) fn figures(milters: &[Arc<Milter>], clock: Clock) -> Vec<Value> {
    milters.iter().map(|milter| figure(milter, clock)).collect()
}

fn figure(milter: &Milter, clock: Clock) -> Value {
    json!({
        "name": &*milter.settings().name,
        "address": milter.settings().address.to_string(),
        "state": word(milter.health()),
        "left_alone_seconds": milter.pause(clock).map(|pause| pause.as_secs()),
        "fault": milter.fault(),
        "connections": milter.connections.get(),
        "asked": milter.asked.get(),
        "refused": milter.refused.get(),
        "changed": milter.changed.get(),
        "failures": milter.failures.get(),
    })
}

fn word(health: MilterHealth) -> &'static str {
    match health {
        MilterHealth::Untried => "untried",
        MilterHealth::Up => "up",
        MilterHealth::Down => "down",
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{Surroundings, load_text};

    fn settings(milters: &str) -> Settings {
        let text = format!(
            "[smarthost]\naddress = \"127.0.0.1:1\"\n[server]\nhostname = \"mail.example.com\"\n{milters}"
        );
        load_text(Path::new("optgate.toml"), &text, &Surroundings::default()).settings.unwrap()
    }

    #[test]
    fn a_milter_that_is_as_it_was_keeps_what_is_known_of_it() {
        let milter = |name: &str, more: &str| {
            format!("[[milter]]\nname = \"{name}\"\naddress = \"127.0.0.1:2\"\n{more}")
        };
        let before = milters(&settings(&(milter("a", "") + &milter("b", ""))), &[]);
        let after = settings(&(milter("b", "cap = \"9s\"\n") + &milter("a", "")));
        let after = milters(&after, &before);
        assert!(Arc::ptr_eq(&after[1], &before[0]), "wherever it stands");
        assert!(!Arc::ptr_eq(&after[0], &before[1]));
    }

    #[test]
    fn a_listener_is_asked_what_its_own_milters_need() {
        let text = "[[listener]]\naddress = \"127.0.0.1:3\"\n[[listener]]\naddress = \"127.0.0.1:4\"\n[[milter]]\nname = \"a\"\naddress = \"127.0.0.1:2\"\nchanges = false\nlistener = [\"127.0.0.1:3\"]\n";
        let settings = settings(text);
        let all = milters(&settings, &[]);
        let at = |port: u16| of_listener(&settings, &all, None, ([127, 0, 0, 1], port).into());
        let (asked, own) = at(3);
        assert!(asked.envelope && !asked.change && own.unwrap().milters.len() == 1);
        let (asked, own) = at(4);
        assert!(asked == Filters::default() && own.is_none());
    }
}
