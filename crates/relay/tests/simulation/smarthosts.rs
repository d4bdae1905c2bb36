//! What the sessions of a world share: the smarthosts, the connections to them, the pool, the
//! clock and the dice.

use std::sync::Arc;

use relay::{CapabilityRecord, HoldBudget, SmarthostId, Upstream, Wanted};
use smtp_session::Moment;
use smtp_wire::Capabilities;
use testkit::{Dice, Link, Manner, ScriptedSmarthost};

use crate::lists::{Fact, RECEIPTS, REST, fact};
use crate::logins::token;
use crate::setup::{Setup, Totals};
use crate::solicits;

/// One connection to a smarthost, seen from the relay's side of the network.
pub(crate) struct Wire {
    pub(crate) smarthost: ScriptedSmarthost,
    pub(crate) at: SmarthostId,
    pub(crate) to: Link,
    pub(crate) from: Link,
    /// Who was shown to the smarthost since the last MAIL.
    pub(crate) envelope: Vec<String>,
    /// It was opened for a login of that session's.
    pub(crate) bound: bool,
    /// It offers NO-SOLICITING.
    pub(crate) solicits: bool,
    /// The session that used it last.
    pub(crate) session: usize,
    /// DATA was sent, and no dot yet; the last octets that were sent.
    pub(crate) in_data: bool,
    pub(crate) tail: Vec<u8>,
    /// Of `smarthost.seen`, how many were looked at.
    checked: usize,
    /// One of the two has closed it: nothing more can happen on it.
    is_over: bool,
}

impl Wire {
    /// As far as anybody can tell from this end.
    pub(crate) fn is_quiet(&self) -> bool {
        self.from.is_empty() && !self.from.at_end()
    }
}

pub(crate) struct Net {
    pub(crate) setup: Setup,
    pub(crate) dice: Dice,
    pub(crate) now: Moment,
    pub(crate) budget: Arc<HoldBudget>,
    /// All of it.
    pub(crate) budget_whole: usize,
    pub(crate) records: Arc<[Arc<CapabilityRecord>]>,
    manners: Vec<Manner>,
    /// Connections of the past stay: what they took counts.
    pub(crate) wires: Vec<Wire>,
    pub(crate) pool: Vec<(usize, Box<Upstream>)>,
    pub(crate) totals: Totals,
    pub(crate) trace: bool,
}

impl Net {
    pub(crate) fn new(setup: Setup, mut dice: Dice, now: Moment) -> Self {
        let smarthosts = match setup {
            Setup::Routes => 3,
            Setup::Solicit | Setup::Everything => 2 + dice.below(2),
            _ => 1 + dice.below(3),
        };
        let mut manners: Vec<Manner> = (0..smarthosts).map(|_| manner(&mut dice)).collect();
        let records: Arc<[Arc<CapabilityRecord>]> =
            manners.iter().map(|_| Arc::new(CapabilityRecord::default())).collect();
        if setup.has_classes() {
            for (at, manner) in manners.iter_mut().enumerate() {
                manner.extensions.extend(solicits::offered(at).map(str::to_owned));
            }
        }
        if setup == Setup::Passed {
            let first = &mut manners[0];
            first.extensions.push("AUTH PLAIN".to_owned());
            first.logins = (1..=3).map(|session| token(session, "right")).collect();
            // The gate has asked it before.
            records[0].store(&Arc::new(Capabilities {
                auth: vec!["PLAIN".to_owned()],
                ..Capabilities::default()
            }));
        }
        let narrow = setup.has_filters() && dice.permille(200);
        let budget_whole = if narrow { 4_000 } else { 30_000 };
        Self {
            setup,
            dice,
            now,
            budget: Arc::new(HoldBudget::new(budget_whole)),
            budget_whole,
            records,
            manners,
            wires: Vec::new(),
            pool: Vec::new(),
            totals: Totals::default(),
            trace: false,
        }
    }

    /// Some smarthost sends replies that nobody asked for, or leaves some out.
    pub(crate) fn is_out_of_step(&self) -> bool {
        self.manners.iter().any(|manner| manner.stray + manner.silent > 0)
    }

    /// The smarthosts that may be had for `wanted`: all of them; with routes, receipts by the
    /// last two and the rest by the first two.
    pub(crate) fn candidates(&self, wanted: &Wanted) -> Vec<SmarthostId> {
        let all = 0..u16::try_from(self.manners.len()).unwrap();
        let on_route = |at: &u16| match self.setup {
            Setup::Routes => is_on(wanted.route.0, *at),
            // The one that clients log in to.
            Setup::Passed => *at == 0,
            _ => true,
        };
        let there = all.filter(on_route).map(SmarthostId);
        there.filter(|at| !wanted.avoid.contains(at)).collect()
    }

