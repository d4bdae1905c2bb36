//! What the client is offered: what we can do, cut down to what the smarthost can.
//!
//! RFC 5321 s4.1.1.1, s4.2.4: an extension is offered only if it will work. With no
//! knowledge of the smarthost yet, only what optgate supplies alone: PIPELINING,
//! ENHANCEDSTATUSCODES, its own SIZE and LIMITS. The driver lets no session begin before it has
//! tried to know.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use smtp_wire::{Capabilities, Limits, Solicitation};

use crate::settings::SmarthostId;

/// What is known of a smarthost's capabilities, shared by all sessions. Refreshed
/// by every EHLO; read without a lock.
#[derive(Debug, Default)]
pub struct CapabilityRecord {
    last: ArcSwapOption<Capabilities>,
}

impl CapabilityRecord {
    /// Notes what the smarthost offered just now.
    pub fn store(&self, seen: &Arc<Capabilities>) {
        let known = self.last.load();
        if known.as_deref() != Some(seen) {
            self.last.store(Some(Arc::clone(seen)));
        }
    }

    /// What it offered last; `None` before the first EHLO.
    pub fn load(&self) -> Option<Arc<Capabilities>> {
        self.last.load_full()
    }
}

/// What all smarthosts in `reach` offer, as far as they are known; all of them when it is empty.
/// A message's smarthost is chosen after its envelope: it must not matter which it is.
pub(crate) fn common(
    records: &[Arc<CapabilityRecord>],
    reach: &[SmarthostId],
) -> Option<Arc<Capabilities>> {
    let mut known = known(records, reach);
    let first = known.next()?;
    // What is the same for all is passed on as it is.
    Some(known.fold(first, |common, next| match common == next {
        true => common,
        false => Arc::new(common.intersect(&next)),
    }))
}

/// What is known of the smarthosts in `reach`; of all of them when it is empty.
fn known(
    records: &[Arc<CapabilityRecord>],
    reach: &[SmarthostId],
) -> impl Iterator<Item = Arc<Capabilities>> {
    let all = records.iter().enumerate();
    let there =
        all.filter(|(at, _)| reach.is_empty() || reach.iter().any(|id| usize::from(id.0) == *at));
    there.filter_map(|(_, record)| record.load())
}

/// Our own classes, and behind them those that every smarthost refuses, as far as the line has
/// room: whoever will refuse should have said so before (RFC 3865 s2.3). What only some of them
/// refuse goes to another.
pub(crate) fn with_classes_of_all(
    own: Solicitation,
    records: &[Arc<CapabilityRecord>],
    reach: &[SmarthostId],
) -> Solicitation {
    let refused = |offered: Arc<Capabilities>| offered.no_soliciting.clone().unwrap_or_default();
    match known(records, reach).map(refused).reduce(|some, other| some.shared(&other)) {
        Some(theirs) => own.offered_with(&theirs),
        None => own,
    }
}

