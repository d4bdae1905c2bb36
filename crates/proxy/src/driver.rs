//! Drives one relay: bytes between two sockets and the state machine, events to
//! where they belong, timers.
//!
//! A hand-written poll instead of a select: every turn does all that can be done on
//! both sides and then waits for whatever comes first, and an idle session costs one
//! small allocation. The order of a turn matters: events before output (an answer
//! may add to it), the smarthost before the client (what it said must be known
//! before more is sent to it).

mod answers;
mod gathering;
mod greeted;
mod hearing;
mod recording;
mod records;
mod upstream;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use evidence::Verdict;
use gathering::Gathering;
use greeted::Greeted;
use policy::GateName;
use records::Records;
use relay::{Answer, Event, OpenFailure, Relay, Side};
use smtp_session::{Ended, Moment};
use tokio::time::Sleep;

use crate::asking::Asking;
use crate::clock::Clock;
use crate::denied;
use crate::filter::Filtering;
use crate::line::{Lease, Line};
use crate::listener_settings::ListenerSettings;
use crate::scratch;
use crate::shared::Shared;
use crate::socket::Socket;
use crate::upgrade::Upgrade;
use crate::users::{self, Authenticating};

type Opening = Pin<Box<dyn Future<Output = Result<Line, OpenFailure>> + Send>>;

pub(crate) struct Driver {
    relay: Relay,
    shared: Arc<Shared>,
    clock: Clock,
    down: Socket,
    /// The client's TLS handshake.
    upgrade: Upgrade,
    up: Option<Socket>,
    /// Of the connection that is `up`.
    lease: Option<Lease>,
    opening: Option<Opening>,
    /// Bytes of the client that could not be taken yet.
    leftover: Vec<u8>,
    client_eof: bool,
    timer: Option<Pin<Box<Sleep>>>,
    /// For when the timer is set.
    armed: Option<Moment>,
    ended: Option<Ended>,
    gathering: Gathering,
    greeted: Greeted,
    records: Records,
    /// An intent that is on its way to the disk; the dot waits for it.
    committing: Option<Pin<Box<dyn Future<Output = bool> + Send>>>,
    /// What live lists are asked.
    asking: Asking,
    /// What is asked about a user.
    authenticating: Authenticating,
    /// What looks at messages; none: nobody does.
    filtering: Option<Box<Filtering>>,
}

impl Driver {
    pub(crate) fn new(
        relay: Relay,
        mut down: Socket,
        settings: &ListenerSettings,
        shared: Arc<Shared>,
        clock: Clock,
    ) -> Self {
        let filtering = settings.filters.clone();
        let filtering =
            filtering.map(|filters| Box::new(Filtering::new(filters, clock, &shared.hostname)));
        let upgrade = Upgrade::new(settings.tls.clone(), &mut down, clock.now());
        let greeted = Greeted::new(Arc::clone(&settings.notice), relay.facts().client);
        Self {
            relay,
            upgrade,
            shared,
            clock,
            down,
            up: None,
            lease: None,
            opening: None,
            leftover: Vec::new(),
            client_eof: false,
            timer: None,
            armed: None,
            ended: None,
            gathering: Gathering::default(),
            greeted,
            records: Records::default(),
            committing: None,
            asking: Asking::default(),
            authenticating: Authenticating::default(),
            filtering,
        }
    }

    /// No new transaction from now on.
    pub(crate) fn drain(&mut self) {
        self.relay.drain(self.clock.now());
    }

    /// What is left when the session is over: the client's socket, and why it ended.
    pub(crate) fn into_parts(self) -> (Socket, Option<Ended>) {
        (self.down, self.ended)
    }

    /// The client's socket, for the last word.
    pub(crate) fn down(&mut self) -> &mut Socket {
        &mut self.down
    }

