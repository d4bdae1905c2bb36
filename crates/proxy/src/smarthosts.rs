//! All smarthosts of a gate: which of them a message goes to, and looking after them.
//!
//! Of a route's candidates those that can be had come before those that keep failing, lower
//! priorities before higher ones, and among equals chance decides by weight. A session that
//! asks walks along that list until it has a connection.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use relay::{CapabilityRecord, OpenFailure, SmarthostId, Wanted};
use smtp_session::Moment;
use tokio::task::JoinHandle;

use crate::breaker::Standing;
use crate::clock::Clock;
use crate::counters::Counters;
use crate::farewell::farewell;
use crate::line::Line;
use crate::smarthost::{Manner, Smarthost, SmarthostSettings, SmarthostState};

/// How often idle connections and failing smarthosts are looked at.
const LOOK: Duration = Duration::from_secs(1);
/// Between two probes of one that failed fewer times than it takes to leave it alone.
const PROBE: Duration = Duration::from_secs(5);

/// How long clients wait for their greeting while nobody knows yet what the smarthosts offer, from
/// the first of them on. They should wait five minutes (RFC 5321 s4.5.3.2.1); what watches a port
/// waits for less.
const FIRST_LOOK: Duration = Duration::from_secs(10);

/// The smarthosts of a gate.
#[derive(Debug)]
pub struct Smarthosts {
    all: Vec<Arc<Smarthost>>,
    records: Arc<[Arc<CapabilityRecord>]>,
    /// By [`relay::RouteId`].
    routes: Vec<Vec<SmarthostId>>,
    dice: AtomicU64,
    /// When the first client came that had to wait.
    awaited: OnceLock<Moment>,
    /// That it was in vain has been told.
    told_late: AtomicBool,
}

impl Smarthosts {
    /// `routes`: the candidates of each [`relay::RouteId`]. `seed`: for the choice among equals.
    /// Nothing is contacted yet.
    pub fn new(all: Vec<SmarthostSettings>, routes: Vec<Vec<SmarthostId>>, seed: u64) -> Self {
        let all: Vec<_> = all
            .into_iter()
            .enumerate()
            .map(|(at, settings)| {
                let id = SmarthostId(u16::try_from(at).unwrap_or(u16::MAX));
                Arc::new(Smarthost::new(id, settings))
            })
            .collect();
        let records = all.iter().map(|host| Arc::clone(host.record())).collect();
        Self {
            all,
            records,
            routes,
            dice: AtomicU64::new(seed),
            awaited: OnceLock::new(),
            told_late: AtomicBool::new(false),
        }
    }

    /// Every one of them, at the place of its id.
    pub fn all(&self) -> &[Arc<Smarthost>] {
        &self.all
    }

    /// What they offer, at the place of their ids.
    pub fn records(&self) -> &Arc<[Arc<CapabilityRecord>]> {
        &self.records
    }

    pub(crate) fn get(&self, id: SmarthostId) -> Option<&Arc<Smarthost>> {
        self.all.get(usize::from(id.0))
    }

    /// A connection is not needed any more. It may serve another session.
    pub(crate) fn give(&self, line: Line, clock: Clock) {
        if let Some(smarthost) = self.get(line.lease.smarthost()) {
            smarthost.give(line, clock);
        }
    }

    /// Whom to ask, in this order.
    pub(crate) fn candidates(&self, wanted: &Wanted, now: Moment) -> Vec<Arc<Smarthost>> {
        let route = self.routes.get(usize::from(wanted.route.0)).map_or(&[][..], Vec::as_slice);
        let allowed = route.iter().filter(|id| !wanted.avoid.contains(id));
        let mut left: Vec<_> = allowed.filter_map(|id| self.get(*id)).collect();
        let mut order = Vec::with_capacity(left.len());
        let rank =
            |host: &Smarthost| (host.standing(now) == Standing::Open, host.settings().priority);
        while let Some(best) = left.iter().map(|host| rank(host)).min() {
            let equals: u64 = left
                .iter()
                .filter(|host| rank(host) == best)
                .map(|host| host.settings().weight)
                .sum();
            let mut draw = if left.len() == 1 { 0 } else { self.throw() % equals.max(1) };
            let chosen = left.iter().position(|host| {
                let weight =
                    if rank(host) == best { host.settings().weight } else { return false };
                let hit = draw < weight;
                draw = draw.saturating_sub(weight);
                hit
            });
            let Some(chosen) = chosen else { return order };
            order.push(Arc::clone(left.swap_remove(chosen)));
        }
        order
    }