/// The extensions of one listener. `size_max` 0: no limit of our own. `solicit`: our own
/// classes, where NO-SOLICITING is on. It needs nobody else: `SOLICIT=` is ours to read, and may
/// be kept from a smarthost that does not know it, because it stands in the header as well (RFC
/// 3865 s2.3).
pub(crate) fn offer(
    smarthost: Option<&Capabilities>,
    size_max: u64,
    recipients_max: u32,
    solicit: Option<Solicitation>,
) -> Capabilities {
    let alone = Capabilities {
        size: Some(size_max),
        pipelining: true,
        enhanced_status_codes: true,
        no_soliciting: solicit.clone(),
        limits: Limits { rcpt_max: Some(recipients_max), ..Limits::default() },
        ..Capabilities::default()
    };
    let Some(smarthost) = smarthost else { return alone };
    let ours = Capabilities { eight_bit_mime: true, smtputf8: true, dsn: true, ..alone.clone() };
    let mut common = ours.intersect(smarthost);
    // A smarthost without these costs the client nothing: we supply them.
    common.pipelining = true;
    common.enhanced_status_codes = true;
    common.no_soliciting = solicit;
    common.size = match smarthost.size {
        Some(_) => common.size,
        None => alone.size,
    };
    // RFC 6531 s3.1: SMTPUTF8 stands on 8BITMIME.
    common.smtputf8 &= common.eight_bit_mime;
    // MAILMAX counts per connection; ours to the smarthost are not the client's.
    common.limits.mail_max = None;
    common
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_record_only_what_we_supply_alone() {
        let offered = offer(None, 1000, 50, None);
        assert!(offered.pipelining && offered.enhanced_status_codes);
        assert_eq!(offered.size, Some(1000));
        assert_eq!(offered.limits.rcpt_max, Some(50));
        assert!(!offered.eight_bit_mime && !offered.smtputf8 && !offered.dsn);
        assert!(!offered.chunking && !offered.starttls);
    }

    #[test]
    fn the_smaller_size_is_offered_and_zero_means_none() {
        let smarthost = |size| Capabilities { size, ..Capabilities::default() };
        assert_eq!(offer(Some(&smarthost(Some(500))), 1000, 9, None).size, Some(500));
        assert_eq!(offer(Some(&smarthost(Some(0))), 1000, 9, None).size, Some(1000));
        assert_eq!(offer(Some(&smarthost(Some(500))), 0, 9, None).size, Some(500));
        assert_eq!(offer(Some(&smarthost(None)), 1000, 9, None).size, Some(1000));
    }

    #[test]
    fn several_smarthosts_offer_what_all_of_those_in_reach_do() {
        let record = |offered: Option<Capabilities>| {
            let record = CapabilityRecord::default();
            if let Some(offered) = offered {
                record.store(&Arc::new(offered));
            }
            Arc::new(record)
        };
        let full = Capabilities {
            eight_bit_mime: true,
            smtputf8: true,
            size: Some(500),
            ..Capabilities::default()
        };
        let less = Capabilities { smtputf8: false, size: Some(300), ..full.clone() };
        let records = [record(Some(full.clone())), record(None), record(Some(less.clone()))];
        let all = common(&records, &[]).unwrap();
        assert!(all.eight_bit_mime && !all.smtputf8);
        assert_eq!(all.size, Some(300));
        let reach = [SmarthostId(0), SmarthostId(1)];
        assert_eq!(common(&records, &reach).as_deref(), Some(&full));
        assert_eq!(common(&records, &reach[1..]), None, "not known yet");
    }

    #[test]
    fn classes_that_every_smarthost_refuses_are_shown_behind_our_own() {
        let list = |text: &str| Solicitation::parse(text).unwrap_or_default();
        let record = |offered: Option<Option<&str>>| {
            let record = CapabilityRecord::default();
            if let Some(classes) = offered {
                let no_soliciting = classes.map(list);
                record.store(&Arc::new(Capabilities { no_soliciting, ..Capabilities::default() }));
            }
            Arc::new(record)
        };
        let shown = |records: &[Arc<CapabilityRecord>], reach: &[SmarthostId]| {
            with_classes_of_all(list("a:b"), records, reach).as_str().to_owned()
        };
        let two = [record(Some(Some("c:d,A:B,e:f"))), record(Some(Some("E:F,x:y")))];
        assert_eq!(shown(&two, &[]), "a:b,e:f");
        assert_eq!(shown(&two, &[SmarthostId(0)]), "a:b,c:d,e:f");
        assert_eq!(shown(&[record(None), two[0].clone()], &[]), "a:b,c:d,e:f", "one not known");
        assert_eq!(shown(&[record(Some(None)), two[0].clone()], &[]), "a:b", "one refuses none");
        assert_eq!(shown(&[record(None)], &[]), "a:b");
        let long = format!("c{},d:e", "x".repeat(Solicitation::OFFERED_MAX));
        assert_eq!(shown(&[record(Some(Some(&long)))], &[]), "a:b,d:e", "no room");
    }

    #[test]
    fn extensions_need_both_sides() {
        let smarthost = Capabilities {
            eight_bit_mime: true,
            dsn: true,
            chunking: true,
            starttls: true,
            ..Capabilities::default()
        };
        let offered = offer(Some(&smarthost), 0, 9, None);
        assert!(offered.eight_bit_mime && offered.dsn);
        assert!(!offered.smtputf8 && !offered.chunking && !offered.starttls);
        assert!(offered.pipelining, "supplied by us");
    }

    #[test]
    fn utf8_is_not_offered_without_8bitmime() {
        let smarthost = Capabilities { smtputf8: true, ..Capabilities::default() };
        assert!(!offer(Some(&smarthost), 0, 9, None).smtputf8);
    }

    #[test]
    fn no_soliciting_is_offered_with_our_own_classes_whatever_the_smarthost_does() {
        let smarthost = Capabilities {
            no_soliciting: Some(Solicitation::default()),
            ..Capabilities::default()
        };
        let own = Solicitation::parse("net.example:ADV");
        assert_eq!(offer(None, 0, 9, own.clone()).no_soliciting, own);
        let plain = Capabilities::default();
        assert_eq!(offer(Some(&plain), 0, 9, own.clone()).no_soliciting, own);
        assert_eq!(offer(Some(&smarthost), 0, 9, own.clone()).no_soliciting, own);
        assert_eq!(offer(Some(&smarthost), 0, 9, None).no_soliciting, None);
    }
}
