//! One milter as one session sees it: whether it is connected, what it was told, and what
//! became of that.
//!
//! ```text
//!   no link --MAIL: connect, HELO, MAIL--> attends --its verdict, RSET--> at rest
//!      ^                                     |  ^                           |
//!      +----- it failed: link closed --------+  +----------- MAIL ----------+
//! ```
//!
//! A link is kept over the transactions of a session, as long as the client is the same. Where a
//! kept one turns out to be dead at MAIL, another one is tried once: nothing was said on it. One
//! that died while the client took its time, before the content, is made anew as well and told the
//! envelope again: milters hang up on who is idle, and a client could be idle on purpose.

use std::sync::Arc;
use std::time::Duration;

use evidence::Reference;
use milter::{Change, Macros, MilterError, Verdict};
use policy::{Finding, GateVerdict};
use relay::FilterVerdict;
use smtp_session::Moment;
use tokio::time::timeout;

use super::caller::Caller;
use super::link::{Failure, Link};
use super::milter::{Milter, OnFailure};
use super::showing::{Showing, Shown};
use super::verdict::{Said, said};
use crate::clock::Clock;
use crate::replies;

/// A milter in a session.
pub(super) struct Attendance {
    milter: Arc<Milter>,
    /// `milter NAME`, for the record.
    by: Arc<str>,
    link: Option<Link>,
    /// What it said of a client at connect or HELO, if that settles all of its messages.
    settled: Option<(Caller, Verdict)>,
    part: Part,
    /// What it was told of the envelope and has nothing against, for another link.
    envelope: Envelope,
    /// How far it has been shown the content.
    showing: Showing,
    /// What it said against a message before it was shown all of it.
    early: Option<FilterVerdict>,
}

/// Paths with their parameters.
#[derive(Debug, Default)]
struct Envelope {
    mail: (String, String),
    recipients: Vec<(String, String)>,
}

/// Its part in the present transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// None, or it wants to hear no more.
    None,
    /// It is shown everything, and has so much time left.
    Attends(Duration),
    /// It failed, and nothing is to pass without it.
    Failed,
}

/// The transaction, as all of them are told it.
pub(super) struct Told<'a> {
    pub(super) caller: &'a Caller,
    pub(super) reference: &'a Reference,
    pub(super) macros: &'a Macros,
    pub(super) clock: Clock,
    /// Octets of changes to a message.
    pub(super) changes_max: usize,
}

impl Attendance {
    pub(super) fn new(milter: Arc<Milter>) -> Self {
        let by = format!("milter {}", milter.settings().name).into();
        Self {
            milter,
            by,
            link: None,
            settled: None,
            part: Part::None,
            envelope: Envelope::default(),
            showing: Showing::default(),
            early: None,
        }
    }

    /// As evidence has it.
    pub(super) fn by(&self) -> &Arc<str> {
        &self.by
    }

    /// A transaction begins; `parameters` are those of MAIL, with spaces between them.
    pub(super) async fn mail(
        &mut self,
        path: &str,
        parameters: &str,
        told: &Told<'_>,
        findings: &mut Vec<Finding>,
    ) -> FilterVerdict {
        self.abort();
        if self.settled.as_ref().is_some_and(|(caller, _)| caller != told.caller) {
            self.settled = None;
        }
        if self.link.as_ref().is_some_and(|link| link.caller != *told.caller) {
            self.link = None;
        }
        self.milter.asked.count();
        if let Some((_, verdict)) = &self.settled {
            let said = said(verdict.clone(), &self.by, told.reference);
            return self.concluded(said);
        }
        self.envelope.mail = (path.to_owned(), parameters.to_owned());
        let cap = self.milter.settings().cap;
        let began = told.clock.now();
        let result = timeout(cap, self.begin(told)).await.unwrap_or(Err(Failure::Timeout(cap)));
        self.part = Part::Attends(cap.saturating_sub(since(began, told.clock)));
        match &result {
            Ok(_) => self.milter.reachable(),
            Err(failure) if is_its_fault(failure) => self.milter.unreachable(told.clock.now()),
            Err(_) => {}
        }
        self.settle(result, false, told, findings)
    }