    /// SplitMix64: chance enough to share mail out.
    fn throw(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut z = self.dice.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Returns when each in `reach` (all, if it is empty) has been tried once since it is known of,
    /// or when [`FIRST_LOOK`] is over. Who came before that would be offered neither AUTH nor
    /// SMTPUTF8, and clients take what is not offered for a lasting no.
    pub(crate) async fn first_look(&self, reach: &[SmarthostId], now: Moment) {
        let matters = |host: &Smarthost| reach.is_empty() || reach.contains(&host.id());
        // Nearly always there is none, and no clock is asked.
        if !self.all.iter().any(|host| host.is_untried() && matters(host)) {
            return;
        }
        let waited = now.since(*self.awaited.get_or_init(|| now));
        let Some(left) = FIRST_LOOK.checked_sub(waited).filter(|left| !left.is_zero()) else {
            return;
        };
        let look = async {
            for smarthost in &self.all {
                if matters(smarthost) {
                    smarthost.tried().await;
                }
            }
        };
        if tokio::time::timeout(left, look).await.is_err() {
            self.tell_late(matters);
        }
    }

    /// Clients are greeted without knowing: told once.
    fn tell_late(&self, matters: impl Fn(&Smarthost) -> bool) {
        if self.told_late.swap(true, Ordering::Relaxed) {
            return;
        }
        let late = self.all.iter().filter(|host| host.is_untried() && matters(host));
        let late: Vec<_> = late.map(|host| host.settings().name.as_str()).collect();
        tracing::warn!(
            smarthost = late.join(", "),
            "has not said within {} s what it offers: clients are greeted without that",
            FIRST_LOOK.as_secs()
        );
    }

    /// Asks `candidates` one after the other.
    pub(crate) async fn open(
        candidates: Vec<Arc<Smarthost>>,
        wanted: Wanted,
        clock: Clock,
        counters: &Counters,
    ) -> Result<Line, OpenFailure> {
        let mut failure = OpenFailure::NoneLeft;
        let mut left = candidates.len();
        for smarthost in candidates {
            left -= 1;
            let manner = Manner {
                pooled: !wanted.fresh && !wanted.bound,
                bound: wanted.bound,
                client: wanted.client.as_ref(),
                last: left == 0,
            };
            match smarthost.open(clock, counters, manner).await {
                Ok(line) => return Ok(line),
                Err(why) => failure = why,
            }
        }
        Err(failure)
    }

    /// Looks after them: learns what those offer that nobody has asked yet, so that clients are
    /// offered it before the first message flows; sees whether those that failed are well
    /// again; closes connections that nobody needs. Never returns.
    pub async fn keep(self: Arc<Self>, clock: Clock, counters: Arc<Counters>) {
        let mut probes: Vec<Option<Probe>> = self.all.iter().map(|_| None).collect();
        loop {
            let now = clock.now();
            for (smarthost, last) in self.all.iter().zip(&mut probes) {
                smarthost.sweep(clock, false, |line| {
                    tokio::spawn(farewell(line, clock));
                });
                if is_probe_due(smarthost, last.as_ref(), now) {
                    let task = probe(Arc::clone(smarthost), clock, Arc::clone(&counters));
                    *last = Some(Probe { at: now, task: tokio::spawn(task) });
                }
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Says QUIT on every idle connection, and keeps none from now on: others have taken over,
    /// or the gate stops. Sessions that use these go on.
    pub async fn close(&self, clock: Clock) {
        let mut leaving = Vec::new();
        for smarthost in &self.all {
            smarthost.sweep(clock, true, |line| leaving.push(tokio::spawn(farewell(line, clock))));
        }
        for task in leaving {
            let _ = task.await;
        }
    }
}

/// A try of nobody's, to see how a smarthost is.
struct Probe {
    at: Moment,
    task: JoinHandle<()>,
}

/// Only what is unknown or failing is probed: of the others the sessions tell. One that hangs is
/// asked by one probe at a time.
fn is_probe_due(smarthost: &Smarthost, last: Option<&Probe>, now: Moment) -> bool {
    if last.is_some_and(|last| !last.task.is_finished()) {
        return false;
    }
    match (smarthost.state(), smarthost.standing(now)) {
        (SmarthostState::Up, _) | (_, Standing::Open) => false,
        (_, Standing::HalfOpen) => true,
        (_, Standing::Closed) => last.is_none_or(|last| now.reached(last.at.plus(PROBE))),
    }
}

async fn probe(smarthost: Arc<Smarthost>, clock: Clock, counters: Arc<Counters>) {
    let manner = Manner { pooled: false, bound: false, client: None, last: true };
    if let Ok(line) = smarthost.open(clock, &counters, manner).await {
        farewell(line, clock).await;
    }
}

#[cfg(test)]
mod tests;