    pub(crate) fn connect(&mut self, at: SmarthostId, bound: bool, session: usize) -> usize {
        let manner = self.manners[usize::from(at.0)].clone();
        let offers = |word: &String| word.to_ascii_uppercase().starts_with("NO-SOLICITING");
        let solicits = !manner.old && manner.extensions.iter().any(offers);
        let smarthost = ScriptedSmarthost::new(manner, self.dice.roll());
        self.wires.push(Wire {
            smarthost,
            at,
            to: Link::default(),
            from: Link::default(),
            envelope: Vec::new(),
            bound,
            solicits,
            session,
            in_data: false,
            tail: Vec::new(),
            checked: 0,
            is_over: false,
        });
        self.wires.len() - 1
    }

    /// A kept connection, as the pool of the real gate gives it: whatever can be seen to be
    /// closed, or to have spoken, is thrown away.
    pub(crate) fn take_kept(
        &mut self,
        wanted: &Wanted,
        session: usize,
    ) -> Option<(usize, Box<Upstream>)> {
        if wanted.fresh || wanted.bound {
            return None;
        }
        let wires = &mut self.wires;
        self.pool.retain(|(at, _)| {
            let wire = &mut wires[*at];
            if !wire.is_quiet() {
                wire.to.close();
            }
            wire.is_quiet()
        });
        let there = self.candidates(wanted);
        let at = self.pool.iter().position(|(at, _)| there.contains(&self.wires[*at].at))?;
        let (at, upstream) = self.pool.swap_remove(at);
        let wire = &mut self.wires[at];
        self.totals.shared += u64::from(wire.session != session);
        wire.session = session;
        wire.envelope.clear();
        Some((at, upstream))
    }

    pub(crate) fn smarthosts_hear(&mut self) -> bool {
        let mut any = false;
        for wire in self.wires.iter_mut().filter(|wire| !wire.is_over) {
            if !wire.to.is_empty() {
                let bytes = wire.to.arrive(&mut self.dice);
                if self.trace {
                    println!("U{}> {:?}", wire.at.0, String::from_utf8_lossy(&bytes));
                }
                wire.smarthost.handle_bytes(&bytes);
                any = true;
            }
            any |= !wire.smarthost.output().is_empty();
            wire.from.send(wire.smarthost.output());
            if wire.smarthost.closed {
                wire.from.close();
                wire.is_over = true;
            }
            wire.is_over |= wire.to.at_end();
        }
        any
    }

    /// A smarthost closes a kept connection: sometimes so late that it is taken all the same.
    pub(crate) fn close_kept(&mut self) -> bool {
        if self.pool.is_empty() || self.dice.below(40) > 0 {
            return false;
        }
        let at = self.dice.below(self.pool.len());
        let wire = &mut self.wires[self.pool[at].0];
        if wire.smarthost.closed {
            return false;
        }
        wire.smarthost.closed = true;
        true
    }

    pub(crate) fn check(&mut self) {
        let streams: &[&str] = if self.setup.has_streams() { &[RECEIPTS, REST] } else { &[REST] };
        for wire in &mut self.wires {
            for path in wire.smarthost.seen.get(wire.checked..).unwrap_or_default() {
                // (1) neither who opted out nor who cannot be told, on every stream.
                let bare = path.trim_matches(['<', '>']);
                let some = streams.iter().any(|stream| fact(bare, stream) == Fact::Permitted);
                assert!(some, "{path} was shown to the smarthost");
            }
            wire.checked = wire.smarthost.seen.len();
            assert!(wire.smarthost.nonsense.is_empty(), "{:?}", wire.smarthost.nonsense);
        }
    }
}

/// Route 0 is for receipts, which come first among the streams.
pub(crate) fn is_on(route: u16, smarthost: u16) -> bool {
    if route == 0 { smarthost >= 1 } else { smarthost <= 1 }
}

/// (6) Everything of session `n` carries `@sn.`: nothing of another may be in `text`.
pub(crate) fn assert_own(text: &[u8], session: usize, context: &str) {
    let at = memchr::memchr_iter(b'@', text);
    for place in at {
        let [b's', digit @ b'0'..=b'9', b'.', ..] = text[place + 1..] else { continue };
        assert_eq!(
            usize::from(digit - b'0'),
            session,
            "(6) {context}: {:?}",
            String::from_utf8_lossy(text)
        );
    }
}

fn manner(dice: &mut Dice) -> Manner {
    let words = ["PIPELINING", "8BITMIME", "SIZE 24000", "DSN", "SMTPUTF8", "ENHANCEDSTATUSCODES"];
    let extensions =
        words.iter().filter(|_| dice.permille(700)).map(|word| (*word).to_owned()).collect();
    let mut rare = |often: usize| if dice.permille(120) { often } else { 0 };
    // A reply too many and one too few cancel each other out, and nobody could tell.
    let (stray, silent) = if rare(1) == 1 { (rare(30), 0) } else { (0, rare(30)) };
    Manner {
        extensions,
        old: rare(1) == 1,
        refuse_recipient: rare(200),
        defer_recipient: rare(200),
        refuse_sender: rare(100),
        refuse_data: rare(100),
        refuse_message: rare(200),
        close: rare(40),
        shutdown: rare(40),
        garble: rare(30),
        stray,
        confuse: rare(50),
        silent,
        interrupt: rare(100),
        logins: Vec::new(),
    }
}