    /// A recipient that our own gates permit.
    pub(super) async fn recipient(
        &mut self,
        path: &str,
        parameters: &str,
        told: &Told<'_>,
        findings: &mut Vec<Finding>,
    ) -> FilterVerdict {
        let left = match self.part {
            Part::None => return FilterVerdict::Permit,
            Part::Attends(left) => left,
            Part::Failed => return self.cannot(told),
        };
        let began = told.clock.now();
        let asking = async {
            self.revive(told).await?;
            say_recipient(self.link()?, path, parameters, told.macros).await
        };
        let result = timeout(left, asking).await;
        self.part = Part::Attends(left.saturating_sub(since(began, told.clock)));
        let result = result.unwrap_or(Err(self.too_slow()));
        let verdict = self.settle(result, true, told, findings);
        if verdict == FilterVerdict::Permit && self.part != Part::None {
            self.envelope.recipients.push((path.to_owned(), parameters.to_owned()));
        }
        verdict
    }

    /// It reads content as that comes in.
    pub(super) fn is_early(&self) -> bool {
        self.milter.settings().early
    }

    /// Content as it comes in; what it says of that is its verdict at the end. `false`: that is
    /// against the message.
    pub(super) async fn piece(
        &mut self,
        piece: &[u8],
        told: &Told<'_>,
        findings: &mut Vec<Finding>,
    ) -> bool {
        if self.early.is_some() {
            return false;
        }
        if !self.is_early() {
            return true;
        }
        let left = match self.part {
            Part::None => return true,
            Part::Attends(left) => left,
            Part::Failed => return false,
        };
        let began = told.clock.now();
        let shown = timeout(left, self.show(piece, false, told)).await;
        self.part = Part::Attends(left.saturating_sub(since(began, told.clock)));
        let result = match shown.unwrap_or(Err(self.too_slow())) {
            Ok(Shown::SoFar) => return true,
            Ok(Shown::Whole(verdict) | Shown::InPart(verdict)) => Ok(verdict),
            Err(failure) => Err(self.showing.failed(failure)),
        };
        match self.settle(result, false, told, findings) {
            FilterVerdict::Permit => true,
            verdict => {
                self.early = Some(verdict);
                false
            }
        }
    }

    /// The content is complete, and this is what was not shown yet; with the verdict comes what it
    /// wants changed.
    pub(super) async fn content(
        &mut self,
        rest: &[u8],
        told: &Told<'_>,
        findings: &mut Vec<Finding>,
    ) -> (FilterVerdict, Vec<Change>) {
        if let Some(verdict) = self.early.take() {
            return (verdict, Vec::new());
        }
        let left = match self.part {
            Part::None => return (FilterVerdict::Permit, Vec::new()),
            Part::Attends(left) => left,
            Part::Failed => return (self.cannot(told), Vec::new()),
        };
        let shown = timeout(left, self.show(rest, true, told)).await;
        let mut changes = self.link.as_mut().map(Link::take_changes).unwrap_or_default();
        let result = match shown.unwrap_or(Err(self.too_slow())) {
            Ok(Shown::Whole(verdict)) => {
                // The message is over for it; there is nothing to abort.
                self.part = Part::None;
                self.milter.succeeded();
                Ok(verdict)
            }
            Ok(Shown::InPart(verdict)) => Ok(verdict),
            // Not with the last piece.
            Ok(Shown::SoFar) => Err(Failure::Lost("it has not seen the end".to_owned())),
            Err(failure) => Err(self.showing.failed(failure)),
        };
        // Without its last word there may be more to come, and half of them are none.
        if result.is_err() {
            changes.clear();
        }
        let verdict = self.settle(result, false, told, findings);
        self.abort();
        match verdict {
            FilterVerdict::Permit => (verdict, changes),
            verdict => (verdict, Vec::new()),
        }
    }

    /// What it wants changed cannot be, for this reason.
    pub(super) fn cannot_change(
        &mut self,
        why: Failure,
        told: &Told<'_>,
        findings: &mut Vec<Finding>,
    ) -> FilterVerdict {
        self.fail(&why, told, findings)
    }

