//! One session, both sides: what it holds, and what comes out of it.
//!
//! Four kinds of methods: getters, `handle_*` (bytes, ends, timers), `answer` and
//! `drain` (mutators), `poll_*` (output). After any mutation drain the output of
//! both sides, then the events, then ask for the timer. Everything has a limit; one
//! side is not read while the other's unsent output exceeds [`UNSENT_MAX`].

use std::collections::VecDeque;
use std::sync::Arc;

use evidence::Mint;
use policy::OptOutGate;
use smtp_session::{Moment, Server, ServerSettings};

use crate::bond::Bond;
use crate::event::{Event, Side};
use crate::exchange::Exchange;
use crate::link::Link;
use crate::offers::CapabilityRecord;
use crate::phase::Phase;
use crate::record::Who;
use crate::settings::{RelaySettings, SessionFacts};
use crate::shown::Shown;
use crate::steps::Steps;
use crate::upstream::Upstream;
use crate::waits::Waits;

/// Unsent output of one side, in bytes, above which the other side is not read.
const UNSENT_MAX: usize = 64 * 1024;

/// One session, both sides.
#[derive(Debug)]
pub struct Relay {
    pub(crate) settings: Arc<RelaySettings>,
    pub(crate) facts: SessionFacts,
    pub(crate) gate: OptOutGate,
    pub(crate) records: Arc<[Arc<CapabilityRecord>]>,
    pub(crate) mint: Arc<Mint>,
    pub(crate) server: Server,
    pub(crate) client_name: String,
    /// The name that a front end said the client gave.
    pub(crate) helo_told: Option<Arc<str>>,
    /// What records say of the client.
    pub(crate) shown: Shown,
    /// AUTH is going on.
    pub(crate) exchange: Option<Box<Exchange>>,
    pub(crate) phase: Phase,
    /// What the filters know of it.
    pub(crate) steps: Steps,
    /// How long the client has waited in this transaction.
    pub(crate) waits: Waits,
    pub(crate) link: Link,
    /// Whether the connection is the session's own.
    pub(crate) bond: Bond,
    pub(crate) events: VecDeque<Event>,
    pub(crate) questions: u64,
    /// The client closed its side; it may or may not still listen.
    pub(crate) client_eof: bool,
    pub(crate) closed: bool,
}

impl Relay {
    /// A session whose greeting is ready to be sent. `records`: of every smarthost its mail may
    /// go to, at the place of its [`SmarthostId`](crate::SmarthostId).
    pub fn new(
        settings: Arc<RelaySettings>,
        server: Arc<ServerSettings>,
        facts: SessionFacts,
        gate: OptOutGate,
        records: Arc<[Arc<CapabilityRecord>]>,
        mint: Arc<Mint>,
        now: Moment,
    ) -> Self {
        let shown = Shown::new(&facts, &gate, settings.plain_recipients);
        Self {
            settings,
            facts,
            gate,
            records,
            mint,
            server: Server::new(server, now),
            client_name: String::new(),
            helo_told: None,
            shown,
            exchange: None,
            phase: Phase::Idle,
            steps: Steps::default(),
            waits: Waits::default(),
            link: Link::None,
            bond: Bond::Free,
            events: VecDeque::new(),
            questions: 0,
            client_eof: false,
            closed: false,
        }
    }

    /// Whether bytes of the client can be taken now.
    pub fn wants_input(&self) -> bool {
        let upstream_full =
            self.link.connection().is_some_and(|upstream| upstream.unsent() >= UNSENT_MAX);
        let held_full = matches!(&self.phase, Phase::Holding(holding) if holding.is_full());
        let behind = self.waits_for_readers();
        !upstream_full && !held_full && !behind && self.server.unsent() < UNSENT_MAX
    }

    /// Moves waiting output of one side into `out`, behind what is there.
    pub fn poll_transmit(&mut self, side: Side, out: &mut Vec<u8>) -> bool {
        let waiting = match side {
            Side::Downstream => self.server.output(),
            Side::Upstream => match self.link.connection_mut() {
                Some(upstream) => upstream.output(),
                None => return false,
            },
        };
        if waiting.is_empty() {
            return false;
        }
        if out.is_empty() {
            std::mem::swap(out, waiting);
        } else {
            out.append(waiting);
        }
        true
    }

    /// Replies for the client may wait a little for those behind them: it has pipelined, and
    /// says nothing more before it has the last one (RFC 2920 s3.2 point 2).
    pub fn may_gather_replies(&self) -> bool {
        self.server.is_data_asked()
    }

    /// When [`Self::handle_timeout`] wants to be called.
    pub fn poll_timeout(&self) -> Option<Moment> {
        let upstream = self.link.connection().and_then(Upstream::poll_timeout);
        let held = match &self.phase {
            // Without a connection there is nobody to keep awake.
            Phase::Holding(holding) if self.link.connection().is_some() => holding.poll_timeout(),
            _ => None,
        };
        let both = Moment::earliest(self.server.poll_timeout(), upstream);
        Moment::earliest(Moment::earliest(both, held), self.out_of_time_at())
    }

    /// The next thing to do.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The client's side is over and nothing is awaited from the smarthost.
    pub fn is_finished(&self) -> bool {
        self.closed && matches!(self.phase, Phase::Idle)
    }

    /// No transaction is open.
    pub fn is_idle(&self) -> bool {
        matches!(self.phase, Phase::Idle)
    }

    pub(crate) fn who(&self) -> Who<'_> {
        Who { facts: &self.facts, shown: &self.shown }
    }

    /// Who is connected.
    pub fn facts(&self) -> &SessionFacts {
        &self.facts
    }
}
