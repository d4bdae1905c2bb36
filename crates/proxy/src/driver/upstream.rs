//! The smarthost's side of a session: which connection it gets, and where it goes afterwards.

use std::sync::Arc;
use std::task::{Context, Poll};

use relay::{Answer, OpenFailure, Upstream, Wanted};
use smtp_session::{Lost, Moment};

use super::Driver;
use crate::line::Line;
use crate::smarthosts::Smarthosts;

impl Driver {
    pub(super) fn open(&mut self, now: Moment, wanted: Wanted) {
        let candidates = self.shared.smarthosts.candidates(&wanted, now);
        let (shared, clock) = (Arc::clone(&self.shared), self.clock);
        if !wanted.fresh
            && !wanted.bound
            && let Some(first) = candidates.first()
            && let Some(line) = first.take_idle(clock, &shared.counters, wanted.client.as_deref())
        {
            return self.opened(now, Ok(line));
        }
        self.opening = Some(Box::pin(async move {
            Smarthosts::open(candidates, wanted, clock, &shared.counters).await
        }));
    }

    fn opened(&mut self, now: Moment, result: Result<Line, OpenFailure>) {
        let answer = result.map(|line| {
            self.up = Some(line.socket);
            self.lease = Some(line.lease);
            line.upstream
        });
        self.relay.answer(now, Answer::Opened(answer));
    }

    pub(super) fn release(&mut self, upstream: Box<Upstream>) {
        if let Some(socket) = self.up.take()
            && let Some(lease) = self.lease.take()
        {
            let line = Line { socket, upstream, lease };
            self.shared.smarthosts.give(line, self.clock);
        }
    }

    pub(super) fn upstream_lost(&self, now: Moment, why: &Lost) {
        let Some(lease) = &self.lease else { return };
        let Some(host) = self.shared.smarthosts.get(lease.smarthost()) else { return };
        let (session, smarthost) = (&self.relay.facts().id, &host.settings().name);
        if lease.is_stale(why) {
            tracing::debug!(%session, smarthost, %why, "an idle connection had ended");
        } else {
            tracing::warn!(%session, smarthost, %why, "smarthost lost in a transaction");
        }
        host.lost(lease, why, now);
    }

    pub(super) fn poll_opening(&mut self, cx: &mut Context<'_>, now: Moment) -> bool {
        let Some(opening) = &mut self.opening else { return false };
        if self.relay.is_finished() {
            self.opening = None;
            return true;
        }
        let Poll::Ready(result) = opening.as_mut().poll(cx) else { return false };
        self.opening = None;
        self.opened(now, result);
        true
    }

    /// When the smarthost will have taken nothing for too long.
    pub(super) fn up_stalled(&self) -> Option<Moment> {
        self.up.as_ref()?.stall_deadline(self.lease.as_ref()?.data_timeout())
    }
}