    /// It has changed a message.
    pub(super) fn has_changed(&self) {
        self.milter.changed.count();
    }

    /// The transaction is over, for it or for everybody.
    pub(super) fn abort(&mut self) {
        if let (Some(link), Part::Attends(_)) = (&mut self.link, self.part)
            && !link.abort()
        {
            self.link = None;
        }
        self.part = Part::None;
        self.envelope.recipients.clear();
        self.showing = Showing::default();
        self.early = None;
    }

    fn link(&mut self) -> Result<&mut Link, Failure> {
        self.link.as_mut().ok_or_else(|| Failure::Lost("there is none".to_owned()))
    }

    /// Shows the next piece of the content.
    async fn show(&mut self, piece: &[u8], last: bool, told: &Told<'_>) -> Result<Shown, Failure> {
        if !self.showing.has_begun() {
            self.revive(told).await?;
        }
        let Some(link) = &mut self.link else {
            return Err(Failure::Lost("there is none".to_owned()));
        };
        self.showing.piece(link, piece, last, told.macros).await
    }

    /// A link that died at rest is made anew, and told what the last one was told.
    async fn revive(&mut self, told: &Told<'_>) -> Result<(), Failure> {
        if !self.link()?.has_gone() {
            return Ok(());
        }
        self.link = None;
        let mut verdict = self.fresh(told).await?;
        let recipients = std::mem::take(&mut self.envelope.recipients);
        for (path, parameters) in &recipients {
            if verdict != Verdict::Continue {
                break;
            }
            verdict = say_recipient(self.link()?, path, parameters, told.macros).await?;
        }
        self.envelope.recipients = recipients;
        match verdict {
            Verdict::Continue => Ok(()),
            // The envelope is settled: the client has to come again with it.
            _ => Err(Failure::LostAmid("on another one it says something else".to_owned())),
        }
    }

    /// Says MAIL: on the link there is, or on another one.
    async fn begin(&mut self, told: &Told<'_>) -> Result<Verdict, Failure> {
        if self.link.as_mut().is_some_and(Link::is_spent) {
            self.link = None;
        }
        if let Some(link) = &mut self.link {
            match say_mail(link, &self.envelope, told.macros).await {
                Err(Failure::Lost(_)) => self.link = None,
                other => return other,
            }
        }
        self.fresh(told).await
    }

    /// Says all up to MAIL on another link.
    async fn fresh(&mut self, told: &Told<'_>) -> Result<Verdict, Failure> {
        let milter = Arc::clone(&self.milter);
        let Some(_leave) = milter.enter(told.clock.now()) else { return Err(Failure::LeftAlone) };
        let caller = told.caller.clone();
        let mut link = Link::open(milter.settings(), caller, told.changes_max).await?;
        milter.connections.count();
        let host = told.caller.host();
        let address = told.caller.address();
        let awaits = link.connection().connect(&host, Some(address), told.macros)?;
        let mut verdict = link.verdict(awaits).await?;
        if matches!(verdict, Verdict::Continue | Verdict::Skip) {
            let awaits = link.connection().helo(&told.caller.name, told.macros)?;
            verdict = link.verdict(awaits).await?;
        }
        if !matches!(verdict, Verdict::Continue | Verdict::Skip) {
            self.settled = Some((told.caller.clone(), verdict.clone()));
            return Ok(verdict);
        }
        let verdict = say_mail(&mut link, &self.envelope, told.macros).await?;
        self.link = Some(link);
        Ok(verdict)
    }

    /// `one`: the verdict is about one recipient, unless it is that all may pass.
    fn settle(
        &mut self,
        result: Result<Verdict, Failure>,
        one: bool,
        told: &Told<'_>,
        findings: &mut Vec<Finding>,
    ) -> FilterVerdict {
        let said = match result {
            Ok(verdict) => said(verdict, &self.by, told.reference),
            Err(failure) => return self.fail(&failure, told, findings),
        };
        if said != Said::Continue {
            self.milter.succeeded();
        }
        match said {
            Said::Against(verdict) if one => {
                self.milter.refused.count();
                verdict
            }
            said => self.concluded(said),
        }
    }