    /// One turn after another until nothing can be done; ready when the session is
    /// over and all its output is written.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let now = self.clock.now();
            let mut progress = self.handle_events(now);
            progress |= self.poll_opening(cx, now);
            progress |= self.poll_committing(cx, now);
            progress |= self.poll_asking(cx, now);
            progress |= self.poll_filtering(cx, now);
            progress |= self.authenticating.poll(cx, &mut self.relay, now);
            if self.records.are_due() {
                self.write_records();
            }
            progress |= self.write(cx, now);
            if self.records.after_reply || self.greeted.is_due() {
                self.write_records();
            }
            progress |= self.read_upstream(cx, now);
            progress |= self.poll_upgrade(cx, now);
            progress |= self.read_client(cx, now);
            if progress {
                continue;
            }
            if self.is_done() && !self.down.has_output() {
                self.write_records();
                return Poll::Ready(());
            }
            if !self.poll_timer(cx, now) {
                self.down.relax();
                if let Some(up) = &mut self.up {
                    up.relax();
                }
                return Poll::Pending;
            }
        }
    }

    fn handle_events(&mut self, now: Moment) -> bool {
        let mut any = false;
        while let Some(event) = self.relay.poll_event() {
            any = true;
            match event {
                Event::OpenUpstream(wanted) => self.open(now, wanted),
                Event::StartTls => self.ask_for_tls(now),
                Event::Greeted(client) => self.greeted.again(client),
                Event::Authenticate(question) => {
                    let (users, client) = (self.shared.users.as_deref(), self.relay.facts().client);
                    self.authenticating.ask(users, client, question);
                }
                Event::LoginEnded { user, accepted } => {
                    let (shared, facts) = (&self.shared, self.relay.facts());
                    let users = shared.users.as_deref();
                    users::ended(users, &shared.counters, facts, user.as_deref(), accepted);
                }
                Event::Denied(what) => {
                    denied::note(what, self.relay.facts(), &self.shared.counters)
                }
                Event::ReleaseUpstream(upstream) => self.release(upstream),
                Event::DropUpstream => {
                    self.up = None;
                    self.lease = None;
                }
                Event::UpstreamLost(why) => self.upstream_lost(now, &why),
                Event::Ask(id, asked) => self.asking.add(id, asked),
                Event::Filter(number, step) => self.filter(number, step),
                Event::Decided(record) => {
                    // Those over a limit are counted apart.
                    if record.gate != GateName::Rates.as_str() {
                        self.shared.counters.recipient(record.verdict);
                    }
                    self.shared.recorder.decided(&record, &mut self.records.lines);
                    self.records.before_reply |=
                        !matches!(record.verdict, Verdict::Permit | Verdict::Provisional);
                }
                Event::Found(record) => {
                    self.shared.counters.finding(&record.gate, record.verdict);
                    self.shared.recorder.found(&record, &mut self.records.lines);
                    self.records.before_reply |= record.reply.is_some();
                }
                Event::Intent(record) => {
                    self.hear_smarthost(now);
                    self.hear_client(now);
                    self.shared.recorder.intent(&record, &mut self.records.lines);
                    self.commit_records(now);
                }
                Event::Outcome(record) => {
                    self.shared.counters.message(record.ending, record.bytes);
                    self.shared.recorder.outcome(&record, &mut self.records.lines);
                    self.records.after_reply = true;
                }
                Event::Close(why) => self.ended = Some(why),
            }
        }
        for (id, asked, lookups) in self.asking.send(self.shared.live.as_deref()) {
            self.relay.answer(now, Answer::LookedUp(id, asked, lookups));
        }
        any
    }

    /// The client asked for TLS; its 220 is not written yet.
    fn ask_for_tls(&mut self, now: Moment) {
        self.upgrade.ask();
        // Whatever is there already was sent in the clear, and is none of the protected part.
        // The server role ends the session over it.
        let early = std::mem::take(&mut self.leftover);
        if !early.is_empty() {
            self.relay.handle_bytes(now, Side::Downstream, &early);
        } else if !self.down.is_quiet() {
            scratch::with(|buffer| match self.down.read_now(buffer) {
                Ok(Some(read @ 1..)) => {
                    let early = buffer.get(..read).unwrap_or_default();
                    self.relay.handle_bytes(now, Side::Downstream, early);
                }
                Ok(_) | Err(_) => self.relay.handle_client_broken(now),
            });
        }
    }

    /// Brings a TLS handshake with the client on; true when it came to its end.
    fn poll_upgrade(&mut self, cx: &mut Context<'_>, now: Moment) -> bool {
        if !self.upgrade.is_under_way() {
            return false;
        }
        if self.ended.is_some() && self.upgrade.cancel() {
            return true;
        }
        let Poll::Ready(result) = self.upgrade.poll(&mut self.down, cx, now) else { return false };
        match result {
            Ok(facts) => {
                self.shared.counters.tls_sessions.count();
                self.relay.handle_secured(now, facts);
            }
            Err(error) => {
                self.shared.counters.tls_failures.count();
                let session = &self.relay.facts().id;
                tracing::info!(%session, %error, "the TLS handshake with a client failed");
                self.down.discard();
                self.relay.handle_client_broken(now);
            }
        }
        true
    }

    /// Nothing is left but to write what is waiting.
    fn is_done(&self) -> bool {
        self.relay.is_finished() && self.up.is_none()
    }

    /// Writes both sides; true when that made room.
    fn write(&mut self, cx: &mut Context<'_>, now: Moment) -> bool {
        let mut progress = self.relay.poll_transmit(Side::Downstream, self.down.out());
        let gather = self.relay.may_gather_replies();
        if self.down.has_output() && !self.gathering.holds(gather, now) {
            if matches!(self.ended, Some(Ended::Quit)) && self.is_done() {
                self.down.send_last();
            }
            match self.down.poll_flush(cx, now) {
                Poll::Ready(Ok(())) => {
                    self.greeted.written(now);
                    progress = true;
                }
                Poll::Ready(Err(_)) => {
                    self.down.discard();
                    self.relay.handle_client_broken(now);
                    progress = true;
                }
                Poll::Pending => {}
            }
        }
        let Some(up) = &mut self.up else { return progress };
        // Not more is taken out of the relay than the socket took before: what waits
        // there is what holds the client back.
        if !up.has_output() {
            progress |= self.relay.poll_transmit(Side::Upstream, up.out());
        }
        if up.has_output() {
            match up.poll_flush(cx, now) {
                Poll::Ready(Ok(())) => progress = true,
                Poll::Ready(Err(_)) => {
                    up.discard();
                    self.relay.handle_eof(now, Side::Upstream);
                    progress = true;
                }
                Poll::Pending => {}
            }
        }
        progress
    }

    fn read_upstream(&mut self, cx: &mut Context<'_>, now: Moment) -> bool {
        let Some(up) = &mut self.up else { return false };
        let (relay, lease) = (&mut self.relay, &mut self.lease);
        scratch::with(|buffer| match up.poll_read(cx, buffer) {
            Poll::Pending => false,
            Poll::Ready(Ok(read @ 1..)) => {
                if let Some(lease) = lease {
                    lease.hear();
                }
                relay.handle_bytes(now, Side::Upstream, buffer.get(..read).unwrap_or_default());
                true
            }
            Poll::Ready(Ok(0) | Err(_)) => {
                relay.handle_eof(now, Side::Upstream);
                true
            }
        })
    }

    fn read_client(&mut self, cx: &mut Context<'_>, now: Moment) -> bool {
        if !self.leftover.is_empty() {
            let used = self.relay.handle_bytes(now, Side::Downstream, &self.leftover);
            if used == 0 {
                return false;
            }
            self.leftover.drain(..used);
            if self.leftover.is_empty() {
                self.leftover = Vec::new();
            }
            return true;
        }
        // What the smarthost does not take stays with the client, not here. The kernel has enough
        // for it to go on with.
        if self.up.as_ref().is_some_and(Socket::has_output) {
            return false;
        }
        if self.client_eof || self.upgrade.is_under_way() || !self.relay.wants_input() {
            return false;
        }
        let (down, relay) = (&mut self.down, &mut self.relay);
        let (leftover, eof) = (&mut self.leftover, &mut self.client_eof);
        scratch::with(|buffer| match down.poll_read(cx, buffer) {
            Poll::Pending => false,
            Poll::Ready(Ok(read @ 1..)) => {
                let input = buffer.get(..read).unwrap_or_default();
                let used = relay.handle_bytes(now, Side::Downstream, input);
                leftover.extend_from_slice(input.get(used..).unwrap_or_default());
                true
            }
            Poll::Ready(Ok(0)) => {
                *eof = true;
                relay.handle_eof(now, Side::Downstream);
                true
            }
            Poll::Ready(Err(_)) => {
                *eof = true;
                relay.handle_client_broken(now);
                true
            }
        })
    }

    /// Sets the timer for what is due next; true when something was due.
    fn poll_timer(&mut self, cx: &mut Context<'_>, now: Moment) -> bool {
        let Some(due) = self.next_due() else { return false };
        if now.reached(due) {
            self.armed = None;
            self.timeout(now);
            return true;
        }
        // A timer that fires too early is set again; one that is later than needed is
        // set anew. Most commands only move the deadline back, and cost nothing here.
        let rearm = !self.armed.is_some_and(|armed| due.reached(armed));
        if rearm {
            self.armed = Some(due);
            let at = self.clock.instant(due);
            match &mut self.timer {
                Some(timer) => timer.as_mut().reset(at),
                None => self.timer = Some(Box::pin(tokio::time::sleep_until(at))),
            }
        }
        let Some(timer) = &mut self.timer else { return false };
        if timer.as_mut().poll(cx).is_ready() {
            self.armed = None;
            return true;
        }
        false
    }

    fn next_due(&self) -> Option<Moment> {
        let down = self.down.stall_deadline(self.stall_limit());
        let down = Moment::earliest(down, self.upgrade.deadline());
        let down = Moment::earliest(down, self.gathering.deadline());
        Moment::earliest(Moment::earliest(self.up_stalled(), down), self.relay.poll_timeout())
    }

    fn stall_limit(&self) -> Duration {
        self.shared.limits.client_write_timeout
    }

    fn timeout(&mut self, now: Moment) {
        self.gathering.end_if_due(now);
        if self.up_stalled().is_some_and(|at| now.reached(at)) {
            self.relay.handle_upstream_stalled(now);
        }
        if self.down.stall_deadline(self.stall_limit()).is_some_and(|at| now.reached(at)) {
            self.down.discard();
            self.relay.handle_client_broken(now);
        }
        self.relay.handle_timeout(now);
    }
}