    /// About the whole message.
    fn concluded(&mut self, said: Said) -> FilterVerdict {
        match said {
            Said::Continue => FilterVerdict::Permit,
            Said::Accept => {
                self.abort();
                FilterVerdict::Permit
            }
            Said::Against(verdict) => {
                self.milter.refused.count();
                self.abort();
                verdict
            }
        }
    }

    /// It is of no use for this message.
    fn fail(
        &mut self,
        failure: &Failure,
        told: &Told<'_>,
        findings: &mut Vec<Finding>,
    ) -> FilterVerdict {
        self.link = None;
        let amid = matches!(failure, Failure::LostAmid(_));
        if is_its_fault(failure) {
            self.milter.failed(&failure.to_string());
        } else if !matches!(failure, Failure::LeftAlone) {
            // Its health says nothing of this, and the client's reply not why.
            let (by, reference) = (&self.by, told.reference);
            tracing::warn!(%by, %reference, %failure, "a message cannot pass a milter as it is");
            if amid || self.milter.settings().on_failure == OnFailure::Defer {
                findings.push(Finding {
                    gate: Arc::clone(by),
                    verdict: GateVerdict::Shadow,
                    found: failure.to_string(),
                    text: None,
                });
            }
        }
        let fault_of_message = match failure {
            Failure::Protocol(MilterError::Oversize { .. }) => Some("a header field is too long"),
            Failure::TooManyChanges => Some("too many header fields to be changed"),
            _ => None,
        };
        if let Some(what) = fault_of_message {
            self.part = Part::Failed;
            let reply = replies::filter_cannot_handle(&self.by, what, told.reference);
            return FilterVerdict::Refuse { by: Arc::clone(&self.by), reply };
        }
        match self.milter.settings().on_failure {
            OnFailure::Defer => {
                self.part = Part::Failed;
                self.cannot(told)
            }
            OnFailure::Permit if amid => {
                self.part = Part::Failed;
                self.cannot(told)
            }
            OnFailure::Permit => {
                self.part = Part::None;
                findings.push(Finding {
                    gate: Arc::clone(&self.by),
                    verdict: GateVerdict::Permit,
                    found: format!("went on without it: {failure}"),
                    text: None,
                });
                FilterVerdict::Permit
            }
        }
    }

    fn cannot(&self, told: &Told<'_>) -> FilterVerdict {
        let reply = replies::filter_fails(Some(told.reference));
        FilterVerdict::Refuse { by: Arc::clone(&self.by), reply }
    }

    fn too_slow(&self) -> Failure {
        Failure::Timeout(self.milter.settings().cap)
    }
}

/// Whether it tells of the milter, and not of the message, or of what is known already.
fn is_its_fault(failure: &Failure) -> bool {
    !matches!(
        failure,
        Failure::LeftAlone
            | Failure::Change(_)
            | Failure::TooManyChanges
            | Failure::LostAmid(_)
            | Failure::Protocol(MilterError::Oversize { .. } | MilterError::OutOfOrder(_))
    )
}

fn since(began: Moment, clock: Clock) -> Duration {
    clock.now().monotonic().saturating_sub(began.monotonic())
}

async fn say_mail(
    link: &mut Link,
    envelope: &Envelope,
    macros: &Macros,
) -> Result<Verdict, Failure> {
    let (path, parameters) = &envelope.mail;
    let parameters: Vec<_> = parameters.split_ascii_whitespace().collect();
    let awaits = link.connection().mail(path, &parameters, macros)?;
    link.verdict(awaits).await
}

async fn say_recipient(
    link: &mut Link,
    path: &str,
    parameters: &str,
    macros: &Macros,
) -> Result<Verdict, Failure> {
    let parameters: Vec<_> = parameters.split_ascii_whitespace().collect();
    let awaits = link.connection().rcpt(path, &parameters, macros)?;
    link.verdict(awaits).await
}
